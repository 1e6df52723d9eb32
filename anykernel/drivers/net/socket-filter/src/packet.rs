//! What programs see of what arrives at a socket, and what is to be done about what they cut off.

use bpf::Packet;
use sockets::{Arrival, Origin};
use syscall::consts::{IPPROTO_TCP, IPPROTO_UDP};

/// `ETH_P_IP`, `ETH_P_IPV6`.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// `PACKET_HOST`, `PACKET_BROADCAST`, `PACKET_MULTICAST`.
const HOST: u8 = 0;
const BROADCAST: u8 = 1;
const MULTICAST: u8 = 2;
/// `ARPHRD_ETHER`, `ARPHRD_LOOPBACK`, `ARPHRD_NONE`.
const ETHERNET: u16 = 1;
const LOOPBACK: u16 = 772;
const NONE: u16 = 0xfffe;
/// Bytes of a UDP header, and of an IPv6 header.
const UDP_HEADER: usize = 8;
const IPV6_HEADER: usize = 40;

/// Whether a packet is one of IPv4.
fn is_ipv4(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte >> 4 == 4)
}

/// Whom a packet is for.
fn kind(bytes: &[u8], origin: &Origin) -> u8 {
    // The first byte of the receiver's address.
    let (at, least) = if is_ipv4(bytes) { (16, 224) } else { (24, 255) };
    match (origin.to_many, bytes.get(at)) {
        (false, _) => HOST,
        // The last network of IPv4 is all hosts.
        (true, Some(byte)) if *byte >= least && bytes.get(at..at + 4) != Some(&[255; 4]) => {
            MULTICAST
        }
        (true, _) => BROADCAST,
    }
}

/// What a program sees.
pub(crate) fn of<'a>(arrival: &'a Arrival<'_>) -> Packet<'a> {
    let (bytes, origin) = (&*arrival.bytes, arrival.origin.as_ref());
    Packet {
        bytes,
        start: arrival.start,
        network: origin.map(|_| 0),
        link: None,
        protocol: match origin {
            None => 0,
            Some(_) if is_ipv4(bytes) => IPV4,
            Some(_) => IPV6,
        },
        kind: origin.map_or(HOST, |origin| kind(bytes, origin)),
        interface: origin.map(|origin| {
            let hardware = match origin {
                Origin { loopback: true, .. } => LOOPBACK,
                Origin { ethernet: true, .. } => ETHERNET,
                _ => NONE,
            };
            (origin.interface, hardware)
        }),
    }
}

/// How much of it the socket gets if a program keeps so many bytes: headers are never cut off (`sk_filter_trim_cap`).
/// TCP will read the network's header again, which says how long the segment is then.
pub(crate) fn cut(arrival: &mut Arrival<'_>, kept: usize) -> usize {
    let (start, len) = (arrival.start, arrival.bytes.len());
    match arrival.origin.map(|origin| u32::from(origin.protocol)) {
        // A raw socket over IPv4 sees the packet from its beginning on.
        Some(IPPROTO_UDP) if start > 0 => kept.max(UDP_HEADER),
        Some(IPPROTO_TCP) if start > 0 => {
            let header = arrival.bytes.get(start + 12).map_or(0, |byte| byte >> 4);
            let kept = kept.max(usize::from(header) * 4);
            let end = start.saturating_add(kept);
            if end < len {
                let (at, length) = match is_ipv4(arrival.bytes) {
                    true => (2, end),
                    false => (4, end.saturating_sub(IPV6_HEADER)),
                };
                arrival.bytes[at..at + 2].copy_from_slice(&(length as u16).to_be_bytes());
            }
            kept
        }
        _ => kept,
    }
}
