//! Sockets that are watched for news, as edge-triggered `epoll` has them.
//!
//! They are in two sets, one for what arrives and one for room to send, since the system tells of a socket all
//! that it is ready for, not what is new of it. Both sets are in the leader's.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hypercall::Errno;

use crate::work::{self, Others, Reactor, control, epoll};

/// What each set tells of.
const ARRIVALS: i32 = libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDHUP;
const ROOM: i32 = libc::EPOLLOUT;
/// What the system tells with either, asked for or not.
const ALWAYS: i32 = libc::EPOLLERR | libc::EPOLLHUP;
/// Events taken at once.
const BATCH: usize = 64;

/// The sets of the process. The leader's own keeps them.
static CURRENT: Mutex<Weak<Edges>> = Mutex::new(Weak::new());

/// The two sets.
pub(super) struct Edges {
    arrivals: OwnedFd,
    room: OwnedFd,
    /// Held by who takes news, so that who adds a socket finds what the system says of it at once.
    taking: Mutex<()>,
    /// The leader's, in which they are.
    within: Weak<Reactor>,
}

impl Edges {
    /// The sets of the process, made when they are first asked for.
    pub(super) fn current() -> Result<Arc<Edges>, Errno> {
        let reactor = work::reactor()?;
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        // There may have been another leader before.
        let made = current.upgrade();
        if let Some(edges) = made.filter(|it| it.within.as_ptr() == Arc::as_ptr(&reactor)) {
            return Ok(edges);
        }
        let edges = Arc::new(Edges {
            arrivals: epoll()?,
            room: epoll()?,
            taking: Mutex::new(()),
            within: Arc::downgrade(&reactor),
        });
        reactor.adopt(&edges.sets(), edges.clone())?;
        *current = Arc::downgrade(&edges);
        Ok(edges)
    }

    /// The sets, which can be read from when there are news.
    pub(super) fn sets(&self) -> [RawFd; 2] {
        [self.arrivals.as_raw_fd(), self.room.as_raw_fd()]
    }

    /// Watches a socket from now on, under this number. What it is ready for already is no news of it; news of
    /// others that are met on the way are returned, to be told.
    pub(super) fn add(&self, fd: BorrowedFd<'_>, number: u64) -> Result<Vec<(u64, u32)>, Errno> {
        let mut news = Vec::new();
        let alone = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let add = |set: &OwnedFd, events| {
            let events = events | libc::EPOLLET;
            control(set, libc::EPOLL_CTL_ADD, fd.as_raw_fd(), events, number)
        };
        let added = add(&self.arrivals, ARRIVALS).and_then(|()| add(&self.room, ROOM));
        self.take_all(&mut news);
        drop(alone);
        news.retain(|(other, _)| *other != number);
        added.map(|()| news)
    }

    /// Ends the watch.
    pub(super) fn remove(&self, fd: BorrowedFd<'_>) {
        for set in [&self.arrivals, &self.room] {
            // Fails only for what is not watched.
            let _ = control(set, libc::EPOLL_CTL_DEL, fd.as_raw_fd(), 0, 0);
        }
    }

    /// Adds the news there are.
    pub(super) fn take(&self, news: &mut Vec<(u64, u32)>) {
        let _alone = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        self.take_all(news);
    }

    fn take_all(&self, news: &mut Vec<(u64, u32)>) {
        for (set, mask) in [(&self.arrivals, ARRIVALS | ALWAYS), (&self.room, ROOM)] {
            loop {
                let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
                // SAFETY: events live for the call.
                let count = unsafe {
                    libc::epoll_wait(set.as_raw_fd(), events.as_mut_ptr(), BATCH as i32, 0)
                };
                let taken = &events[..usize::try_from(count).unwrap_or(0)];
                let told = taken
                    .iter()
                    .map(|event| (event.u64, event.events & mask as u32));
                news.extend(told.filter(|(_, events)| *events != 0));
                if taken.len() < BATCH {
                    break;
                }
            }
        }
    }
}

impl Others for Edges {
    fn happened(&self) {
        let mut news = Vec::new();
        self.take(&mut news);
        super::tell(&news);
    }
}
