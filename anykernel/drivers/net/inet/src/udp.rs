//! UDP (RFC 768).

use alloc::vec::Vec;

use base::{Errno, Lwp};
use net::Reason;
use smoltcp::wire::{IpProtocol, UdpPacket};
use syscall::{SockAddr, UioIn};

use crate::address::{Scope, Tuple};
use crate::datagram::DatagramSocket;
use crate::datagram::ancillary::Chosen;
use crate::demux::hears_many;
use crate::emit::{Header, UDP_CHECKSUM};
use crate::inet::{Arriving, Inet, Job};
use crate::options::Opt;
use crate::ports::Claim;
use crate::random;

/// Bytes of a UDP header.
pub(crate) const HEADER: usize = 8;

impl Inet {
    /// Takes a datagram.
    pub(crate) fn receive_datagram(&self, lwp: &Lwp<'_>, mut packet: Arriving<'_>) {
        let Ok(datagram) = UdpPacket::new_checked(packet.payload()) else {
            return self.discard(packet, Reason::Malformed);
        };
        let sound = || match datagram.checksum() {
            // No checksum is one, but not in IPv6 (RFC 8200 §8.1).
            0 => packet.info.src.is_ipv4(),
            _ => datagram.verify_checksum(&packet.info.src.into(), &packet.info.dst.into()),
        };
        if !packet.frame.checksum().is_good() && !sound() {
            return self.discard(packet, Reason::Checksum);
        }
        let len = usize::from(datagram.len()) - HEADER;
        let Some(tuple) = packet.tuple() else {
            return self.discard(packet, Reason::Malformed);
        };
        if packet.info.to_many {
            return self.receive_for_many(lwp, packet, tuple, len);
        }
        let Some(socket) = self.tables.read(lwp, |tables| {
            tables.udp.find(tuple.local, tuple.remote).cloned()
        }) else {
            return self.note(lwp, Job::Stray(packet.keep()));
        };
        let start = packet.info.payload_offset;
        packet.frame.truncate(start + HEADER + len);
        self.give(lwp, &socket, packet, start, HEADER, tuple.remote);
    }

    /// A broadcast or multicast datagram: a copy for everybody who is bound to its port.
    fn receive_for_many(&self, lwp: &Lwp<'_>, packet: Arriving<'_>, tuple: Tuple, len: usize) {
        let sockets = self.tables.read(lwp, |tables| {
            let mut sockets = Vec::new();
            for (scope, peer, socket) in tables.udp.at(tuple.local.port) {
                let hears = hears_many(scope, tuple.local.addr)
                    && socket.hears(packet.interface, tuple.local.addr)
                    && peer.is_none_or(|peer| peer == tuple.remote);
                if hears {
                    sockets.push(socket.clone());
                }
            }
            sockets
        });
        let start = packet.info.payload_offset;
        let whole = packet.frame.payload();
        let whole = whole.get(..start + HEADER + len).unwrap_or(&[]);
        for socket in sockets {
            let Ok(frame) = self.net.pool().copy_of(whole) else {
                break;
            };
            let copy = packet.with(frame);
            self.give(lwp, &socket, copy, start, HEADER, tuple.remote);
        }
        self.net.pool().recycle(packet.frame);
    }
}

impl DatagramSocket {
    pub(crate) fn bind_udp(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        let (end, link) = self.family.resolve(address)?;
        let (bound, only6) = self
            .state
            .with(|state| (state.port.is_some(), state.options.is(Opt::Only6)));
        if bound || only6 && end.addr.is_ipv4() {
            return Err(Errno::EINVAL);
        }
        if !end.addr.is_multicast() {
            self.inet.check_bindable(lwp, end.addr)?;
        }
        self.take_port(lwp, Scope::of(self.family, end.addr, only6), end.port)?;
        self.update(lwp, |state| {
            state.bound = true;
            state.local = (!end.addr.is_unspecified()).then_some(end.addr);
            state.link = link;
        });
        Ok(())
    }

    /// Gets a port from the kernel if the socket has none.
    pub(crate) fn bind_if_unbound(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let (bound, only6) = self
            .state
            .with(|state| (state.port.is_some(), state.options.is(Opt::Only6)));
        if bound {
            return Ok(());
        }
        match self.take_port(lwp, Scope::all(self.family, only6), 0) {
            Err(Errno::EADDRINUSE) => Err(Errno::EAGAIN),
            result => result,
        }
    }

    fn take_port(&self, lwp: &Lwp<'_>, scope: Scope, port: u16) -> Result<(), Errno> {
        let this = self.this.upgrade().ok_or(Errno::EINVAL)?;
        let claim = self.state.with(|state| Claim {
            scope,
            reuse_addr: state.options.is(Opt::ReuseAddr),
            reuse_port: state.options.is(Opt::ReusePort),
            listening: false,
            shared: false,
        });
        let port = self.inet.tables.write(|tables| {
            let port = match port {
                0 => tables.udp_ports.claim_any(claim, random())?,
                port => tables.udp_ports.claim(port, claim).map(|()| port)?,
            };
            tables.udp.put(port, scope, None, claim.reuse_port, &this);
            Ok::<_, Errno>(port)
        })?;
        let first = self.update(lwp, |state| {
            let first = state.port.is_none();
            if first {
                state.port = Some((port, claim));
            }
            first
        });
        if !first {
            // Another thread was faster.
            self.leave_port(port, &claim);
        }
        Ok(())
    }

    /// Gives back a port that the socket has no more.
    pub(crate) fn leave_port(&self, port: u16, claim: &Claim) {
        let _dropped_outside = self.inet.tables.write(|tables| {
            tables.udp_ports.release(port, claim);
            tables.udp.remove(port, self)
        });
    }

    /// Has the table know whom the socket hears: the peer, at `local`, or everybody.
    pub(crate) fn rehash(&self, local: Option<core::net::IpAddr>) {
        let (port, peer) = self.state.with(|state| (state.port, state.peer));
        let (Some((port, claim)), Some(this)) = (port, self.this.upgrade()) else {
            return;
        };
        let scope = match local {
            Some(addr) => Scope { addr, dual: false },
            None => claim.scope,
        };
        self.inet
            .tables
            .write(|tables| tables.udp.put(port, scope, peer, claim.reuse_port, &this));
    }

    /// Has the port table know of options that decide about conflicts.
    pub(crate) fn update_claim(&self) {
        let changed = self.state.with(|state| {
            let (port, claim) = state.port?;
            let to = Claim {
                reuse_addr: state.options.is(Opt::ReuseAddr),
                reuse_port: state.options.is(Opt::ReusePort),
                ..claim
            };
            state.port = Some((port, to));
            Some((port, claim, to))
        });
        if let Some((port, from, to)) = changed {
            self.inet.tables.write(|tables| {
                tables.udp_ports.release(port, &from);
                tables.udp_ports.add(port, to);
            });
        }
    }

    pub(crate) fn send_udp(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: &Option<SockAddr>,
        chosen: &Chosen,
    ) -> Result<usize, Errno> {
        // As Linux has it, the socket gets a port all the same.
        let refused = |errno| self.bind_if_unbound(lwp).err().unwrap_or(errno);
        let mut route = self.route(lwp, to).map_err(refused)?;
        self.choose(lwp, &mut route, chosen).map_err(refused)?;
        if route.to.port == 0 {
            return Err(refused(Errno::EINVAL));
        }
        let len = data.remaining();
        // What an IPv6 header counts is without itself.
        let (header, most) = match route.to.addr.is_ipv4() {
            true => (20, 65535),
            false => (40, 65535 + 40),
        };
        let whole = header + HEADER + len;
        if whole > most {
            return Err(Errno::EMSGSIZE);
        }
        if route.from.port == 0 {
            self.bind_if_unbound(lwp)?;
            let port = self.state.with(|state| state.port);
            route.from.port = port.map_or(0, |(port, _)| port);
        }
        if route.whole {
            let (mtu, _) = self.inet.mtu(lwp, route.to.addr, route.via.as_ref());
            if whole > mtu {
                return Err(Errno::EMSGSIZE);
            }
        }
        if let Some(sent) = self.hand_over(lwp, data, &route) {
            return sent;
        }
        let from = route.from;
        let header = Header {
            src: from.addr,
            dst: route.to.addr,
            protocol: IpProtocol::Udp,
            hop_limit: route.hop_limit,
            marks: route.marks,
        };
        let mut frame = self.inet.packet(&header, HEADER + len)?;
        let space = &mut frame.payload_mut()[header.len()..];
        if let Err(errno) = data.take(&mut space[HEADER..]) {
            self.inet.net.pool().recycle(frame);
            return Err(errno);
        }
        let mut datagram = UdpPacket::new_unchecked(space);
        datagram.set_src_port(from.port);
        datagram.set_dst_port(route.to.port);
        datagram.set_len((HEADER + len) as u16);
        let start = header.len();
        frame.leave_checksum(
            start,
            UDP_CHECKSUM,
            header.src,
            header.dst,
            header.protocol.into(),
        );
        self.emit(lwp, frame, &route)?;
        Ok(len)
    }
}
