//! Raw sockets: packets of an IP protocol as they are.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use base::{Errno, Lwp};
use net::Interface;
use smoltcp::wire::{IpProtocol, Ipv4Packet, checksum};
use syscall::consts::IPPROTO_ICMPV6;
use syscall::{SockAddr, UioIn};

use crate::address::{Endpoint, Family};
use crate::datagram::ancillary::Chosen;
use crate::datagram::{DatagramSocket, Kind, Route};
use crate::emit::Header;
use crate::inet::{Arriving, Inet, Packet};
use crate::options::Opt;

impl Inet {
    /// Gives every raw socket that wants a packet a copy of it.
    #[inline]
    pub(crate) fn copy_to_raw(&self, lwp: &Lwp<'_>, packet: &Arriving<'_>) {
        if self.raw_sockets.load(Ordering::Relaxed) > 0 {
            self.copy_to_some_raw(lwp, packet);
        }
    }

    fn copy_to_some_raw(&self, lwp: &Lwp<'_>, packet: &Arriving<'_>) {
        let wanting: Vec<Arc<DatagramSocket>> = self.tables.read(lwp, |tables| {
            let mut wanting = Vec::new();
            for socket in &tables.raw {
                if socket.wants(packet) {
                    wanting.push(socket.clone());
                }
            }
            wanting
        });
        for socket in wanting {
            // With its header, or without: that is the families' difference.
            let start = match socket.family {
                Family::V4 => 0,
                Family::V6 => packet.info.payload_offset,
            };
            let Ok(mut frame) = self.net.pool().copy_of(packet.frame.payload()) else {
                return;
            };
            frame.set_checksum(packet.frame.checksum());
            frame.complete_checksum();
            let from = Endpoint::new(packet.info.src, 0);
            self.give(lwp, &socket, packet.with(frame), start, 0, from);
        }
    }

    /// Whether a raw socket takes packets like this one.
    pub(crate) fn is_wanted_raw(&self, lwp: &Lwp<'_>, packet: &Packet) -> bool {
        self.tables.read(lwp, |tables| {
            tables.raw.iter().any(|socket| socket.wants(packet))
        })
    }
}

impl DatagramSocket {
    fn wants<I: AsRef<Interface>>(&self, packet: &Packet<I>) -> bool {
        let info = &packet.info;
        self.kind == Kind::Raw(info.protocol)
            && (self.family == Family::V4) == info.src.is_ipv4()
            && self.hears(packet.interface.as_ref(), info.dst)
            && self.state.with(|state| {
                state.local.is_none_or(|local| local == info.dst)
                    && state.peer.is_none_or(|peer| peer.addr == info.src)
            })
    }

    pub(crate) fn bind_raw(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        let (end, link) = self.family.resolve(address)?;
        if !end.addr.is_multicast() {
            self.inet.check_bindable(lwp, end.addr)?;
        }
        self.update(lwp, |state| {
            state.bound = true;
            state.local = (!end.addr.is_unspecified()).then_some(end.addr);
            state.link = link;
        });
        Ok(())
    }

    pub(crate) fn send_raw(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: &Option<SockAddr>,
        protocol: u8,
        chosen: &Chosen,
    ) -> Result<usize, Errno> {
        let mut route = self.route(lwp, to)?;
        self.choose(lwp, &mut route, chosen)?;
        let included = self
            .state
            .with(|state| state.options.is(Opt::HeaderIncluded));
        if included && self.family == Family::V4 {
            return self.send_with_header(lwp, data, &route);
        }
        let header = Header {
            src: route.from.addr,
            dst: route.to.addr,
            protocol: IpProtocol::from(protocol),
            hop_limit: route.hop_limit,
            marks: route.marks,
        };
        let len = data.remaining();
        let mut frame = self.inet.packet(&header, len)?;
        let space = &mut frame.payload_mut()[header.len()..];
        if let Err(errno) = data.take(space) {
            self.inet.net.pool().recycle(frame);
            return Err(errno);
        }
        if u32::from(protocol) == IPPROTO_ICMPV6 && len >= 4 {
            // The one checksum a program cannot compute, not knowing its address (RFC 3542 §3.1).
            space[2..4].fill(0);
            let sum = checksum::combine(&[
                checksum::pseudo_header(
                    &header.src.into(),
                    &header.dst.into(),
                    IpProtocol::Icmpv6,
                    len as u32,
                ),
                checksum::data(space),
            ]);
            space[2..4].copy_from_slice(&(!sum).to_be_bytes());
        }
        self.emit(lwp, frame, &route)?;
        Ok(len)
    }

    /// Sends a packet whose header the program wrote; what it left open is filled in.
    fn send_with_header(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        route: &Route,
    ) -> Result<usize, Errno> {
        let len = data.remaining();
        let pool = self.inet.net.pool();
        let mut frame = pool.get(len)?;
        let taken = data.take(frame.payload_mut());
        let header_len = frame.payload().first().map_or(0, |byte| byte & 0xf) as usize * 4;
        let refused = match taken {
            Err(errno) => Some(errno),
            Ok(_) if header_len < 20 || header_len > len => Some(Errno::EINVAL),
            Ok(_) => None,
        };
        if let Some(errno) = refused {
            pool.recycle(frame);
            return Err(errno);
        }
        let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
        if packet.src_addr().is_unspecified()
            && let core::net::IpAddr::V4(addr) = route.from.addr
        {
            packet.set_src_addr(addr);
        }
        packet.set_total_len(len as u16);
        packet.fill_checksum();
        self.emit(lwp, frame, route)?;
        Ok(len)
    }
}
