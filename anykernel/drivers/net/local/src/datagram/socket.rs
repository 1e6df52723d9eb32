//! Sockets of datagrams as the layer of sockets calls them.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::{Errno, Events, Lwp, Readiness, Wait};
use sockets::{FilterPlace, Incoming, Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use super::{Datagram, DatagramSocket, State};
use crate::in_flight::InFlight;
use crate::name::Name;
use crate::names::Named;
use crate::options;

impl Socket for DatagramSocket {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Whether a peer has room that has not this one as its peer, takes a look.
    fn events(&self, _lwp: &Lwp<'_>) -> Events {
        let (level, peer) = self.state.with(|state| (state.level, state.peer.clone()));
        let Some((peer, this)) = peer.zip(self.this.upgrade()) else {
            return level;
        };
        let full = !core::ptr::eq(&raw const *peer, self)
            && peer.state.with(|state| {
                let full = state.is_full_for(self);
                if full {
                    state.wait(&this);
                }
                full
            });
        level & !Events::OUT.when(full)
    }

    fn domain(&self) -> u16 {
        AF_UNIX
    }

    fn kind(&self) -> u32 {
        SOCK_DGRAM
    }

    fn protocol(&self) -> u32 {
        0
    }

    fn bind(&self, _lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        let name = Name::of(address)?;
        let socket = self.this.upgrade().ok_or(Errno::EBADF)?;
        self.state.with(|state| match (&state.name, &name) {
            // A name that the kernel would have to choose is chosen already.
            (Some(_), None) => Ok(()),
            (Some(_), Some(_)) => Err(Errno::EINVAL),
            (None, _) => {
                let named = Named::Datagram(socket);
                state.name = Some(self.local.names.add(name, &named)?);
                Ok(())
            }
        })
    }

    fn listen(&self, _lwp: &Lwp<'_>, _backlog: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn try_accept(&self, _lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait> {
        let peer = match address {
            SockAddr::Unspec => None,
            address => {
                let name = Name::of(address)?.ok_or(Errno::EINVAL)?;
                let peer = self.find(&name)?;
                let allowed = peer
                    .state
                    .with(|state| state.peer.is_none() || state.is_connected_to(self));
                if !allowed {
                    return Err(Errno::EPERM.into());
                }
                Some(peer)
            }
        };
        let old = self
            .state
            .with(|state| core::mem::replace(&mut state.peer, peer.clone()));
        if let Some(old) = old
            && !peer.is_some_and(|peer| Arc::ptr_eq(&peer, &old))
        {
            self.disconnected(lwp, &old);
        }
        Ok(())
    }

    fn connecting_errno(&self) -> Errno {
        Errno::EAGAIN
    }

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
        let this = self.this.upgrade().ok_or(Errno::EBADF)?;
        let sent = if with.files.is_empty() {
            this.send(lwp, data, with, None)
        } else {
            let mut in_flight = self.local.lock_for(lwp, with.files.len());
            this.send(lwp, data, with, Some(&mut in_flight))
        };
        if with.to.is_none() && sent == Err(Wait::Fail(Errno::ECONNREFUSED)) {
            self.lose_peer(lwp);
        }
        sent
    }

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
        if let Some(len) = self.receive(lwp, data, with, flags, None)? {
            return Ok(len);
        }
        let mut in_flight = self.local.in_flight.lock(lwp);
        let received = self.receive(lwp, data, with, flags, Some(&mut in_flight))?;
        Ok(received.unwrap_or(0))
    }

    fn shutdown(&self, lwp: &Lwp<'_>, how: u32) -> Result<(), Errno> {
        let waiting = self.change(lwp, Events(u32::MAX), |state| {
            state.shut_read |= how != SHUT_WR;
            state.shut_write |= how != SHUT_RD;
            core::mem::take(&mut state.waiting)
        });
        self.wake(lwp, &waiting);
        Ok(())
    }

    fn local_address(&self, _lwp: &Lwp<'_>) -> SockAddr {
        Name::address(self.state.with(|state| state.name.clone()).as_deref())
    }

    fn peer_address(&self, lwp: &Lwp<'_>) -> Result<SockAddr, Errno> {
        let peer = self.state.with(|state| state.peer.clone());
        Ok(peer.ok_or(Errno::ENOTCONN)?.local_address(lwp))
    }

    fn set_option(&self, lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        self.change(lwp, Events::NONE, |state| {
            state.options.set(level, name, value)
        })
    }

    fn option(&self, lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        self.change(lwp, Events::NONE, |state| match (level, name) {
            (SOL_SOCKET, SO_PEERCRED) => Ok(options::credentials(state.partner)),
            (SOL_SOCKET, SO_ACCEPTCONN) => Ok(0i32.to_ne_bytes().to_vec()),
            (SOL_SOCKET, SO_ERROR) => {
                let number = state.error.take().map_or(0, Errno::number);
                Ok(number.to_ne_bytes().to_vec())
            }
            _ => state.options.get(level, name),
        })
    }

    fn filter(&self) -> Option<&FilterPlace> {
        Some(&self.filter)
    }

    fn readable(&self, _lwp: &Lwp<'_>) -> Result<usize, Errno> {
        let first = |state: &mut State| state.queue.front().map(|one| one.data.len());
        Ok(self.state.with(first).unwrap_or(0))
    }

    fn close(&self, lwp: &Lwp<'_>) {
        let (name, _peer) = self.state.with(|state| {
            state.closed = true;
            (state.name.clone(), state.peer.take())
        });
        if let Some(name) = name {
            self.local.names.remove(&name, SOCK_DGRAM);
        }
        self.purge(lwp);
    }
}

/// The first datagram, if there is one to be had.
enum First {
    /// There is none, and will be none.
    End,
    /// It brings files, and `in_flight` is not locked.
    Files,
    /// It, whether the receiver wants to hear who sent it, and who waits for its place.
    Datagram(Datagram, bool, Vec<Weak<DatagramSocket>>),
}

impl DatagramSocket {
    fn first(&self, lwp: &Lwp<'_>, flags: u32, locked: bool) -> Result<First, Wait> {
        self.change(lwp, Events::NONE, |state| {
            if let Some(errno) = state.error.take() {
                return Err(errno.into());
            }
            let brings_files = |first: &Datagram| !first.files.is_empty();
            if !locked && state.queue.front().is_some_and(brings_files) {
                return Ok(First::Files);
            }
            let Some(first) = state.queue.pop_front() else {
                // Who would not wait is not told that it would be in vain.
                return match state.shut_read && flags & MSG_DONTWAIT == 0 {
                    true => Ok(First::End),
                    false => Err(Wait::For(Events::IN)),
                };
            };
            let waiting = match flags & MSG_PEEK {
                0 => core::mem::take(&mut state.waiting),
                _ => Vec::new(),
            };
            let by_sender = state.options.pass_credentials;
            Ok(First::Datagram(first, by_sender, waiting))
        })
    }

    /// Receives. None: there are files in what is there, and `in_flight` was not locked.
    fn receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
        in_flight: Option<&mut InFlight>,
    ) -> Result<Option<usize>, Wait> {
        let peek = flags & MSG_PEEK != 0;
        let (mut datagram, by_sender, waiting) =
            match self.first(lwp, flags, in_flight.is_some())? {
                First::End => return Ok(Some(0)),
                First::Files => return Ok(None),
                First::Datagram(datagram, by_sender, waiting) => (datagram, by_sender, waiting),
            };
        let len = datagram.data.len();
        let copied = data.put(&datagram.data);
        let name = datagram.from.state.with(|state| state.name.clone());
        with.from = name.map(|name| Name::address(Some(&name)));
        with.sender = by_sender.then_some(datagram.sender);
        if let (false, Ok(_)) = (peek, &copied) {
            with.files = core::mem::take(&mut datagram.files);
            if let Some(in_flight) = in_flight {
                in_flight.remove(&with.files);
            }
            datagram.from.received(lwp, datagram.counts());
        } else {
            if copied.is_ok() {
                with.files = datagram.files.clone();
            }
            self.change(lwp, Events::NONE, |state| state.queue.push_front(datagram));
        }
        self.wake(lwp, &waiting);
        let copied = copied?;
        with.flags = if copied < len { MSG_TRUNC } else { 0 };
        Ok(Some(if flags & MSG_TRUNC != 0 { len } else { copied }))
    }
}
