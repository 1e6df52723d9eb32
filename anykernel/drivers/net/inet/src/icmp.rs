//! ICMP (RFC 792) and ICMPv6 (RFC 4443): echo, errors that concern sockets, and errors of our own.

use core::net::IpAddr;

use base::{Errno, Lwp};
use net::{Complaint, Frame, Reason};
use smoltcp::wire::{
    Icmpv4Message, Icmpv4Packet, Icmpv6Message, Icmpv6Packet, IpProtocol, Ipv4Packet, Ipv6Packet,
};

use crate::address::{Endpoint, Tuple};
use crate::emit::Header;
use crate::inet::{Inet, Packet};

/// What an error that the network reports means to a socket.
#[derive(Clone, Copy)]
pub(crate) enum Trouble {
    /// The packet did not get there.
    Error {
        errno: Errno,
        /// It will not pass: datagram sockets are told too.
        lasting: bool,
    },
    /// The way carries no longer packets than of so many bytes (RFC 1191, RFC 8201).
    TooLong(usize),
}

fn trouble_v4(message: &Icmpv4Packet<&[u8]>) -> Option<Trouble> {
    let (kind, code) = (message.msg_type().into(), message.msg_code());
    let (errno, lasting) = match (kind, code) {
        (3, 0 | 6 | 9 | 11) => (Errno::ENETUNREACH, false),
        (3, 2) => (Errno::ENOPROTOOPT, true),
        (3, 3) => (Errno::ECONNREFUSED, true),
        (3, 4) => {
            let mtu = message.clone().into_inner().get(6..8)?;
            return Some(Trouble::TooLong(
                u16::from_be_bytes([mtu[0], mtu[1]]).into(),
            ));
        }
        (3, _) | (11, _) => (Errno::EHOSTUNREACH, false),
        (12, _) => (Errno::EPROTO, true),
        _ => return None,
    };
    Some(Trouble::Error { errno, lasting })
}

fn trouble_v6(message: &Icmpv6Packet<&[u8]>) -> Option<Trouble> {
    let (kind, code) = (message.msg_type().into(), message.msg_code());
    let (errno, lasting) = match (kind, code) {
        (1, 0) => (Errno::ENETUNREACH, false),
        (1, 1 | 5 | 6) => (Errno::EACCES, true),
        (1, 4) => (Errno::ECONNREFUSED, true),
        (2, _) => {
            let mtu = message.clone().into_inner().get(4..8)?;
            let mtu = u32::from_be_bytes([mtu[0], mtu[1], mtu[2], mtu[3]]);
            return Some(Trouble::TooLong(mtu as usize));
        }
        (1, _) | (3, _) => (Errno::EHOSTUNREACH, false),
        (4, _) => (Errno::EPROTO, true),
        _ => return None,
    };
    Some(Trouble::Error { errno, lasting })
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
        if let Some(trouble) = trouble_v4(&message) {
            return self.trouble(lwp, packet.payload().get(8..), trouble);
        }
        if message.msg_type() == Icmpv4Message::EchoRequest {
            self.echo(lwp, packet);
        }
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
        if let Some(trouble) = trouble_v6(&message) {
            return self.trouble(lwp, packet.payload().get(8..), trouble);
        }
        if message.msg_type() == Icmpv6Message::EchoRequest {
            self.echo(lwp, packet);
        }
    }

    /// Sends an echo request back as a reply, all of it, from the address it was sent to.
    fn echo(&self, lwp: &Lwp<'_>, request: &Packet) {
        let mut header = Header::reply(request, IpProtocol::from(request.info.protocol));
        if request.info.to_many {
            // Over IPv4 nobody answers those who ask everybody; and nobody speaks from the address of many.
            match self.net.source_for(lwp, header.dst) {
                Ok(src @ IpAddr::V6(_)) => header.src = src,
                _ => return,
            }
        }
        let message = request.payload();
        let Ok(mut frame) = self.packet(&header, message.len()) else {
            return;
        };
        let reply = &mut frame.payload_mut()[header.len()..];
        reply.copy_from_slice(message);
        match (header.src, header.dst) {
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let mut reply = Icmpv6Packet::new_unchecked(reply);
                reply.set_msg_type(Icmpv6Message::EchoReply);
                reply.fill_checksum(&src, &dst);
            }
            _ => {
                let mut reply = Icmpv4Packet::new_unchecked(reply);
                reply.set_msg_type(Icmpv4Message::EchoReply);
                reply.fill_checksum();
            }
        }
        self.answer(lwp, request, frame);
    }

    /// Tells the sender of a packet that nobody here is at its port, or speaks its protocol.
    pub(crate) fn complain(&self, lwp: &Lwp<'_>, packet: &Packet) {
        let udp = IpProtocol::from(packet.info.protocol) == IpProtocol::Udp;
        if !udp {
            packet.interface.count_dropped(Reason::UnknownProtocol, 1);
        }
        if !udp && self.is_wanted_raw(lwp, packet) {
            return;
        }
        let complaint = if udp {
            Complaint::NoPort
        } else {
            Complaint::NoProtocol
        };
        let Packet {
            frame,
            interface,
            info,
        } = packet;
        self.net.complain(lwp, interface, frame, info, complaint);
    }

    /// The network returned a packet of ours: nobody is where it should go.
    pub(crate) fn returned(&self, lwp: &Lwp<'_>, packet: Frame) {
        let trouble = Trouble::Error {
            errno: Errno::EHOSTUNREACH,
            lasting: false,
        };
        self.trouble(lwp, Some(packet.payload()), trouble);
        self.net.pool().recycle(packet);
    }

    /// Tells the socket whose packet is quoted of an error. A connection that exists survives it (RFC 1122
    /// §4.2.3.9); an attempt at one does not.
    fn trouble(&self, lwp: &Lwp<'_>, quote: Option<&[u8]>, trouble: Trouble) {
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
                    .read(lwp, |tables| tables.connections.get(&tuple).cloned());
                if let Some(socket) = socket {
                    self.report(lwp, &socket, trouble, sequence);
                }
            }
            IpProtocol::Udp => {
                let (exists, connected) = self.tables.read(lwp, |tables| {
                    let mut fitting = tables.udp.fitting(tuple.local, tuple.remote).peekable();
                    let exists = fitting.peek().is_some();
                    // Only a connected socket knows what to make of an error.
                    let connected = fitting.find(|((connected, _), _)| *connected);
                    (exists, connected.map(|(_, socket)| socket.clone()))
                });
                match (trouble, connected) {
                    (Trouble::TooLong(mtu), _) if exists => {
                        self.net.learn_path_mtu(lwp, tuple.remote.addr, mtu);
                    }
                    (
                        Trouble::Error {
                            errno,
                            lasting: true,
                        },
                        Some(socket),
                    ) => socket.fail(lwp, errno),
                    _ => {}
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
