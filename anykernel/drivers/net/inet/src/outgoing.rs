//! Segments on their way out of a connection: what smoltcp leaves wrong in them is put right, and noted what must be known
//! of them later.

use alloc::sync::Arc;
use core::net::IpAddr;

use net::{Batch, Frame, Net, SegmentKind, Segments};
use smoltcp::wire::{IpProtocol, IpRepr, IpVersion, TcpPacket, TcpRepr, TcpSeqNumber};

use crate::address::Tuple;
use crate::emit::{Marks, TCP_CHECKSUM, checksums, plain_segment};
use crate::nagle::Nagle;
use crate::segment_size::SegmentSize;
use crate::window::WindowGuard;

/// What is to be sent, and what was.
pub(crate) struct Outgoing {
    pub(crate) net: Arc<Net>,
    tuple: Tuple,
    /// What is to be sent.
    pub(crate) leaving: Batch,
    pub(crate) window: WindowGuard,
    /// The window that was offered last.
    offered: u16,
    pub(crate) size: SegmentSize,
    pub(crate) nagle: Nagle,
    pub(crate) marks: Marks,
    /// The number after all that left, and what was acknowledged last.
    pub(crate) sent: (TcpSeqNumber, TcpSeqNumber),
}

impl Outgoing {
    pub(crate) fn new(net: Arc<Net>, tuple: Tuple, size: SegmentSize) -> Self {
        Outgoing {
            net,
            tuple,
            leaving: Batch::new(),
            window: WindowGuard::default(),
            offered: 0,
            size,
            nagle: Nagle::default(),
            marks: Marks::default(),
            sent: (TcpSeqNumber(0), TcpSeqNumber(0)),
        }
    }

    /// Whether all that left was confirmed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.nagle.confirmed() == self.sent.0
    }

    /// Whether the segment with this number has left and was not confirmed.
    pub(crate) fn is_in_flight(&self, number: TcpSeqNumber) -> bool {
        number >= self.nagle.confirmed() && number < self.sent.0
    }

    /// Asks the peer, who goes on with the number `expected`, whether it lives: with a byte that it has (RFC 1122
    /// § 4.2.3.6).
    pub(crate) fn ask(&mut self, expected: TcpSeqNumber, hop_limit: u8) {
        let Tuple { local, remote } = self.tuple;
        let (from, to) = (local.addr.into(), remote.addr.into());
        let segment = TcpRepr {
            seq_number: self.sent.0 - 1,
            ack_number: Some(expected),
            window_len: self.offered,
            payload: &[0],
            ..plain_segment(local.port, remote.port)
        };
        let len = segment.buffer_len();
        let header = IpRepr::new(from, to, IpProtocol::Tcp, len, hop_limit);
        let whole = header.buffer_len();
        // Without memory it is as good as lost.
        if let Ok(mut frame) = self.net.pool().get(whole) {
            let packet = frame.payload_mut();
            header.emit(&mut *packet, &checksums());
            let mut place = TcpPacket::new_unchecked(&mut packet[whole - len..]);
            segment.emit(&mut place, &from, &to, &checksums());
            self.depart(frame);
        }
    }

    /// Takes a packet with a segment of smoltcp's.
    pub(crate) fn depart(&mut self, mut frame: Frame) {
        let packet = frame.payload_mut();
        let header = header_len(packet);
        let segment = TcpPacket::new_unchecked(&packet[header..]);
        self.nagle.leaving(&segment, self.size.full());
        let next = segment.seq_number() + segment.segment_len();
        if segment.syn() || next > self.sent.0 {
            self.sent.0 = next;
        }
        self.sent.1 = segment.ack_number();
        self.offered = segment.window_len();
        let payload = segment.payload().len();
        say_where_we_are(&mut packet[header..], self.sent.0);
        self.window.leaving(&mut packet[header..]);
        self.size.leaving(&mut packet[header..]);
        self.marks.put(packet);
        frame.leave_checksum(
            header,
            TCP_CHECKSUM,
            self.tuple.local.addr,
            self.tuple.remote.addr,
            IpProtocol::Tcp.into(),
        );
        frame.set_segments(self.size.cut(payload).map(|size| Segments {
            kind: match self.tuple.local.addr {
                IpAddr::V4(_) => SegmentKind::Tcp4,
                IpAddr::V6(_) => SegmentKind::Tcp6,
            },
            size,
        }));
        self.leaving.push(frame);
    }
}

/// Gives a segment that only acknowledges the number after all that was sent, as RFC 9293 §3.10.7.4 has it. smoltcp's
/// falls back to what is repeated; a peer that has that already takes no notice, and if it repeats
/// things itself, neither end hears the other for seconds.
fn say_where_we_are(segment: &mut [u8], next: TcpSeqNumber) {
    let mut segment = TcpPacket::new_unchecked(segment);
    if segment.segment_len() == 0 && !segment.rst() {
        segment.set_seq_number(next);
    }
}

/// Bytes in front of the TCP segment in an IP packet without extension headers.
pub(crate) fn header_len(packet: &[u8]) -> usize {
    match IpVersion::of_packet(packet) {
        Ok(IpVersion::Ipv4) => usize::from(packet[0] & 0xf) * 4,
        _ => 40,
    }
}
