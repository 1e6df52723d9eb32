//! Sockets of streams and of packets. Errors and their order are Linux's.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Events, Lwp, OpenFile, Readiness, Wait, Wakes};
use sockets::{FilterPlace, Incoming, Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use crate::backlog::Backlog;
use crate::connection::{Connection, Phase};
use crate::local::Local;
use crate::name::Name;
use crate::names::Named;
use crate::options;

/// A socket: one side of a connection.
pub(crate) struct StreamSocket {
    local: Arc<Local>,
    pub(crate) kind: u32,
    pub(crate) connection: Arc<Connection>,
    side: usize,
    /// Of a socket that listens. May be taken under any connection's lock.
    backlog: Leaf<Option<Backlog>>,
    pub(crate) this: Weak<StreamSocket>,
}

impl StreamSocket {
    /// A socket that is not connected.
    pub(crate) fn new(local: &Arc<Local>, kind: u32) -> Arc<Self> {
        let connection = Connection::new(&local.memory, kind == SOCK_SEQPACKET);
        Self::side(local, kind, connection, 0)
    }

    fn side(
        local: &Arc<Local>,
        kind: u32,
        connection: Arc<Connection>,
        side: usize,
    ) -> Arc<StreamSocket> {
        Arc::new_cyclic(|this| StreamSocket {
            local: local.clone(),
            kind,
            connection,
            side,
            backlog: Leaf::new(None),
            this: this.clone(),
        })
    }

    /// Two sockets that are connected to each other.
    pub(crate) fn pair(lwp: &Lwp<'_>, local: &Arc<Local>, kind: u32) -> [Arc<Self>; 2] {
        let first = Self::new(local, kind);
        let second = Self::side(local, kind, first.connection.clone(), 1);
        let pid = lwp.process().pid();
        let mut guard = first.connection.lock(lwp);
        let (sides, wakes) = guard.split();
        first.connection.establish(sides, [pid; 2], wakes);
        drop(guard);
        [first, second]
    }

    /// Has `f` change the backlog, if there is one, and say what news there are, and publishes what there is then.
    fn with_backlog<R>(
        &self,
        wakes: &mut Wakes,
        f: impl FnOnce(&mut Backlog) -> (R, Events),
    ) -> Option<R> {
        self.backlog.with(|backlog| {
            let backlog = backlog.as_mut()?;
            let (result, news) = f(backlog);
            let level = backlog.level();
            let readiness = self.connection.readiness(self.side);
            readiness.update(level, news & level, wakes);
            Some(result)
        })
    }

    /// Has those try again who would connect.
    fn wake_waiting(lwp: &Lwp<'_>, waiting: Vec<Weak<Connection>>) {
        for connection in waiting.iter().filter_map(Weak::upgrade) {
            connection.try_again(lwp);
        }
    }

    /// All files that were sent to it, or to what it has not accepted yet.
    pub(crate) fn for_each_file(&self, lwp: &Lwp<'_>, f: &mut dyn FnMut(&Arc<OpenFile>)) {
        let sides = self.connection.lock(lwp);
        sides[self.side].queue.files().for_each(&mut *f);
        drop(sides);
        for second in self.unaccepted() {
            second.for_each_file(lwp, f);
        }
    }

    /// Takes those files out.
    pub(crate) fn take_files(&self, lwp: &Lwp<'_>) -> Vec<Arc<OpenFile>> {
        let mut files = self.connection.lock(lwp)[self.side].queue.take_files();
        for second in self.unaccepted() {
            files.extend(second.take_files(lwp));
        }
        files
    }

    fn unaccepted(&self) -> Vec<Arc<StreamSocket>> {
        let all = |backlog: &mut Option<Backlog>| backlog.as_ref().map(Backlog::all);
        self.backlog.with(all).unwrap_or_default()
    }
}

impl Socket for StreamSocket {
    #[inline]
    fn readiness(&self) -> &Readiness {
        self.connection.readiness(self.side)
    }

    fn events(&self, lwp: &Lwp<'_>) -> Events {
        self.connection.events(lwp, self.side)
    }

    fn domain(&self) -> u16 {
        AF_UNIX
    }

    #[inline]
    fn kind(&self) -> u32 {
        self.kind
    }

    fn protocol(&self) -> u32 {
        0
    }

    fn bind(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        let name = Name::of(address)?;
        let socket = self.this.upgrade().ok_or(Errno::EBADF)?;
        let side = &mut self.connection.lock(lwp)[self.side];
        if side.name.is_some() {
            return match name {
                // A name that the kernel would have to choose is chosen already.
                None => Ok(()),
                Some(_) => Err(Errno::EINVAL),
            };
        }
        side.name = Some(self.local.names.add(name, &Named::Stream(socket))?);
        side.bound = true;
        Ok(())
    }

    fn listen(&self, lwp: &Lwp<'_>, backlog: u32) -> Result<(), Errno> {
        let mut guard = self.connection.lock(lwp);
        let (sides, wakes) = guard.split();
        let side = &mut sides[self.side];
        if side.name.is_none() || side.phase == Phase::Connected {
            return Err(Errno::EINVAL);
        }
        if side.phase == Phase::Unconnected {
            side.phase = Phase::Listening;
            side.peer = Some(lwp.process().pid());
            let name = side.name.clone();
            self.backlog
                .with(|backlog| *backlog = Some(Backlog::new(name)));
        }
        let waiting = self.with_backlog(wakes, |all| {
            all.listen(lwp, backlog);
            (all.take_waiting(), Events::NONE)
        });
        drop(guard);
        Self::wake_waiting(lwp, waiting.unwrap_or_default());
        Ok(())
    }

    fn try_accept(&self, lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        let popped = Wakes::deliver_after(lwp, |wakes| {
            self.with_backlog(wakes, |backlog| {
                let popped = backlog.pop();
                let popped = popped.map(|second| (second, backlog.take_waiting()));
                (popped, Events::NONE)
            })
        });
        let (second, waiting) = popped.ok_or(Errno::EINVAL)??;
        Self::wake_waiting(lwp, waiting);
        let pass_credentials = self.connection.lock(lwp)[self.side]
            .options
            .pass_credentials;
        let mut sides = second.connection.lock(lwp);
        sides[second.side].options.pass_credentials = pass_credentials;
        let peer = Name::address(sides[1 - second.side].name.as_deref());
        drop(sides);
        Ok((second, peer))
    }

    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait> {
        let name = Name::of(address)?.ok_or(Errno::EINVAL)?;
        let Named::Stream(listener) = self.local.names.find(&name, self.kind)? else {
            return Err(Errno::EPROTOTYPE.into());
        };
        let mut guard = self.connection.lock(lwp);
        let (sides, wakes) = guard.split();
        match sides[self.side].phase {
            Phase::Unconnected => {}
            Phase::Connected => return Err(Errno::EISCONN.into()),
            Phase::Listening => return Err(Errno::EINVAL.into()),
        }
        // A socket that is not connected is a first side.
        let second = Self::side(&self.local, self.kind, self.connection.clone(), 1);
        let accepted = listener.with_backlog(wakes, |backlog| match backlog.push(&second) {
            Err(wait) => (Err(wait), Events::NONE),
            Ok(()) => {
                sides[1].name = backlog.name.clone();
                (Ok(backlog.pid), Events::IN)
            }
        });
        let server = accepted.ok_or(Errno::ECONNREFUSED)??;
        let client = lwp.process().pid();
        self.connection.establish(sides, [client, server], wakes);
        Ok(())
    }

    fn connecting_errno(&self) -> Errno {
        // It is not under way: nothing happens until somebody calls again.
        Errno::EAGAIN
    }

    #[inline]
    fn try_send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        flags: u32,
    ) -> Result<usize, Wait> {
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if with.files.is_empty() {
            return self.connection.send(lwp, self.side, data, with, None);
        }
        let mut in_flight = self.local.lock_for(lwp, with.files.len());
        self.connection
            .send(lwp, self.side, data, with, Some(&mut in_flight))
    }

    #[inline]
    fn try_receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Wait> {
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let connection = &self.connection;
        if let Some(len) = connection.receive(lwp, self.side, data, with, flags, None)? {
            return Ok(len);
        }
        let mut in_flight = self.local.in_flight.lock(lwp);
        let in_flight = Some(&mut *in_flight);
        let received = connection.receive(lwp, self.side, data, with, flags, in_flight)?;
        Ok(received.unwrap_or(0))
    }

    fn shutdown(&self, lwp: &Lwp<'_>, how: u32) -> Result<(), Errno> {
        let waiting = Wakes::deliver_after(lwp, |wakes| {
            self.with_backlog(wakes, |backlog| {
                backlog.shutdown(how);
                (backlog.take_waiting(), Events(u32::MAX))
            })
        });
        match waiting {
            Some(waiting) => Self::wake_waiting(lwp, waiting),
            None => self.connection.shutdown(lwp, self.side, how),
        }
        Ok(())
    }

    fn local_address(&self, lwp: &Lwp<'_>) -> SockAddr {
        Name::address(self.connection.lock(lwp)[self.side].name.as_deref())
    }

    fn peer_address(&self, lwp: &Lwp<'_>) -> Result<SockAddr, Errno> {
        let sides = self.connection.lock(lwp);
        match sides[self.side].phase {
            Phase::Connected => Ok(Name::address(sides[1 - self.side].name.as_deref())),
            _ => Err(Errno::ENOTCONN),
        }
    }

    fn set_option(&self, lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        let mut guard = self.connection.lock(lwp);
        let (sides, wakes) = guard.split();
        sides[self.side].options.set(level, name, value)?;
        // More or less of a buffer is more or less room.
        self.connection
            .publish(sides, self.side, Events::NONE, wakes);
        Ok(())
    }

    fn option(&self, lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        let mut guard = self.connection.lock(lwp);
        let (sides, wakes) = guard.split();
        let side = &mut sides[self.side];
        match (level, name) {
            (SOL_SOCKET, SO_PEERCRED) => Ok(options::credentials(side.peer)),
            (SOL_SOCKET, SO_ACCEPTCONN) => {
                let listens = side.phase == Phase::Listening;
                Ok(i32::from(listens).to_ne_bytes().to_vec())
            }
            (SOL_SOCKET, SO_ERROR) => {
                let number = side.error.take().map_or(0, Errno::number);
                self.connection
                    .publish(sides, self.side, Events::NONE, wakes);
                Ok(number.to_ne_bytes().to_vec())
            }
            _ => side.options.get(level, name),
        }
    }

    fn filter(&self) -> Option<&FilterPlace> {
        Some(self.connection.filter(self.side))
    }

    fn readable(&self, lwp: &Lwp<'_>) -> Result<usize, Errno> {
        let sides = self.connection.lock(lwp);
        match sides[self.side].phase {
            Phase::Listening => Err(Errno::EINVAL),
            _ => Ok(sides[self.side].queue.len()),
        }
    }

    fn close(&self, lwp: &Lwp<'_>) {
        let mut in_flight = self.local.in_flight.lock(lwp);
        let (files, name) = self.connection.close(lwp, self.side, &mut in_flight);
        drop(in_flight);
        if let Some(name) = name {
            self.local.names.remove(&name, self.kind);
        }
        if let Some(mut backlog) = self.backlog.with(Option::take) {
            Self::wake_waiting(lwp, backlog.take_waiting());
            for second in backlog.all() {
                second.close(lwp);
                second.connection.refuse(lwp);
            }
        }
        self.local.tidy(lwp, files);
    }
}
