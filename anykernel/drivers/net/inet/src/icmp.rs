//! ICMP (RFC 792) and ICMPv6 (RFC 4443): echo, errors that concern sockets, and errors of our own.

use core::net::IpAddr;

use base::{Errno, Lwp};
use net::{Frame, Reason};
use smoltcp::wire::{
    Icmpv4DstUnreachable, Icmpv4Packet, Icmpv4Repr, Icmpv6DstUnreachable, Icmpv6Packet,
    Icmpv6ParamProblem, Icmpv6Repr, IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
};

use crate::address::{Endpoint, Tuple};
use crate::emit::{Header, checksums};
use crate::inet::{Inet, Packet};

/// How much of a packet an error quotes: so that it stays within what every link carries.
const QUOTE_V4: usize = 576 - 20 - 8 - 20;
const QUOTE_V6: usize = 1280 - 40 - 8 - 40;

/// How many errors may go out in a row, and then how many a second.
const BURST: u64 = 64;
const RATE: u64 = 1000;

/// How many errors may still be sent (RFC 4443 §2.4 (f)).
#[derive(Default)]
pub(crate) struct Allowance {
    /// The time up to which it is used up, in nanoseconds.
    used_until: u64,
}

impl Allowance {
    /// Uses some of it, if there is any.
    fn spend(&mut self, now: u64) -> bool {
        const EACH: u64 = 1_000_000_000 / RATE;
        let used = self.used_until.max(now.saturating_sub(BURST * EACH));
        let allowed = used + EACH <= now;
        if allowed {
            self.used_until = used + EACH;
        }
        allowed
    }
}

/// What an error that the network reports means to a socket.
#[derive(Clone, Copy)]
struct Trouble {
    errno: Errno,
    /// It will not pass: datagram sockets are told too.
    lasting: bool,
}

fn trouble_v4(kind: u8, code: u8) -> Option<Trouble> {
    let (errno, lasting) = match (kind, code) {
        (3, 0 | 6 | 9 | 11) => (Errno::ENETUNREACH, false),
        (3, 2) => (Errno::ENOPROTOOPT, true),
        (3, 3) => (Errno::ECONNREFUSED, true),
        (3, 4) => return None,
        (3, _) | (11, _) => (Errno::EHOSTUNREACH, false),
        (12, _) => (Errno::EPROTO, true),
        _ => return None,
    };
    Some(Trouble { errno, lasting })
}

fn trouble_v6(kind: u8, code: u8) -> Option<Trouble> {
    let (errno, lasting) = match (kind, code) {
        (1, 0) => (Errno::ENETUNREACH, false),
        (1, 1 | 5 | 6) => (Errno::EACCES, true),
        (1, 4) => (Errno::ECONNREFUSED, true),
        (1, _) | (3, _) => (Errno::EHOSTUNREACH, false),
        (4, _) => (Errno::EPROTO, true),
        _ => return None,
    };
    Some(Trouble { errno, lasting })
}

/// What is known of a packet of ours that an error quotes: its beginning has to be there.
struct Quoted {
    protocol: IpProtocol,
    tuple: Tuple,
    /// The second word of what follows the IP header: of a segment, its number.
    sequence: u32,
}

fn quoted(packet: &[u8]) -> Option<Quoted> {
    let (src, dst, protocol, offset): (IpAddr, IpAddr, _, _) = match packet.first()? >> 4 {
        4 if packet.len() >= 20 => {
            let header = Ipv4Packet::new_unchecked(packet);
            let offset = usize::from(header.header_len());
            let (src, dst) = (header.src_addr(), header.dst_addr());
            (src.into(), dst.into(), header.next_header(), offset)
        }
        6 if packet.len() >= 40 => {
            let header = Ipv6Packet::new_unchecked(packet);
            let (src, dst) = (header.src_addr(), header.dst_addr());
            (src.into(), dst.into(), header.next_header(), 40)
        }
        _ => return None,
    };
    let [a, b, c, d, sequence @ ..] = *packet.get(offset..)?.first_chunk::<8>()?;
    let tuple = Tuple {
        local: Endpoint::new(src, u16::from_be_bytes([a, b])),
        remote: Endpoint::new(dst, u16::from_be_bytes([c, d])),
    };
    Some(Quoted {
        protocol,
        tuple,
        sequence: u32::from_be_bytes(sequence),
    })
}

impl Inet {
    pub(crate) fn icmpv4_input(&self, lwp: &Lwp<'_>, packet: &Packet) {
        let Ok(message) = Icmpv4Packet::new_checked(packet.payload()) else {
            return packet.interface.count_dropped(Reason::Malformed, 1);
        };
        if !packet.frame.checksum().is_good() && !message.verify_checksum() {
            return packet.interface.count_dropped(Reason::Checksum, 1);
        }
        if let Some(trouble) = trouble_v4(message.msg_type().into(), message.msg_code()) {
            return self.trouble(packet.payload().get(8..), trouble);
        }
        let Ok(Icmpv4Repr::EchoRequest {
            ident,
            seq_no,
            data,
        }) = Icmpv4Repr::parse(&message, &checksums())
        else {
            return;
        };
        if packet.info.to_many {
            return;
        }
        let reply = Icmpv4Repr::EchoReply {
            ident,
            seq_no,
            data,
        };
        self.answer_icmpv4(lwp, packet, &reply);
    }

    pub(crate) fn icmpv6_input(&self, lwp: &Lwp<'_>, packet: &Packet) {
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (packet.info.src, packet.info.dst) else {
            return;
        };
        let Ok(message) = Icmpv6Packet::new_checked(packet.payload()) else {
            return packet.interface.count_dropped(Reason::Malformed, 1);
        };
        if !packet.frame.checksum().is_good() && !message.verify_checksum(&src, &dst) {
            return packet.interface.count_dropped(Reason::Checksum, 1);
        }
        if let Some(trouble) = trouble_v6(message.msg_type().into(), message.msg_code()) {
            return self.trouble(packet.payload().get(8..), trouble);
        }
        let Ok(Icmpv6Repr::EchoRequest {
            ident,
            seq_no,
            data,
        }) = Icmpv6Repr::parse(&src, &dst, &message, &checksums())
        else {
            return;
        };
        let reply = Icmpv6Repr::EchoReply {
            ident,
            seq_no,
            data,
        };
        self.answer_icmpv6(lwp, packet, &reply);
    }

    fn answer_icmpv4(&self, lwp: &Lwp<'_>, to: &Packet, repr: &Icmpv4Repr<'_>) {
        let header = Header::reply(to, IpProtocol::Icmp);
        let Ok(mut frame) = self.packet(&header, repr.buffer_len()) else {
            return;
        };
        let space = &mut frame.payload_mut()[header.len()..];
        repr.emit(&mut Icmpv4Packet::new_unchecked(space), &checksums());
        self.answer(lwp, to, frame);
    }

    fn answer_icmpv6(&self, lwp: &Lwp<'_>, to: &Packet, repr: &Icmpv6Repr<'_>) {
        let mut header = Header::reply(to, IpProtocol::Icmpv6);
        if to.info.to_many {
            // Nobody speaks from the address of many.
            match self.net.source_for(lwp, header.dst) {
                Ok(src) => header.src = src,
                Err(_) => return,
            }
        }
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (header.src, header.dst) else {
            return;
        };
        let Ok(mut frame) = self.packet(&header, repr.buffer_len()) else {
            return;
        };
        let space = &mut frame.payload_mut()[header.len()..];
        let mut message = Icmpv6Packet::new_unchecked(space);
        repr.emit(&src, &dst, &mut message, &checksums());
        self.answer(lwp, to, frame);
    }

    /// Tells the sender of a packet that nobody here is at its port, or speaks its protocol.
    pub(crate) fn complain(&self, lwp: &Lwp<'_>, packet: &Packet) {
        let udp = IpProtocol::from(packet.info.protocol) == IpProtocol::Udp;
        if !udp {
            packet.interface.count_dropped(Reason::UnknownProtocol, 1);
        }
        if packet.info.to_many || !udp && self.is_wanted_raw(packet) {
            return;
        }
        let limited = !packet.interface.is_loopback();
        if limited && !self.complaints.with(|allowance| allowance.spend(lwp.now())) {
            return;
        }
        let payload = packet.payload();
        match (packet.info.src, packet.info.dst) {
            (IpAddr::V4(src_addr), IpAddr::V4(dst_addr)) => {
                let repr = Icmpv4Repr::DstUnreachable {
                    reason: if udp {
                        Icmpv4DstUnreachable::PortUnreachable
                    } else {
                        Icmpv4DstUnreachable::ProtoUnreachable
                    },
                    header: Ipv4Repr {
                        src_addr,
                        dst_addr,
                        next_header: packet.info.protocol.into(),
                        payload_len: payload.len(),
                        hop_limit: packet.info.hop_limit,
                    },
                    data: &payload[..payload.len().min(QUOTE_V4)],
                };
                self.answer_icmpv4(lwp, packet, &repr);
            }
            (IpAddr::V6(src_addr), IpAddr::V6(dst_addr)) => {
                let header = Ipv6Repr {
                    src_addr,
                    dst_addr,
                    next_header: packet.info.protocol.into(),
                    payload_len: payload.len(),
                    hop_limit: packet.info.hop_limit,
                };
                let data = &payload[..payload.len().min(QUOTE_V6)];
                let repr = if udp {
                    Icmpv6Repr::DstUnreachable {
                        reason: Icmpv6DstUnreachable::PortUnreachable,
                        header,
                        data,
                    }
                } else {
                    Icmpv6Repr::ParamProblem {
                        reason: Icmpv6ParamProblem::UnrecognizedNxtHdr,
                        pointer: 6,
                        header,
                        data,
                    }
                };
                self.answer_icmpv6(lwp, packet, &repr);
            }
            _ => {}
        }
    }

    /// The network returned a packet of ours: nobody is where it should go.
    pub(crate) fn returned(&self, packet: Frame) {
        let trouble = Trouble {
            errno: Errno::EHOSTUNREACH,
            lasting: false,
        };
        self.trouble(Some(packet.payload()), trouble);
        self.net.pool().recycle(packet);
    }

    /// Tells the socket whose packet is quoted of an error. A connection that exists survives it (RFC 1122
    /// §4.2.3.9); an attempt at one does not.
    fn trouble(&self, quote: Option<&[u8]>, trouble: Trouble) {
        let Some(quoted) = quote.and_then(quoted) else {
            return;
        };
        let Quoted {
            protocol,
            tuple,
            sequence,
        } = quoted;
        match protocol {
            IpProtocol::Tcp => {
                let socket = self
                    .tables
                    .with(|tables| tables.connections.get(&tuple).cloned());
                if let Some(socket) = socket {
                    self.report(&socket, trouble.errno, sequence);
                }
            }
            IpProtocol::Udp if trouble.lasting => {
                let socket = self.tables.with(|tables| {
                    let mut fitting = tables.udp.fitting(tuple.local, tuple.remote);
                    // Only a connected socket knows what to make of it.
                    let connected = fitting.find(|((connected, _), _)| *connected);
                    connected.map(|(_, socket)| socket.clone())
                });
                if let Some(socket) = socket {
                    socket.fail(trouble.errno);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_come_in_a_burst_and_then_at_a_rate() {
        let mut allowance = Allowance::default();
        let start = 5_000_000_000;
        let burst = (0..1000).filter(|_| allowance.spend(start)).count() as u64;
        assert_eq!(burst, BURST);
        let later = (1..=1000).filter(|ms| allowance.spend(start + ms * 1_000_000));
        assert_eq!(later.count() as u64, RATE);
    }

    #[test]
    fn a_quote_that_is_cut_off_is_no_quote() {
        let mut packet = [0u8; 28];
        packet[0] = 0x45;
        assert!(quoted(&packet).is_some());
        assert!(quoted(&packet[..27]).is_none());
        packet[0] = 0x4f;
        assert!(quoted(&packet).is_none());
        assert!(quoted(&[0x60; 39]).is_none());
        assert!(quoted(&[]).is_none());
    }
}
