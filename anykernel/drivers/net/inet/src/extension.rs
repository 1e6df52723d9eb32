//! IPv6 extension headers that concern only the receiver: they are taken out, so that everything above
//! sees a plain packet.

use core::net::IpAddr;

use smoltcp::wire::{IpProtocol, Ipv6Packet};

use crate::inet::Arriving;

/// Bytes of an IPv6 header.
const HEADER: usize = 40;

/// Headers in front of the protocol's; more is an attempt to keep us busy.
const MOST: usize = 8;

/// Takes the extension headers out of a packet; `Err` if it is to be dropped for one.
pub(crate) fn strip(packet: &mut Arriving<'_>) -> Result<(), ()> {
    if !is_extension(packet.info.protocol) || !matches!(packet.info.dst, IpAddr::V6(_)) {
        return Ok(());
    }
    let mut offset = packet.info.payload_offset;
    let mut protocol = packet.info.protocol;
    for _ in 0..MOST {
        if !is_extension(protocol) {
            shorten(packet, offset, protocol);
            return Ok(());
        }
        let rest = packet.frame.payload().get(offset..).ok_or(())?;
        let len = usize::from(*rest.get(1).ok_or(())?) * 8 + 8;
        let header = rest.get(..len).ok_or(())?;
        if !is_acceptable(protocol, header) {
            return Err(());
        }
        protocol = header[0];
        offset += len;
    }
    Err(())
}

fn is_extension(protocol: u8) -> bool {
    matches!(
        IpProtocol::from(protocol),
        IpProtocol::HopByHop | IpProtocol::Ipv6Route | IpProtocol::Ipv6Opts
    )
}

/// Whether a host that knows no option may go on with the packet.
fn is_acceptable(protocol: u8, header: &[u8]) -> bool {
    if IpProtocol::from(protocol) == IpProtocol::Ipv6Route {
        // Nobody routes on from here (RFC 8200 §4.4).
        return header[3] == 0;
    }
    let mut options = &header[2..];
    while let [kind, rest @ ..] = options {
        options = match (*kind, rest) {
            (0, rest) => rest,
            // The two highest bits say what to do who does not know the option: zero, pass over it.
            (kind, [len, data @ ..]) if kind >> 6 == 0 => match data.get(usize::from(*len)..) {
                Some(rest) => rest,
                None => return false,
            },
            _ => return false,
        };
    }
    true
}

/// Moves the IPv6 header up to the protocol's, which begins at `offset`.
fn shorten(packet: &mut Arriving<'_>, offset: usize, protocol: u8) {
    let surplus = offset - HEADER;
    packet.frame.payload_mut().copy_within(..HEADER, surplus);
    packet.frame.trim_front(surplus);
    let len = packet.frame.len() - HEADER;
    let mut header = Ipv6Packet::new_unchecked(packet.frame.payload_mut());
    header.set_next_header(protocol.into());
    header.set_payload_len(len as u16);
    packet.info.protocol = protocol;
    packet.info.payload_offset = HEADER;
}
