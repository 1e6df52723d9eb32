//! Waiting for many things at once.
//!
//! ```no_run
//! # fn f(kernel: &rump::Kernel, a: &rump::Descriptor, b: &rump::Descriptor) -> rump::Result<()> {
//! use rump::poll::{Events, Interest, Poller};
//!
//! let poller = Poller::new(kernel)?;
//! poller.add(a, 1, Interest::READ)?;
//! poller.add(b, 2, Interest::READ | Interest::WRITE)?;
//! let mut events = Events::with_capacity(64);
//! loop {
//!     poller.wait(&mut events, None)?;
//!     for event in &events {
//!         match event.key {
//!             1 if event.is_readable() => { /* a.read(…) will not wait */ }
//!             _ => { /* b */ }
//!         }
//!     }
//! }
//! # }
//! ```

use alloc::vec::Vec;
use core::ops::BitOr;
use core::time::Duration;

use base::syscalls;
use syscall::consts::{
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET, EPOLLONESHOT,
};
use syscall::{EpollEvent, EpollEventIn, EpollEvents};

use crate::descriptor::{AsDescriptor, Descriptor};
use crate::kernel::milliseconds;
use crate::{Kernel, Result};

const IN: u32 = base::Events::IN.0;
const OUT: u32 = base::Events::OUT.0;
const ERR: u32 = base::Events::ERR.0;
const HUP: u32 = base::Events::HUP.0;
const RDHUP: u32 = base::Events::RDHUP.0;

/// What to wait for. Errors are waited for whatever is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(u32);

impl Interest {
    /// Errors only.
    pub const NONE: Interest = Interest(0);
    /// Something to read or to accept, or the end.
    pub const READ: Interest = Interest(IN | RDHUP);
    /// Room to write, or that connecting came to an end.
    pub const WRITE: Interest = Interest(OUT);

    /// The same, reported once for each change instead of for as long as it lasts.
    pub const fn edge(self) -> Self {
        Interest(self.0 | EPOLLET)
    }

    /// The same, reported once; [`Poller::modify`] arms it again.
    pub const fn oneshot(self) -> Self {
        Interest(self.0 | EPOLLONESHOT)
    }
}

impl BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The key the source was added with.
    pub key: u64,
    bits: u32,
}

impl Event {
    /// Whether a read would not wait: data, the end, or an error.
    pub fn is_readable(&self) -> bool {
        self.bits & (IN | RDHUP | HUP | ERR) != 0
    }

    /// Whether a write would not wait: room, or an error.
    pub fn is_writable(&self) -> bool {
        self.bits & (OUT | HUP | ERR) != 0
    }

    /// Whether an error is pending.
    pub fn is_error(&self) -> bool {
        self.bits & ERR != 0
    }

    /// Whether the peer writes no more.
    pub fn is_read_closed(&self) -> bool {
        self.bits & (RDHUP | HUP) != 0
    }
}

/// A buffer for what happened.
#[derive(Debug)]
pub struct Events {
    events: Vec<EpollEvent>,
    capacity: i32,
}

impl Events {
    /// Room for as many events as one wait is to return at most; at least one.
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, i32::MAX as usize);
        Events {
            events: Vec::with_capacity(capacity),
            capacity: capacity as i32,
        }
    }

    /// What the last wait returned.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.events.iter())
    }

    /// Whether the last wait returned nothing.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// What a wait returned, one by one.
#[derive(Debug)]
pub struct Iter<'a>(core::slice::Iter<'a, EpollEvent>);

impl Iterator for Iter<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.0.next().map(|event| Event {
            key: event.data,
            bits: event.events,
        })
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = Event;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// A set of things to wait for. Idle ones cost nothing.
#[derive(Debug)]
pub struct Poller(Descriptor);

impl Poller {
    /// An empty set.
    pub fn new(kernel: &Kernel) -> Result<Self> {
        Descriptor::open(kernel, |lwp| syscalls::epoll_create1(lwp, EPOLL_CLOEXEC)).map(Poller)
    }

    /// Adds a source. Its events carry `key`. A source that is dropped, and was not cloned, leaves
    /// the set by itself.
    pub fn add(&self, source: &impl AsDescriptor, key: u64, interest: Interest) -> Result<()> {
        self.control(EPOLL_CTL_ADD, source, key, interest)
    }

    /// Changes the key and what to wait for of a source.
    pub fn modify(&self, source: &impl AsDescriptor, key: u64, interest: Interest) -> Result<()> {
        self.control(EPOLL_CTL_MOD, source, key, interest)
    }

    /// Removes a source.
    pub fn remove(&self, source: &impl AsDescriptor) -> Result<()> {
        self.control(EPOLL_CTL_DEL, source, 0, Interest::NONE)
    }

    fn control(
        &self,
        operation: u32,
        source: &impl AsDescriptor,
        key: u64,
        interest: Interest,
    ) -> Result<()> {
        let event = EpollEvent {
            events: interest.0,
            data: key,
        };
        let of = source.as_descriptor().fd();
        self.0.call(|lwp, set| {
            syscalls::epoll_ctl(lwp, set, operation, of, EpollEventIn::new(Ok(event)))
        })
    }

    /// Waits until something happens, at most for `timeout`: how many events there are, none if the
    /// time is over. What was in `events` before is gone.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> Result<usize> {
        events.events.clear();
        let capacity = events.capacity;
        self.0.call(|lwp, set| {
            let place = EpollEvents::new(&mut events.events, capacity);
            syscalls::epoll_wait(lwp, set, place, milliseconds(timeout))
        })?;
        Ok(events.events.len())
    }
}

impl AsDescriptor for Poller {
    fn as_descriptor(&self) -> &Descriptor {
        &self.0
    }
}
