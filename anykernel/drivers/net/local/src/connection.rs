//! A connection: two sides, and what is on its way between them, behind one lock.
//!
//! A socket that is not connected is the first side of a connection whose second does not exist yet.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::sync::{Guard, Mutex};
use base::{Errno, Events, Lwp, Memory, OpenFile, Readiness, Wait, Wakes};
use sockets::{FilterPlace, Incoming, Outgoing};
use syscall::consts::*;
use syscall::{UioIn, UioOut, UserIn};

use crate::filter;
use crate::in_flight::InFlight;
use crate::name::Name;
use crate::options::Options;
use crate::queue::Queue;

/// News of room at a listening socket, for who waits to connect: nobody else can ask for it.
pub(crate) const ROOM: Events = Events(1 << 26);

/// How far a side is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Unconnected,
    Listening,
    Connected,
}

/// One side.
pub(crate) struct Side {
    pub(crate) phase: Phase,
    pub(crate) name: Option<Arc<Name>>,
    /// The name is its own, not that of the socket that accepted it.
    pub(crate) bound: bool,
    /// The process on the other side: who connected, or listened.
    pub(crate) peer: Option<i32>,
    pub(crate) options: Options,
    pub(crate) error: Option<Errno>,
    /// What was sent to this side.
    pub(crate) queue: Queue,
    shut_read: bool,
    shut_write: bool,
    level: Events,
}

/// See the module.
pub(crate) struct Connection {
    pub(crate) packets: bool,
    sides: Mutex<[Side; 2]>,
    readiness: [Readiness; 2],
    filters: [FilterPlace; 2],
}

impl Side {
    fn new(memory: &Arc<Memory>) -> Self {
        Side {
            phase: Phase::Unconnected,
            name: None,
            bound: false,
            peer: None,
            options: Options::new(),
            error: None,
            queue: Queue::new(memory),
            shut_read: false,
            shut_write: false,
            level: Connection::UNCONNECTED,
        }
    }

    fn shut(&mut self, how: u32) {
        self.shut_read |= how != SHUT_WR;
        self.shut_write |= how != SHUT_RD;
    }
}

impl Connection {
    /// What a socket that is not connected is ready for.
    const UNCONNECTED: Events = Events(Events::OUT.0 | Events::HUP.0);

    pub(crate) fn new(memory: &Arc<Memory>, packets: bool) -> Arc<Self> {
        Arc::new(Connection {
            packets,
            sides: Mutex::new([Side::new(memory), Side::new(memory)]),
            readiness: [const { Connection::UNCONNECTED }; 2].map(Readiness::new),
            filters: Default::default(),
        })
    }

    #[inline]
    pub(crate) fn readiness(&self, side: usize) -> &Readiness {
        &self.readiness[side]
    }

    /// Where a side has a filter, which only packets pass: so it is on Linux.
    pub(crate) fn filter(&self, side: usize) -> &FilterPlace {
        &self.filters[side]
    }

    #[inline]
    pub(crate) fn lock<'a>(&'a self, lwp: &'a Lwp<'_>) -> Guard<'a, [Side; 2]> {
        self.sides.lock(lwp)
    }

    /// Makes both sides connected, on behalf of two processes.
    pub(crate) fn establish(&self, sides: &mut [Side; 2], processes: [i32; 2], wakes: &mut Wakes) {
        for (side, peer) in sides.iter_mut().zip(processes.into_iter().rev()) {
            side.phase = Phase::Connected;
            side.peer = Some(peer);
        }
        for at in [0, 1] {
            self.publish(sides, at, Events::NONE, wakes);
        }
    }

    /// Tells what a side is ready for now and was not before, and what of it is new all the same. That it is ready for
    /// less it does not tell: who wants to know looks ([`events`](Self::events)). A listening side tells itself.
    #[inline]
    pub(crate) fn publish(
        &self,
        sides: &mut [Side; 2],
        at: usize,
        news: Events,
        wakes: &mut Wakes,
    ) {
        let level = self.level(sides, at);
        let side = &mut sides[at];
        let news = news & (level | ROOM) | level & !side.level;
        side.level = level;
        if !news.is_empty() && side.phase != Phase::Listening {
            self.readiness[at].update(level, news, wakes);
        }
    }

    /// What a side is ready for.
    pub(crate) fn events(&self, lwp: &Lwp<'_>, at: usize) -> Events {
        let sides = self.lock(lwp);
        match sides[at].phase {
            Phase::Listening => self.readiness[at].level(),
            _ => sides[at].level,
        }
    }

    #[inline]
    fn level(&self, sides: &[Side; 2], at: usize) -> Events {
        let (side, other) = (&sides[at], &sides[1 - at]);
        let sent = other.queue.counts(self.packets);
        Events::IN.when(side.shut_read || !side.queue.is_empty())
            | Events::OUT.when(sent * 4 <= side.options.send_buffer)
            | Events::ERR.when(side.error.is_some())
            | Events::RDHUP.when(side.shut_read)
            | Events::HUP
                .when(side.shut_read && side.shut_write || side.phase == Phase::Unconnected)
    }

    /// Sends from a side: as much as there is room for, a packet in one piece. Who brings files has locked
    /// `in_flight`.
    #[inline]
    pub(crate) fn send(
        &self,
        lwp: &Lwp<'_>,
        from: usize,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        mut in_flight: Option<&mut InFlight>,
    ) -> Result<usize, Wait> {
        let mut guard = self.lock(lwp);
        let (sides, wakes) = guard.split();
        let side = &mut sides[from];
        if self.packets
            && let Some(errno) = side.error.take()
        {
            self.publish(sides, from, Events::NONE, wakes);
            return Err(errno.into());
        }
        if side.phase != Phase::Connected {
            return Err(match with.to {
                Some(_) if !self.packets => Errno::EOPNOTSUPP.into(),
                _ => Errno::ENOTCONN.into(),
            });
        }
        if with.to.is_some() && !self.packets {
            return Err(Errno::EISCONN.into());
        }
        let (limit, shut) = (side.options.send_buffer, side.shut_write);
        let other = &mut sides[1 - from];
        if shut || other.shut_read {
            return Err(Errno::EPIPE.into());
        }
        let wanted = data.remaining();
        if self.packets && wanted > limit - 32 {
            return Err(Errno::EMSGSIZE.into());
        }
        if !self.packets && wanted == 0 {
            return Ok(0);
        }
        let kept = match self.packets && self.filters[1 - from].is_used() {
            false => None,
            true => match self.filtered(1 - from, *data)? {
                Some(kept) => Some(kept),
                None => return Ok(wanted),
            },
        };
        let room = limit.saturating_sub(other.queue.counts(self.packets));
        if room == 0 {
            return Err(Wait::For(Events::OUT));
        }
        let count = if self.packets {
            wanted
        } else {
            wanted.min(room)
        };
        if let Some(in_flight) = &mut in_flight {
            in_flight.add(&with.files)?;
        }
        let pid = lwp.process().pid();
        let queue = &mut other.queue;
        let files = &mut with.files;
        let pushed = match kept {
            None => queue.push(data, count, self.packets, pid, files),
            Some(kept) => {
                let mut data = UioIn::from(UserIn::from(&kept[..]));
                queue.push(&mut data, kept.len(), self.packets, pid, files)
            }
        };
        if let Err(errno) = pushed {
            if let Some(in_flight) = in_flight {
                in_flight.remove(&with.files);
            }
            return Err(errno.into());
        }
        self.publish(sides, from, Events::NONE, wakes);
        self.publish(sides, 1 - from, Events::IN, wakes);
        Ok(count)
    }

    /// What a side's filter leaves of a packet; nothing, if it drops it, of which nobody is told.
    #[cold]
    fn filtered(&self, at: usize, mut data: UioIn<'_>) -> Result<Option<Vec<u8>>, Errno> {
        let mut packet = vec![0; data.remaining()];
        data.take(&mut packet)?;
        let kept = filter::keep(&self.filters[at], &mut packet);
        Ok(kept.map(|kept| {
            packet.truncate(kept);
            packet
        }))
    }

    /// Receives at a side. None: there are files among what is there, and `in_flight` was not locked.
    #[inline]
    pub(crate) fn receive(
        &self,
        lwp: &Lwp<'_>,
        at: usize,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
        in_flight: Option<&mut InFlight>,
    ) -> Result<Option<usize>, Wait> {
        let mut guard = self.lock(lwp);
        let (sides, wakes) = guard.split();
        let side = &mut sides[at];
        if side.phase != Phase::Connected {
            return Err(match self.packets {
                false => Errno::EINVAL.into(),
                true => Errno::ENOTCONN.into(),
            });
        }
        // Of packets an error comes before what was sent, of a stream after it.
        if (self.packets || side.queue.is_empty())
            && let Some(errno) = side.error.take()
        {
            self.publish(sides, at, Events::NONE, wakes);
            return Err(errno.into());
        }
        if side.queue.is_empty() {
            return match side.shut_read {
                true => Ok(Some(0)),
                false => Err(Wait::For(Events::IN)),
            };
        }
        if side.queue.brings_files() && in_flight.is_none() {
            return Ok(None);
        }
        let peek = flags & MSG_PEEK != 0;
        let by_sender = side.options.pass_credentials;
        let before = with.files.len();
        let len = match self.packets {
            false => side.queue.take_bytes(data, with, peek, by_sender)?,
            true => side.queue.take_packet(data, with, flags)?,
        };
        if !by_sender {
            with.sender = None;
        }
        if let Some(name) = &sides[1 - at].name {
            with.from = Some(Name::address(Some(name)));
        }
        if !peek {
            if let Some(in_flight) = in_flight {
                in_flight.remove(&with.files[before..]);
            }
            self.publish(sides, at, Events::NONE, wakes);
            // A sender that may send hears of each of its messages that was received; but only a set of files can
            // tell whether it did.
            let room = Events::OUT.when(self.readiness[1 - at].is_observed());
            self.publish(sides, 1 - at, room, wakes);
        }
        Ok(Some(len))
    }

    /// Ends directions of a side, and so of the other.
    pub(crate) fn shutdown(&self, lwp: &Lwp<'_>, at: usize, how: u32) {
        let mut guard = self.lock(lwp);
        let (sides, wakes) = guard.split();
        sides[at].shut(how);
        self.publish(sides, at, Events(u32::MAX), wakes);
        if sides[at].phase == Phase::Connected {
            let opposite = match how {
                SHUT_RD => SHUT_WR,
                SHUT_WR => SHUT_RD,
                both => both,
            };
            sides[1 - at].shut(opposite);
            self.publish(sides, 1 - at, Events(u32::MAX), wakes);
        }
    }

    /// Closes a side. What was sent to it is lost, and the other side hears of that. Returns the files that were in
    /// it, and the name that is free again.
    pub(crate) fn close(
        &self,
        lwp: &Lwp<'_>,
        at: usize,
        in_flight: &mut InFlight,
    ) -> (Vec<Arc<OpenFile>>, Option<Arc<Name>>) {
        let mut guard = self.lock(lwp);
        let (sides, wakes) = guard.split();
        let side = &mut sides[at];
        let lost = !side.queue.is_empty();
        let files = side.queue.take_files();
        in_flight.remove(&files);
        side.queue.clear();
        side.shut(SHUT_RDWR);
        let name = side.name.clone().filter(|_| side.bound);
        if side.phase == Phase::Connected {
            let other = &mut sides[1 - at];
            other.shut(SHUT_RDWR);
            if lost {
                other.error = Some(Errno::ECONNRESET);
            }
            self.publish(sides, 1 - at, Events(u32::MAX), wakes);
        }
        (files, name)
    }

    /// Says that nobody accepted: the first side is reset.
    pub(crate) fn refuse(&self, lwp: &Lwp<'_>) {
        let mut guard = self.lock(lwp);
        let (sides, wakes) = guard.split();
        sides[0].error = Some(Errno::ECONNRESET);
        self.publish(sides, 0, Events(u32::MAX), wakes);
    }

    /// Says that there may be room for it at the socket it would connect to.
    pub(crate) fn try_again(&self, lwp: &Lwp<'_>) {
        let mut guard = self.lock(lwp);
        let (sides, wakes) = guard.split();
        self.publish(sides, 0, ROOM, wakes);
    }
}
