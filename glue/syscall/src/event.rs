//! What `poll` and `epoll` are asked and answer.

use alloc::vec::Vec;

use crate::Errno;

/// One entry of a `poll` set. The bits are `POLL…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor; a negative one is passed over.
    pub fd: i32,
    /// What is asked for.
    pub events: u16,
    /// What there is.
    pub revents: u16,
}

/// The set of a `poll`, to be answered in place.
pub struct PollFds<'a>(Result<&'a mut [PollFd], Errno>);

impl<'a> PollFds<'a> {
    /// A set, or why there is none.
    pub fn new(set: Result<&'a mut [PollFd], Errno>) -> Self {
        PollFds(set)
    }

    /// The set.
    pub fn get(self) -> Result<&'a mut [PollFd], Errno> {
        self.0
    }
}

/// An event of `epoll`. The bits are `EPOLL…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpollEvent {
    /// What is asked for, or what there is.
    pub events: u32,
    /// The caller's own word.
    pub data: u64,
}

/// The event `epoll_ctl` reads.
#[derive(Clone, Copy, Debug)]
pub struct EpollEventIn(Result<EpollEvent, Errno>);

impl EpollEventIn {
    /// An event, or why there is none.
    pub fn new(event: Result<EpollEvent, Errno>) -> Self {
        EpollEventIn(event)
    }

    /// The event.
    pub fn get(&self) -> Result<EpollEvent, Errno> {
        self.0
    }
}

/// Where `epoll_wait` puts events.
pub struct EpollEvents<'a> {
    events: &'a mut Vec<EpollEvent>,
    capacity: i32,
}

impl<'a> EpollEvents<'a> {
    /// Room for `capacity` events, to be appended to `events`.
    pub fn new(events: &'a mut Vec<EpollEvent>, capacity: i32) -> Self {
        EpollEvents { events, capacity }
    }

    /// How many events the caller has room for, as it said it: it may have said nonsense.
    pub fn capacity(&self) -> i32 {
        self.capacity
    }

    /// The events put so far.
    pub fn events(&mut self) -> &mut Vec<EpollEvent> {
        self.events
    }
}
