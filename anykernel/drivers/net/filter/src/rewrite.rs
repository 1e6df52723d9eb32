//! Other addresses and ports for a packet, with its checksums made right (RFC 1624). A checksum that was left open
//! stays open.

use core::net::IpAddr;

use net::{Checksum, Frame};
use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet, Ipv4Packet};

use crate::flow::{Flow, Key, Upper};

/// Gives the packet of `flow` the ends of `to`.
pub(crate) fn rewrite(packet: &mut Frame, flow: &Flow, to: &Key) {
    let open = matches!(packet.checksum(), Checksum::Partial { .. });
    rewrite_bytes(packet.payload_mut(), flow, to, open);
}

fn rewrite_bytes(bytes: &mut [u8], flow: &Flow, to: &Key, open: bool) {
    set_addresses(bytes, to);
    let from = &flow.key;
    let Some(header) = bytes.get_mut(flow.offset..) else {
        return;
    };
    let ports = change(&words_of_ports(from), &words_of_ports(to));
    let addresses = change(&words_of(from), &words_of(to));
    let echo_port = to.src_port.max(to.dst_port);
    let (place, at, with_addresses) = match flow.upper {
        Upper::Tcp => (16, 0, true),
        Upper::Udp => (6, 0, true),
        Upper::Echo => (2, 4, from.src.is_ipv6()),
        Upper::Error | Upper::Other => return,
    };
    match flow.upper {
        Upper::Echo => put(header, at, echo_port),
        _ => {
            put(header, 0, to.src_port);
            put(header, 2, to.dst_port);
        }
    }
    let Some(&[high, low]) = header.get(place..).and_then(|rest| rest.first_chunk()) else {
        return;
    };
    let sum = u16::from_be_bytes([high, low]);
    if open {
        // It is the sum of the pseudo-header, which has no ports.
        put(header, place, fold(u32::from(sum) + u32::from(addresses)));
        return;
    }
    if flow.upper == Upper::Udp && sum == 0 {
        return;
    }
    let mut total = u32::from(!sum) + u32::from(ports);
    if with_addresses {
        total += u32::from(addresses);
    }
    let sum = match !fold(total) {
        0 if flow.upper == Upper::Udp => 0xffff,
        sum => sum,
    };
    put(header, place, sum);
}

/// Gives an error of ICMP other ends, and the packet it quotes: `outer` and `inner`.
pub(crate) fn rewrite_error(
    packet: &mut Frame,
    flow: &Flow,
    quoted: &Flow,
    outer: &Key,
    inner: &Key,
) {
    packet.complete_checksum();
    let bytes = packet.payload_mut();
    set_addresses(bytes, outer);
    let Some(message) = bytes.get_mut(flow.offset..) else {
        return;
    };
    if let Some(quote) = message.get_mut(8..) {
        rewrite_bytes(quote, quoted, inner, false);
    }
    match (outer.src, outer.dst) {
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            Icmpv6Packet::new_unchecked(message).fill_checksum(&src, &dst);
        }
        _ => Icmpv4Packet::new_unchecked(message).fill_checksum(),
    }
}

fn set_addresses(bytes: &mut [u8], to: &Key) {
    match (to.src, to.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut header = Ipv4Packet::new_unchecked(bytes);
            header.set_src_addr(src);
            header.set_dst_addr(dst);
            header.fill_checksum();
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            bytes[8..24].copy_from_slice(&src.octets());
            bytes[24..40].copy_from_slice(&dst.octets());
        }
        _ => {}
    }
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

fn words_of_ports(key: &Key) -> [u16; 2] {
    [key.src_port, key.dst_port]
}

/// The words of both addresses; those that an IPv4 address lacks are zero and add nothing.
fn words_of(key: &Key) -> [u16; 16] {
    let mut words = [0; 16];
    for (half, address) in [key.src, key.dst].into_iter().enumerate() {
        let place = &mut words[half * 8..][..8];
        match address {
            IpAddr::V4(address) => {
                let bits = address.to_bits();
                (place[0], place[1]) = ((bits >> 16) as u16, bits as u16);
            }
            IpAddr::V6(address) => place.copy_from_slice(&address.segments()),
        }
    }
    words
}

/// What is to be added to a sum when its words change.
fn change(from: &[u16], to: &[u16]) -> u16 {
    let sum = from.iter().zip(to).fold(0u32, |sum, (from, to)| {
        sum + u32::from(!*from) + u32::from(*to)
    });
    fold(sum)
}

/// Adds the carries (RFC 1071).
fn fold(mut sum: u32) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
