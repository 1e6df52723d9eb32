//! The other end of TCP connections: enough of it that what the fuzzer says of a segment is said relative to where the
//! connection is.

use std::net::IpAddr;

use smoltcp::wire::{IpProtocol, TcpPacket};

use crate::kernel::{Host, v4, v6};
use crate::packets::{self, HEADER};

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const ACK: u8 = 16;

/// A connection as its other end sees it.
pub(crate) struct Connection {
    link: usize,
    us: IpAddr,
    them: IpAddr,
    /// The kernel's port, and the other.
    pub(crate) ports: [u16; 2],
    /// The number of the next byte to be sent.
    next: u32,
    /// The number of the next byte of the kernel's, as far as it sent them.
    expects: u32,
}

/// A segment, by what it differs in from the one that is to be expected.
#[derive(Default)]
pub(crate) struct Segment<'a> {
    pub(crate) flags: u8,
    pub(crate) ahead: i32,
    pub(crate) acked: i32,
    pub(crate) window: u16,
    pub(crate) options: &'a [u8],
    pub(crate) data: &'a [u8],
}

impl Connection {
    /// One over IPv4 or IPv6 between these ports, of which nobody has heard yet.
    pub(crate) fn new(link: usize, ipv6: bool, ports: [u16; 2]) -> Connection {
        let (us, them) = match ipv6 {
            false => (v4(link, 1).into(), v4(link, 2).into()),
            true => (v6(link, 1).into(), v6(link, 2).into()),
        };
        Connection {
            link,
            us,
            them,
            ports,
            next: u32::from(ports[1]) << 16 | 0xfff0,
            expects: 0,
        }
    }

    /// Sends a segment; what is in order counts as sent.
    pub(crate) fn send(&mut self, host: &mut Host, segment: &Segment<'_>) {
        let mut options = segment.options[..segment.options.len().min(40)].to_vec();
        options.resize(options.len().next_multiple_of(4), 0);
        let mut bytes = Vec::new();
        bytes.extend(self.ports[1].to_be_bytes());
        bytes.extend(self.ports[0].to_be_bytes());
        bytes.extend(self.next.wrapping_add_signed(segment.ahead).to_be_bytes());
        bytes.extend(
            self.expects
                .wrapping_add_signed(segment.acked)
                .to_be_bytes(),
        );
        bytes.extend([(5 + options.len() as u8 / 4) << 4, segment.flags]);
        bytes.extend(segment.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&options);
        bytes.extend(segment.data);
        let mut packet = packets::ip(self.them, self.us, 6, &bytes);
        packets::fix(&mut packet);
        host.hear_packet(self.link, &packet);
        if segment.ahead == 0 {
            let controls =
                u32::from(segment.flags & SYN != 0) + u32::from(segment.flags & FIN != 0);
            self.next = self.next.wrapping_add(segment.data.len() as u32 + controls);
        }
        self.catch_up(host);
    }

    /// Opens it from the other end.
    pub(crate) fn open(&mut self, host: &mut Host) {
        let syn = Segment {
            flags: SYN,
            window: 8192,
            options: &[2, 4, 5, 0xb4, 3, 3, 2, 4, 2],
            ..Segment::default()
        };
        self.send(host, &syn);
        self.say(host, ACK, b"");
    }

    /// Sends what is to be expected.
    pub(crate) fn say(&mut self, host: &mut Host, flags: u8, data: &[u8]) {
        let segment = Segment {
            flags,
            window: 8192,
            data,
            ..Segment::default()
        };
        self.send(host, &segment);
    }

    /// Takes note of what the kernel sent.
    pub(crate) fn catch_up(&mut self, host: &Host) {
        for (_, frame) in &host.sent {
            let packet = &frame[HEADER..];
            let Some(seen) = packets::look(packet) else {
                continue;
            };
            if (seen.src, seen.dst, seen.protocol) != (self.us, self.them, IpProtocol::Tcp) {
                continue;
            }
            let Ok(segment) = TcpPacket::new_checked(&packet[seen.data]) else {
                continue;
            };
            if [segment.src_port(), segment.dst_port()] == self.ports && !segment.rst() {
                let end = segment.seq_number().0 as u32;
                let end = end.wrapping_add(segment.segment_len() as u32);
                if end.wrapping_sub(self.expects).cast_signed() > 0 || segment.syn() {
                    self.expects = end;
                }
            }
        }
    }
}
