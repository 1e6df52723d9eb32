//! What is on its way to and from a console.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use base::{Events, Failure};
use virtio::{Broken, Chain, Device, Queue, Quiet};

/// The queues' numbers.
const INPUT: u16 = 0;
const OUTPUT: u16 = 1;

/// Bytes of a buffer.
const BUFFER: usize = 512;

/// Bytes that wait to be written.
const ROOM: usize = 64 * 1024;

/// A buffer that the device fills.
struct Typed(Box<[u8; BUFFER]>);

impl Chain for Typed {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        f(&[], &mut [&mut self.0[..]])
    }
}

/// Bytes that the device shows.
struct Shown(Vec<u8>);

impl Chain for Shown {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        f(&[&self.0], &mut [])
    }
}

/// The queues of a console, and what is in front of them.
pub(crate) struct State {
    input: Box<Queue<Typed, 4>>,
    output: Box<Queue<Shown, 16>>,
    typed: VecDeque<u8>,
    /// Buffers kept from the device until what it typed is read.
    kept: Vec<Typed>,
    waiting: VecDeque<u8>,
    /// What the device did that it must not.
    broken: Option<Broken>,
}

impl State {
    pub(crate) fn new(device: &mut Device) -> Result<Self, Failure> {
        Ok(State {
            input: device.queue(INPUT)?,
            output: device.queue(OUTPUT)?,
            typed: VecDeque::new(),
            kept: (0..4).map(|_| Typed(Box::new([0; BUFFER]))).collect(),
            waiting: VecDeque::new(),
            broken: None,
        })
    }

    /// What the console is ready for.
    pub(crate) fn level(&self) -> Events {
        Events::IN.when(!self.typed.is_empty()) | Events::OUT.when(self.waiting.len() < ROOM)
    }

    /// Has what was typed read: `take` says how much of it was.
    pub(crate) fn read<E>(
        &mut self,
        take: impl FnOnce(&[u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let count = take(self.typed.make_contiguous())?;
        self.typed.drain(..count);
        self.offer();
        Ok(count)
    }

    /// Bytes that may be written now.
    pub(crate) fn room(&self) -> usize {
        ROOM.saturating_sub(self.waiting.len())
    }

    /// Writes bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
    }

    /// Lends the device buffers to type into, while nothing waits to be read.
    pub(crate) fn offer(&mut self) {
        if !self.typed.is_empty() {
            return;
        }
        while let Some(typed) = self.kept.pop() {
            if let Err(typed) = self.input.add(typed) {
                self.kept.push(typed);
                break;
            }
        }
        self.input.kick();
    }

    /// Takes what was typed and shown, and goes on showing. `Err` says what the device did that it must
    /// not.
    pub(crate) fn turn(&mut self) -> Result<(), Broken> {
        if self.broken.is_none() {
            self.broken = self.try_turn().err();
        }
        self.broken.map_or(Ok(()), Err)
    }

    fn try_turn(&mut self) -> Result<(), Broken> {
        while let Some((typed, len)) = self.input.pop()? {
            self.typed.extend(&typed.0[..len]);
            self.kept.push(typed);
        }
        self.offer();
        while self.output.pop()?.is_some() {}
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(BUFFER);
            let shown = Shown(self.waiting.drain(..count).collect());
            if let Err(Shown(bytes)) = self.output.add(shown) {
                let bytes = bytes.into_iter().rev();
                bytes.for_each(|byte| self.waiting.push_front(byte));
                break;
            }
        }
        self.output.kick();
        Ok(())
    }

    /// Whether everything has been shown.
    pub(crate) fn is_silent(&self) -> bool {
        self.waiting.is_empty() && self.output.under_way() == 0
    }

    /// Ends the queues of a device that was reset.
    pub(crate) fn end(self, quiet: Quiet) {
        self.input.end(quiet);
        self.output.end(quiet);
    }
}
