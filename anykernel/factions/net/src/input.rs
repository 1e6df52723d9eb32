//! The way in: from a frame to the protocol it is for. Whatever is wrong with it, it is dropped and
//! counted.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::Lwp;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet};

use crate::ethernet::{self, ETHERNET_HEADER};
use crate::reassembly::{Fragment, Place};
use crate::table::Meaning;
use crate::{Frame, Interface, IpInfo, IpReceiver, Medium, Net, Reason};

type Receiver<'a> = Option<&'a Arc<dyn IpReceiver>>;

/// Bytes of an IPv6 header, without extensions.
pub(crate) const IPV6_HEADER: usize = 40;

/// ICMPv6 types of neighbour discovery: router and neighbour solicitations and advertisements, redirect.
const NEIGHBOUR_DISCOVERY: core::ops::RangeInclusive<u8> = 133..=137;

impl Net {
    /// Takes one frame.
    pub(crate) fn input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        frame: Frame,
    ) {
        if !interface.is_up() {
            return self.drop_frame(interface, frame, Reason::Down);
        }
        let taken = match interface.medium() {
            Medium::Ethernet => self.ethernet_input(lwp, interface, receiver, frame),
            Medium::Ip => self.ip_input(lwp, interface, receiver, frame),
        };
        if let Err((frame, reason)) = taken {
            self.drop_frame(interface, frame, reason);
        }
    }

    fn ethernet_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        mut frame: Frame,
    ) -> Result<(), (Frame, Reason)> {
        if interface.has_upper() {
            match interface.offer(lwp, self, frame) {
                Some(left) => frame = left,
                None => return Ok(()),
            }
        }
        let Some((to, kind)) = ethernet::read_header(frame.payload()) else {
            return Err((frame, Reason::Malformed));
        };
        let to_many = !ethernet::is_unicast(to);
        if !to_many && to != interface.hardware_address() {
            return Err((frame, Reason::NotForUs));
        }
        frame.trim_front(ETHERNET_HEADER);
        match kind {
            ethernet::ARP => self.arp_input(lwp, interface, frame),
            ethernet::IPV4 if version(&frame) == 4 => {
                self.ipv4_input(lwp, interface, receiver, frame, to_many)
            }
            ethernet::IPV6 if version(&frame) == 6 => {
                self.ipv6_input(lwp, interface, receiver, frame, to_many)
            }
            ethernet::IPV4 | ethernet::IPV6 => Err((frame, Reason::Malformed)),
            _ => Err((frame, Reason::UnknownProtocol)),
        }
    }

    fn ip_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        frame: Frame,
    ) -> Result<(), (Frame, Reason)> {
        match version(&frame) {
            4 => self.ipv4_input(lwp, interface, receiver, frame, false),
            6 => self.ipv6_input(lwp, interface, receiver, frame, false),
            _ => Err((frame, Reason::Malformed)),
        }
    }

    fn ipv4_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        mut frame: Frame,
        to_many: bool,
    ) -> Result<(), (Frame, Reason)> {
        // Checks that the header has its 20 bytes and the lengths are no longer than the frame.
        let Ok(packet) = Ipv4Packet::new_checked(frame.payload()) else {
            return Err((frame, Reason::Malformed));
        };
        let header_len = usize::from(packet.header_len());
        let total_len = usize::from(packet.total_len());
        if header_len < 20 || total_len < header_len {
            return Err((frame, Reason::Malformed));
        }
        if !interface.is_loopback() && !packet.verify_checksum() {
            return Err((frame, Reason::Checksum));
        }
        let (src, dst) = (packet.src_addr(), packet.dst_addr());
        let info = IpInfo {
            src: src.into(),
            dst: dst.into(),
            protocol: packet.next_header().into(),
            payload_offset: header_len,
            hop_limit: packet.hop_limit(),
            to_many,
            in_pieces: false,
        };
        let fragment = Fragment {
            place: Place {
                src: info.src,
                dst: info.dst,
                identification: u32::from(packet.ident()),
                protocol: info.protocol,
            },
            offset: usize::from(packet.frag_offset()),
            more: packet.more_frags(),
            header_len,
        };
        // Ethernet pads short frames.
        frame.truncate(total_len);

        if interface.configuring.get() != 0 && self.dhcp_input(lwp, interface, &frame, &info) {
            self.pool().recycle(frame);
            return Ok(());
        }
        if src.is_multicast() || src.is_broadcast() || dst.is_unspecified() {
            return Err((frame, Reason::Martian));
        }
        let fragment = (!fragment.is_whole()).then_some(fragment);
        self.packet_input(lwp, interface, receiver, frame, info, fragment)
    }

    fn ipv6_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        mut frame: Frame,
        to_many: bool,
    ) -> Result<(), (Frame, Reason)> {
        let Ok(packet) = Ipv6Packet::new_checked(frame.payload()) else {
            return Err((frame, Reason::Malformed));
        };
        let (src, dst) = (packet.src_addr(), packet.dst_addr());
        let mut info = IpInfo {
            src: src.into(),
            dst: dst.into(),
            protocol: packet.next_header().into(),
            payload_offset: IPV6_HEADER,
            hop_limit: packet.hop_limit(),
            to_many,
            in_pieces: false,
        };
        let total_len = packet.total_len();
        frame.truncate(total_len);

        if src.is_multicast() || dst.is_unspecified() {
            return Err((frame, Reason::Martian));
        }
        if info.protocol == u8::from(IpProtocol::Ipv6Frag) {
            let Some((fragment, protocol)) = Fragment::of_ipv6(frame.payload(), &info) else {
                return Err((frame, Reason::Malformed));
            };
            info.protocol = protocol;
            return self.packet_input(lwp, interface, receiver, frame, info, Some(fragment));
        }
        if info.protocol == u8::from(IpProtocol::Icmpv6)
            && let Some(kind) = frame.payload().get(IPV6_HEADER)
            && NEIGHBOUR_DISCOVERY.contains(kind)
        {
            return match self.meaning(interface, &frame, &info) {
                Ok(Meaning::Foreign) => Err((frame, Reason::NotForUs)),
                Ok(Meaning::Ours | Meaning::Many) => self.ndisc_input(lwp, interface, frame, &info),
                Err(reason) => Err((frame, reason)),
            };
        }
        // Only neighbour discovery speaks from no address.
        if src.is_unspecified() {
            return Err((frame, Reason::Martian));
        }
        self.packet_input(lwp, interface, receiver, frame, info, None)
    }

    /// Takes a packet with a good header, or a fragment of one. With a filter, fragments are put together first,
    /// since only the first of them shows what the packet is.
    pub(crate) fn packet_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        mut frame: Frame,
        mut info: IpInfo,
        fragment: Option<Fragment>,
    ) -> Result<(), (Frame, Reason)> {
        if self.is_filtered(interface) {
            if let Some(fragment) = fragment {
                return self.fragment_input(lwp, interface, receiver, frame, fragment, info);
            }
            match self.filter_in(lwp, interface, frame, &mut info) {
                Some(passed) => frame = passed,
                None => return Ok(()),
            }
        }
        let meaning = match self.meaning(interface, &frame, &info) {
            Ok(meaning) => meaning,
            Err(reason) => return Err((frame, reason)),
        };
        match meaning {
            Meaning::Foreign => return self.forward(lwp, interface, frame, info),
            Meaning::Many => info.to_many = true,
            Meaning::Ours => {}
        }
        match fragment {
            None => self.deliver(lwp, interface, receiver, frame, info),
            Some(fragment) => {
                return self.fragment_input(lwp, interface, receiver, frame, fragment, info);
            }
        }
        Ok(())
    }

    /// Whether the addresses can be true, and what the destination means.
    fn meaning(
        &self,
        interface: &Arc<Interface>,
        frame: &Frame,
        info: &IpInfo,
    ) -> Result<Meaning, Reason> {
        // A protocol of ours looked the address up when it chose this way.
        let to_group = cfg!(feature = "multicast") && info.dst.is_multicast();
        if interface.is_loopback() && frame.checksum().is_good() && !to_group {
            return Ok(Meaning::Ours);
        }
        let meaning = self.table.with(|table| {
            if !interface.is_loopback()
                && (info.src.is_loopback() || info.dst.is_loopback() || table.is_local(info.src))
            {
                return Err(Reason::Martian);
            }
            Ok(table.meaning(info.dst, interface))
        });
        #[cfg(feature = "multicast")]
        if to_group && meaning == Ok(Meaning::Foreign) && self.is_joined(interface, info.dst) {
            return Ok(Meaning::Many);
        }
        meaning
    }

    /// Gives a whole packet to the protocols.
    pub(crate) fn deliver(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Receiver<'_>,
        frame: Frame,
        info: IpInfo,
    ) {
        #[cfg(feature = "multicast")]
        if info.to_many {
            self.tell_groups(lwp, interface, &frame, &info);
        }
        match receiver {
            Some(receiver) => receiver.receive(lwp, interface, frame, info),
            None => self.drop_frame(interface, frame, Reason::UnknownProtocol),
        }
    }
}

/// The version field of an IP packet; zero if there is none.
#[inline]
pub(crate) fn version(packet: &Frame) -> u8 {
    packet.payload().first().map_or(0, |byte| byte >> 4)
}

/// The destination of an IP packet, if the header is whole.
#[inline]
pub(crate) fn destination(packet: &Frame) -> Option<IpAddr> {
    let bytes = packet.payload();
    match version(packet) {
        4 if bytes.len() >= 20 => <[u8; 4]>::try_from(&bytes[16..20]).ok().map(IpAddr::from),
        6 if bytes.len() >= IPV6_HEADER => {
            <[u8; 16]>::try_from(&bytes[24..40]).ok().map(IpAddr::from)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
