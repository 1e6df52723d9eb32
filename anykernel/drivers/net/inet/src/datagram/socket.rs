//! Sockets for datagrams as the layer of sockets calls them. Errors and their order are Linux's.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use base::{Errno, Lwp, Readiness, Wait};
use sockets::{FilterPlace, Incoming, Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use super::ancillary::Chosen;
use super::{DatagramSocket, DatagramState, Kind};
use crate::address::{Endpoint, Family};

impl Socket for DatagramSocket {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn domain(&self) -> u16 {
        self.family.number()
    }

    fn kind(&self) -> u32 {
        match self.kind {
            Kind::Udp => SOCK_DGRAM,
            Kind::Raw(_) => SOCK_RAW,
        }
    }

    fn protocol(&self) -> u32 {
        match self.kind {
            Kind::Udp => IPPROTO_UDP,
            Kind::Raw(protocol) => protocol.into(),
        }
    }

    fn bind(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        match self.kind {
            Kind::Udp => self.bind_udp(lwp, address),
            Kind::Raw(_) => self.bind_raw(lwp, address),
        }
    }

    fn listen(&self, _lwp: &Lwp<'_>, _backlog: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn try_accept(&self, _lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait> {
        Ok(self.connect_to(lwp, address)?)
    }

    fn try_send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        flags: u32,
    ) -> Result<usize, Wait> {
        if data.remaining() > 65535 {
            return Err(Errno::EMSGSIZE.into());
        }
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let chosen = Chosen::read(&with.control)?;
        let sent = if flags & MSG_MORE != 0 || self.gathers.get() != 0 {
            self.gather(lwp, data, &with.to, &chosen, flags & MSG_MORE != 0)
        } else {
            self.send_one(lwp, data, &with.to, &chosen)
        };
        self.inet.settle(lwp);
        Ok(sent?)
    }

    fn try_receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Wait> {
        let peek = flags & MSG_PEEK != 0;
        let nonblock = flags & MSG_DONTWAIT != 0;
        let mut told = None;
        let Some(datagram) = self.take(lwp, peek, nonblock, &mut told)? else {
            return Ok(0);
        };
        let copied = data.put(datagram.frame.payload());
        let len = datagram.frame.len();
        let from = self.family.report(datagram.from, datagram.link);
        if let Some(ancillary) = told {
            with.control = ancillary.say(self.family, &datagram);
        }
        if peek {
            self.update(lwp, |state| state.queue.push_front(datagram));
        } else {
            self.inet.net.pool().recycle(datagram.frame);
        }
        let copied = copied?;
        with.from = Some(from);
        with.flags = if copied < len { MSG_TRUNC } else { 0 };
        Ok(if flags & MSG_TRUNC != 0 { len } else { copied })
    }

    fn shutdown(&self, lwp: &Lwp<'_>, how: u32) -> Result<(), Errno> {
        self.update(lwp, |state| {
            state.shut_read |= how != SHUT_WR;
            state.shut_write |= how != SHUT_RD;
            // The direction ends all the same: so it is on Linux.
            state.peer.map(|_| ()).ok_or(Errno::ENOTCONN)
        })
    }

    fn local_address(&self, _lwp: &Lwp<'_>) -> SockAddr {
        let (local, port, link) = self.state.with(|state| {
            let port = match self.kind {
                Kind::Udp => state.port.map_or(0, |(port, _)| port),
                Kind::Raw(protocol) => protocol.into(),
            };
            (state.local, port, state.link)
        });
        let local = local.unwrap_or(self.family.unspecified());
        self.family.report(Endpoint::new(local, port), link)
    }

    fn peer_address(&self, _lwp: &Lwp<'_>) -> Result<SockAddr, Errno> {
        let (peer, link) = self.state.with(|state| (state.peer, state.link));
        Ok(self.family.report(peer.ok_or(Errno::ENOTCONN)?, link))
    }

    fn set_option(&self, lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        if let Some(done) = self.set_group_option(lwp, level, name, value) {
            return done;
        }
        self.update(lwp, |state| {
            let named = state.port.is_some() || self.kind != Kind::Udp;
            if (self.family, level, name) == (Family::V6, IPPROTO_IPV6, IPV6_V6ONLY) && named {
                return Err(Errno::EINVAL);
            }
            state.options.set(self.family, level, name, value)
        })?;
        match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR | SO_REUSEPORT) => self.update_claim(),
            (IPPROTO_UDP, UDP_CORK) => self.cork(lwp),
            _ => {}
        }
        Ok(())
    }

    fn option(&self, lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if self.family.asks_mtu(level, name) {
            let peer = self.state.with(|state| state.peer).ok_or(Errno::ENOTCONN)?;
            let (mtu, _) = self.inet.mtu(lwp, peer.addr, None);
            return Ok((mtu as u32).to_ne_bytes().to_vec());
        }
        self.update(lwp, |state| {
            let int = match (level, name) {
                (SOL_SOCKET, SO_ERROR) => state.error.take().map_or(0, Errno::number),
                (SOL_SOCKET, SO_ACCEPTCONN) => 0,
                _ => return state.options.get(self.family, level, name),
            };
            Ok(int.to_ne_bytes().to_vec())
        })
    }

    fn filter(&self) -> Option<&FilterPlace> {
        Some(&self.filter)
    }

    fn readable(&self, _lwp: &Lwp<'_>) -> Result<usize, Errno> {
        let first = |state: &mut DatagramState| state.queue.front().map(|one| one.frame.len());
        Ok(self.state.with(first).unwrap_or(0))
    }

    fn close(&self, lwp: &Lwp<'_>) {
        self.leave_groups(lwp);
        let (port, queue) = self.state.with(|state| {
            state.closed = true;
            (state.port.take(), core::mem::take(&mut state.queue))
        });
        for datagram in queue {
            self.inet.net.pool().recycle(datagram.frame);
        }
        let _dropped_outside = self.inet.tables.write(|tables| match (self.kind, port) {
            (Kind::Raw(_), _) => {
                let removed = tables.remove_raw(self);
                let left = tables.raw.len();
                self.inet.raw_sockets.store(left, Ordering::Relaxed);
                removed
            }
            (Kind::Udp, Some((port, claim))) => {
                tables.udp_ports.release(port, &claim);
                tables.udp.remove(port, self)
            }
            (Kind::Udp, None) => None,
        });
    }
}
