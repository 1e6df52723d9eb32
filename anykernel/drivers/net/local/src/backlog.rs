//! Connections that a listening socket has not accepted yet.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::{Errno, Events, Lwp, Wait};
use syscall::consts::*;

use crate::connection::{Connection, ROOM};
use crate::name::Name;
use crate::stream::StreamSocket;

/// See the module.
pub(crate) struct Backlog {
    /// Their second sides.
    queue: VecDeque<Arc<StreamSocket>>,
    /// One more may wait than this.
    most: usize,
    /// Who would connect, and waits for room.
    waiting: Vec<Weak<Connection>>,
    pub(crate) name: Option<Arc<Name>>,
    /// The process that listens.
    pub(crate) pid: i32,
    shut_read: bool,
    shut_write: bool,
}

impl Backlog {
    pub(crate) fn new(name: Option<Arc<Name>>) -> Self {
        Backlog {
            queue: VecDeque::new(),
            most: 0,
            waiting: Vec::new(),
            name,
            pid: 0,
            shut_read: false,
            shut_write: false,
        }
    }

    /// Sets how many may wait.
    pub(crate) fn listen(&mut self, lwp: &Lwp<'_>, most: u32) {
        self.most = most as usize;
        self.pid = lwp.process().pid();
    }

    pub(crate) fn shutdown(&mut self, how: u32) {
        self.shut_read |= how != SHUT_WR;
        self.shut_write |= how != SHUT_RD;
    }

    /// What the listening socket is ready for.
    pub(crate) fn level(&self) -> Events {
        Events::IN.when(!self.queue.is_empty() || self.shut_read)
            | Events::RDHUP.when(self.shut_read)
            | Events::HUP.when(self.shut_read && self.shut_write)
    }

    /// Adds the second side of a connection. `ECONNREFUSED` if the socket accepts no more; if there is no room, its
    /// first side hears when there is.
    pub(crate) fn push(&mut self, second: &Arc<StreamSocket>) -> Result<(), Wait> {
        if self.shut_read {
            return Err(Errno::ECONNREFUSED.into());
        }
        if self.queue.len() > self.most {
            let first = Arc::downgrade(&second.connection);
            self.waiting.retain(|other| other.strong_count() > 0);
            if !self.waiting.iter().any(|other| other.ptr_eq(&first)) {
                self.waiting.push(first);
            }
            return Err(Wait::For(ROOM));
        }
        self.queue.push_back(second.clone());
        Ok(())
    }

    /// Takes the first. `EINVAL` if the socket accepts no more.
    pub(crate) fn pop(&mut self) -> Result<Arc<StreamSocket>, Wait> {
        match self.queue.pop_front() {
            Some(second) => Ok(second),
            None if self.shut_read => Err(Errno::EINVAL.into()),
            None => Err(Wait::For(Events::IN)),
        }
    }

    /// Who waited for room.
    pub(crate) fn take_waiting(&mut self) -> Vec<Weak<Connection>> {
        core::mem::take(&mut self.waiting)
    }

    /// Those that wait.
    pub(crate) fn all(&self) -> Vec<Arc<StreamSocket>> {
        self.queue.iter().cloned().collect()
    }
}
