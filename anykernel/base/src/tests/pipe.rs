//! A file with both ends of a pipe, and levers for what a peer would do.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;

use syscall::{Fd, UioIn, UioOut, consts::*};

use super::Counter;
use crate::sync::Mutex;
use crate::*;

pub(crate) struct Pipe {
    readiness: Readiness,
    state: Mutex<State>,
    capacity: usize,
    pub(crate) closed: Counter,
}

struct State {
    bytes: VecDeque<u8>,
    /// What a peer did.
    more: Events,
}

impl Pipe {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Pipe {
            readiness: Readiness::new(Events::OUT),
            state: Mutex::new(State {
                bytes: VecDeque::new(),
                more: Events::NONE,
            }),
            capacity,
            closed: Counter::default(),
        })
    }

    /// A pipe at a descriptor.
    pub(crate) fn open(lwp: &Lwp<'_>, capacity: usize) -> (Arc<Self>, Fd) {
        let pipe = Pipe::new(capacity);
        let fd = lwp.process().open(lwp, pipe.clone(), O_RDWR).unwrap();
        (pipe, Fd(fd.0))
    }

    fn with<R>(&self, lwp: &Lwp<'_>, news: Events, f: impl FnOnce(&mut State) -> R) -> R {
        let mut guard = self.state.lock(lwp);
        let (state, wakes) = guard.split();
        let result = f(state);
        let level = Events::IN.when(!state.bytes.is_empty())
            | Events::OUT.when(state.bytes.len() < self.capacity)
            | state.more;
        self.readiness.update(level, news, wakes);
        result
    }

    /// As if a peer had sent a byte.
    pub(crate) fn feed(&self, lwp: &Lwp<'_>, byte: u8) {
        self.with(lwp, Events::IN, |state| state.bytes.push_back(byte));
    }

    /// As if all had been read elsewhere.
    pub(crate) fn drain(&self, lwp: &Lwp<'_>) {
        self.with(lwp, Events::NONE, |state| state.bytes.clear());
    }

    /// As if a peer had closed its end.
    pub(crate) fn hang_up(&self, lwp: &Lwp<'_>) {
        self.with(lwp, Events::NONE, |state| {
            state.more = Events::HUP | Events::RDHUP | Events::IN;
        });
    }

    /// Panics with the lock held.
    pub(crate) fn break_in_the_middle(&self, lwp: &Lwp<'_>) {
        self.with(lwp, Events::NONE, |_| panic!("a fault with a lock held"));
    }
}

impl File for Pipe {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        self.with(lwp, Events::NONE, |state| {
            if state.bytes.is_empty() && !state.more.contains(Events::HUP) {
                return Err(Wait::For(Events::IN));
            }
            let count = to.remaining().min(state.bytes.len());
            let bytes: vec::Vec<u8> = state.bytes.drain(..count).collect();
            Ok(to.put(&bytes)?)
        })
    }

    fn try_write(&self, lwp: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        self.with(lwp, Events::NONE, |state| {
            let room = self.capacity - state.bytes.len();
            if room == 0 {
                return Err(Wait::For(Events::OUT));
            }
            let mut bytes = vec![0; room.min(from.remaining())];
            let count = from.take(&mut bytes)?;
            state.bytes.extend(&bytes);
            Ok(count)
        })
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn close(&self, _lwp: &Lwp<'_>) {
        self.closed.add();
    }
}
