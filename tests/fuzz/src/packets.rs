//! Packets: made, put right, and looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smoltcp::wire::{
    Icmpv4Packet, Icmpv6Packet, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket,
};

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;
/// Bytes in front of a frame's packet.
pub(crate) const HEADER: usize = 14;

/// A frame.
pub(crate) fn frame(to: [u8; 6], from: [u8; 6], kind: u16, packet: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), packet].concat()
}

/// A frame with an IP packet, of the type that goes with its version.
pub(crate) fn around(to: [u8; 6], from: [u8; 6], packet: &[u8]) -> Vec<u8> {
    let kind = match packet.first().map_or(0, |byte| byte >> 4) {
        6 => IPV6,
        _ => IPV4,
    };
    frame(to, from, kind, packet)
}

/// An IPv4 packet, whole or a fragment as `fragment` says (flags and offset), without its checksum.
pub(crate) fn ipv4(
    [src, dst]: [Ipv4Addr; 2],
    protocol: u8,
    identification: u16,
    fragment: u16,
    data: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(((20 + data.len()) as u16).to_be_bytes());
    packet.extend(identification.to_be_bytes());
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(src.octets());
    packet.extend(dst.octets());
    packet.extend(data);
    packet
}

/// An IPv6 packet.
pub(crate) fn ipv6([src, dst]: [Ipv6Addr; 2], protocol: u8, hops: u8, data: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((data.len() as u16).to_be_bytes());
    packet.extend([protocol, hops]);
    packet.extend(src.octets());
    packet.extend(dst.octets());
    packet.extend(data);
    packet
}

/// An IP packet between addresses of one family.
pub(crate) fn ip(src: IpAddr, dst: IpAddr, protocol: u8, data: &[u8]) -> Vec<u8> {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => ipv4([src, dst], protocol, 0, 0, data),
        (IpAddr::V6(src), IpAddr::V6(dst)) => ipv6([src, dst], protocol, 255, data),
        _ => panic!("addresses of two families"),
    }
}

/// What a packet says, as far as it is sound: its addresses, its protocol, where its data are.
pub(crate) struct Seen {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) protocol: IpProtocol,
    pub(crate) data: std::ops::Range<usize>,
    /// It is a piece of a datagram, but not all of it.
    pub(crate) fragment: bool,
}

pub(crate) fn look(packet: &[u8]) -> Option<Seen> {
    match packet.first()? >> 4 {
        4 => {
            let header = Ipv4Packet::new_checked(packet).ok()?;
            let data = usize::from(header.header_len())..usize::from(header.total_len());
            (data.start >= 20 && data.start <= data.end).then_some(Seen {
                src: header.src_addr().into(),
                dst: header.dst_addr().into(),
                protocol: header.next_header(),
                data,
                fragment: header.more_frags() || header.frag_offset() != 0,
            })
        }
        6 => {
            let header = Ipv6Packet::new_checked(packet).ok()?;
            Some(Seen {
                src: header.src_addr().into(),
                dst: header.dst_addr().into(),
                protocol: header.next_header(),
                data: 40..header.total_len(),
                fragment: header.next_header() == IpProtocol::Ipv6Frag,
            })
        }
        _ => None,
    }
}

/// Makes the checksums of a packet right, so that what is wrong with it otherwise gets further than them.
pub(crate) fn fix(packet: &mut [u8]) {
    let Some(seen) = look(packet) else { return };
    if seen.src.is_ipv4() {
        Ipv4Packet::new_unchecked(&mut *packet).fill_checksum();
    }
    if seen.fragment {
        return;
    }
    let data = &mut packet[seen.data];
    match (seen.protocol, seen.src, seen.dst) {
        (IpProtocol::Tcp, src, dst) => {
            if let Ok(mut segment) = TcpPacket::new_checked(data) {
                segment.fill_checksum(&src.into(), &dst.into());
            }
        }
        (IpProtocol::Udp, src, dst) => {
            if let Ok(mut datagram) = UdpPacket::new_checked(data) {
                datagram.fill_checksum(&src.into(), &dst.into());
            }
        }
        (IpProtocol::Icmp, ..) => {
            if let Ok(mut message) = Icmpv4Packet::new_checked(data) {
                message.fill_checksum();
            }
        }
        (IpProtocol::Icmpv6, IpAddr::V6(src), IpAddr::V6(dst)) => {
            if let Ok(mut message) = Icmpv6Packet::new_checked(data) {
                message.fill_checksum(&src, &dst);
            }
        }
        _ => {}
    }
}

/// Holds a packet that a kernel sent against what every packet has to be. Whatever it heard, it sends no other.
pub(crate) fn check(packet: &[u8]) {
    let seen = look(packet).unwrap_or_else(|| panic!("a packet that is none: {packet:02x?}"));
    assert_eq!(
        seen.data.end,
        packet.len(),
        "a length that is wrong: {packet:02x?}"
    );
    if seen.src.is_ipv4() {
        let header = Ipv4Packet::new_unchecked(packet);
        assert!(header.verify_checksum(), "a header's sum: {packet:02x?}");
    }
    if seen.fragment {
        return;
    }
    let data = &packet[seen.data];
    // A program may send anything through a raw socket; those of scripts send dots.
    if data.is_empty() || data.starts_with(b".") {
        return;
    }
    let (src, dst) = (seen.src.into(), seen.dst.into());
    let right = match (seen.protocol, seen.src, seen.dst) {
        (IpProtocol::Tcp, ..) => {
            TcpPacket::new_checked(data).is_ok_and(|it| it.verify_checksum(&src, &dst))
        }
        (IpProtocol::Udp, ..) => {
            UdpPacket::new_checked(data).is_ok_and(|it| it.verify_checksum(&src, &dst))
        }
        (IpProtocol::Icmp, ..) => {
            Icmpv4Packet::new_checked(data).is_ok_and(|it| it.verify_checksum())
        }
        (IpProtocol::Icmpv6, IpAddr::V6(src), IpAddr::V6(dst)) => {
            Icmpv6Packet::new_checked(data).is_ok_and(|it| it.verify_checksum(&src, &dst))
        }
        _ => true,
    };
    assert!(right, "a checksum that is wrong: {packet:02x?}");
}
