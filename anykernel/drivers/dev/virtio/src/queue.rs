//! Queues that own what they lend.
//!
//! The crate's queue takes borrowed buffers and asks its caller to keep them; this one keeps them itself, in
//! slots that do not move, and gives back each when the device has used it. So a driver needs no unsafe
//! code, and no mistake of a driver or lie of a device makes it touch memory that is on loan.
// The crate's queue asks for promises.
#![allow(unsafe_code)]

mod setup;

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::mem::{self, ManuallyDrop};

use base::{Errno, Failure};
use hardware::fence;
use hypercall::dma;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::DeviceType;

use crate::hal::Hal;
use crate::port::Quiet;
use crate::wire::{Bell, Wire};
use setup::Setup;

/// Buffers that go to a device together.
pub trait Chain: Send + 'static {
    /// Shows the buffers: what the device reads, and what it writes. None is empty, and they are the same
    /// each time.
    fn lend<R>(&mut self, f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R)
    -> R;
}

/// What the device gave back cannot be: it is not to be believed from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It does not have these buffers.
    Unknown(u16),
    /// It claims more bytes than there was room.
    TooLong(u32),
}

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Broken::Unknown(id) => write!(f, "it returned buffer {id}, which it did not have"),
            Broken::TooLong(len) => {
                write!(f, "it claims to have written {len} bytes, where fewer fit")
            }
        }
    }
}

/// Says of an entry that it is none.
const NONE: u16 = u16::MAX;

/// A queue with `N` entries.
pub struct Queue<T: Chain, const N: usize> {
    /// Lives on if it is not ended: the device may be at work on it.
    queue: ManuallyDrop<VirtQueue<Hal, N>>,
    bell: Bell,
    /// What is lent, at places that stay.
    slots: ManuallyDrop<Box<[Option<T>]>>,
    /// Slots without anything in them.
    free: Vec<u16>,
    /// By what the device calls a chain: its slot.
    lent: Box<[u16]>,
    /// Whether something was added since the device was told last.
    added: bool,
    /// What came back with a lie, for the end.
    doubtful: Vec<T>,
}

impl<T: Chain, const N: usize> Queue<T, N> {
    pub(crate) fn new(wire: &dyn Wire, kind: DeviceType, index: u16) -> Result<Box<Self>, Failure> {
        let wrong = |what| Failure::new(Errno::EIO, format!("queue {index} {what}"));
        let queue = VirtQueue::new(&mut Setup { wire, kind }, index, false, false);
        let queue = queue.map_err(|error| match error {
            virtio_drivers::Error::InvalidParam => wrong("is missing or too short"),
            virtio_drivers::Error::DmaError => Failure::new(Errno::ENOMEM, "no memory for a queue"),
            _ => wrong("does not come up"),
        })?;
        let bell = wire.bell(index);
        let bell = bell.ok_or_else(|| wrong("is notified outside of the device's registers"))?;
        Ok(Box::new(Queue {
            queue: ManuallyDrop::new(queue),
            bell,
            slots: ManuallyDrop::new((0..N).map(|_| None).collect()),
            free: (0..N as u16).rev().collect(),
            lent: alloc::vec![NONE; N].into_boxed_slice(),
            added: false,
            doubtful: Vec::new(),
        }))
    }

    /// Lends buffers to the device, which hears of it by [`kick`](Self::kick). Gives them back if the
    /// queue has no room for them now.
    pub fn add(&mut self, chain: T) -> Result<(), T> {
        let Some(slot) = self.free.pop() else {
            return Err(chain);
        };
        let place = self.slots[usize::from(slot)].insert(chain);
        let queue = &mut self.queue;
        let token = place.lend(|readable, writable| {
            // SAFETY: the buffers are what `place` has exclusively. It does not move, and nobody gets at it
            // before the device has used it (`pop`) or was reset (`end`).
            unsafe { queue.add(readable, writable) }
        });
        match token {
            Ok(token) => {
                self.lent[usize::from(token)] = slot;
                self.added = true;
                Ok(())
            }
            Err(_) => {
                self.free.push(slot);
                match self.slots[usize::from(slot)].take() {
                    Some(chain) => Err(chain),
                    None => Ok(()),
                }
            }
        }
    }

    /// Tells the device that there is something for it, if there is since the last time, unless it does not
    /// want to be told. (Some devices answer a call for nothing by an interrupt for nothing.)
    pub fn kick(&mut self) {
        if !mem::take(&mut self.added) {
            return;
        }
        // What was added must be seen before it is asked whether to tell.
        fence();
        if self.queue.should_notify() {
            self.bell.ring();
        }
    }

    /// Has the device interrupt, or not, when it has used buffers: a hint. Whoever switches it on looks
    /// afterwards whether some have been used ([`has_used`](Self::has_used)).
    pub fn interrupt(&mut self, on: bool) {
        self.queue.set_dev_notify(on);
        fence();
    }

    /// Whether the device has used buffers.
    pub fn has_used(&self) -> bool {
        self.queue.can_pop()
    }

    /// How many chains the device has.
    pub fn under_way(&self) -> usize {
        N - self.free.len()
    }

    /// The next buffers that the device has used, and how many bytes it has written there.
    pub fn pop(&mut self) -> Result<Option<(T, usize)>, Broken> {
        let Some(token) = self.queue.peek_used() else {
            return Ok(None);
        };
        let unknown = Broken::Unknown(token);
        let lent = self.lent.get_mut(usize::from(token)).ok_or(unknown)?;
        let slot = usize::from(mem::replace(lent, NONE));
        let place = self.slots.get_mut(slot).ok_or(unknown)?;
        let chain = place.as_mut().ok_or(unknown)?;
        let queue = &mut self.queue;
        let (len, room) = chain.lend(|readable, writable| {
            let room: usize = writable.iter().map(|buffer| buffer.len()).sum();
            // SAFETY: these are the buffers that were added when the token was given.
            let len = unsafe { queue.pop_used(token, readable, writable) };
            (len, room)
        });
        let len = match len {
            Ok(len) => len,
            // The device has changed its mind in between. What it has stays where it is.
            Err(_) => {
                self.lent[usize::from(token)] = slot as u16;
                return Err(unknown);
            }
        };
        let chain = place.take().ok_or(unknown)?;
        self.free.push(slot as u16);
        if len as usize > room {
            self.doubtful.push(chain);
            return Err(Broken::TooLong(len));
        }
        Ok(Some((chain, len as usize)))
    }

    /// Gives up the queue of a device that does not reset. Its memory and all that it had are lost, but for
    /// what `salvage` takes of each chain without touching its buffers.
    pub fn abandon<R>(&mut self, salvage: impl FnMut(&mut T) -> R) -> Vec<R> {
        let lost = self.slots.iter_mut().flatten();
        lost.chain(&mut self.doubtful).map(salvage).collect()
    }

    /// Ends the queue of a device that was reset, and gives back all that it had.
    #[expect(clippy::boxed_local, reason = "kilobytes that need not move")]
    pub fn end(mut self: Box<Self>, _: Quiet) -> Vec<T> {
        // Where they are, before they move.
        self.slots.iter_mut().flatten().for_each(end_loan);
        // The plain form: iterators put together are half a kilobyte of code for each kind of chain.
        let mut chains = core::mem::take(&mut self.doubtful);
        for slot in self.slots.iter_mut() {
            if let Some(chain) = slot.take() {
                chains.push(chain);
            }
        }
        // SAFETY: the queue is not used again, and neither are the slots.
        unsafe {
            ManuallyDrop::drop(&mut self.queue);
            ManuallyDrop::drop(&mut self.slots);
        }
        chains
    }
}

/// Ends the loan of buffers that the device did not use.
fn end_loan<T: Chain>(chain: &mut T) {
    chain.lend(|readable, writable| {
        let readable = readable
            .iter()
            .map(|buffer| (buffer.as_ptr(), buffer.len()));
        let writable = writable
            .iter()
            .map(|buffer| (buffer.as_ptr(), buffer.len()));
        for (start, len) in readable.chain(writable) {
            // Shared again, memory has the same name: that ends both.
            let device = dma::share(start as usize, len);
            dma::unshare(device, start as usize, len);
            dma::unshare(device, start as usize, len);
        }
    });
}
