//! Segments on their way out of a connection: what smoltcp leaves wrong in them is put right, and noted what must be known
//! of them later.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::IpAddr;

use net::{Batch, Frame, Net, SegmentKind, Segments};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    IpProtocol, IpRepr, IpVersion, Ipv4Packet, Ipv6Packet, TcpControl, TcpPacket, TcpRepr,
    TcpSeqNumber,
};

use crate::address::Tuple;
use crate::emit::{Marks, TCP_CHECKSUM, checksums, plain_segment};
use crate::nagle::Nagle;
use crate::recovery::Recovery;
use crate::segment_size::SegmentSize;
use crate::twice::Twice;
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
    /// What the peer sent again that was there.
    twice: Twice,
    /// Where something may be lost.
    pub(crate) recovery: Option<Box<Recovery>>,
    /// The time of this turn.
    pub(crate) now: u64,
}

impl Outgoing {
    pub(crate) fn new(net: Arc<Net>, tuple: Tuple, size: SegmentSize, local: bool) -> Self {
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
            twice: Twice::default(),
            recovery: (!local).then(|| Recovery::new().into()),
            now: 0,
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

    /// Looks at a segment that arrived from a peer who goes on with the number `expected`, if its numbers are known.
    pub(crate) fn arriving(&mut self, segment: &mut [u8], expected: Option<TcpSeqNumber>) {
        let packet = TcpPacket::new_unchecked(&*segment);
        let taken = expected.is_none_or(|expected| self.is_taken(&packet, expected));
        let Some(recovery) = &mut self.recovery else {
            return;
        };
        if let Some(expected) = expected.filter(|_| recovery.is_selective()) {
            let start = packet.seq_number();
            let end = start + packet.payload().len();
            self.twice.arriving(start, end, expected);
        }
        if taken {
            recovery.arriving(segment, self.size.full().max(1), self.now);
        }
    }

    /// Whether smoltcp will take a segment, and with it what it acknowledges (RFC 9293 § 3.10.7.4).
    fn is_taken(&self, segment: &TcpPacket<&[u8]>, expected: TcpSeqNumber) -> bool {
        let limit = self.sent.1 + self.window.scaled(self.offered);
        let start = segment.seq_number();
        let len = segment.payload().len();
        let end = start + len;
        let begins = expected <= start && start < limit;
        let ends = expected < end && end <= limit && expected != limit;
        begins || ends || len == 0 && start == expected
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
        let mut bytes = [0; 40];
        let bytes = &mut bytes[..header.header_len()];
        header.emit(&mut *bytes, &checksums());
        self.write(bytes, &segment);
    }

    /// Takes a packet with a segment of smoltcp's, of which not all may have to leave.
    pub(crate) fn depart(&mut self, frame: Frame) {
        let packet = frame.payload();
        let segment = TcpPacket::new_unchecked(&packet[header_len(packet)..]);
        let (start, len) = (segment.seq_number(), segment.segment_len());
        let whole = match &mut self.recovery {
            Some(recovery) if segment.syn() => {
                recovery.begin(start + 1, self.now);
                true
            }
            Some(recovery) if len > 0 && !segment.rst() => {
                recovery.leaves(start, start + len, self.now)
            }
            _ => true,
        };
        if !whole {
            return self.depart_in_parts(frame, start + len);
        }
        if len == 0 && self.twice.is_known() {
            self.send_part(&frame, 0, 0, false);
            return self.net.pool().recycle(frame);
        }
        self.send(frame);
    }

    /// Sends of a segment that ends before `end` what is missing, or what else is new in it.
    #[cold]
    fn depart_in_parts(&mut self, frame: Frame, end: TcpSeqNumber) {
        let packet = frame.payload();
        let segment = TcpPacket::new_unchecked(&packet[header_len(packet)..]);
        let news = (segment.ack_number(), segment.window_len()) != (self.sent.1, self.offered);
        let (first, mut place) = (segment.seq_number(), segment.seq_number());
        while let Some((start, until)) = self
            .recovery
            .as_mut()
            .and_then(|recovery| recovery.take(place, end, self.now))
        {
            place = until;
            self.send_part(&frame, start - first, until - start, until == end);
        }
        if place == first && news {
            self.send_part(&frame, 0, 0, false);
        }
        self.sent.0 = self.sent.0.max(end);
        self.net.pool().recycle(frame);
    }

    /// Sends so much of a segment, from `offset` on; with its FIN if that is the last of it. What is empty tells what came
    /// twice (RFC 2883), by which the peer learns that nothing was lost.
    fn send_part(&mut self, frame: &Frame, offset: usize, len: usize, last: bool) {
        let packet = frame.payload();
        let (header, segment) = packet.split_at(header_len(packet));
        let (from, to) = (self.tuple.local.addr.into(), self.tuple.remote.addr.into());
        let segment = TcpPacket::new_unchecked(segment);
        let ignored = ChecksumCapabilities::ignored();
        let Ok(mut segment) = TcpRepr::parse(&segment, &from, &to, &ignored) else {
            return;
        };
        let behind = segment.payload.get(offset..).unwrap_or_default();
        segment.payload = &behind[..len.min(behind.len())];
        segment.seq_number += offset;
        if segment.control == TcpControl::Fin && !last {
            segment.control = TcpControl::None;
        }
        if len == 0
            && let Some(twice) = self.twice.take(segment.ack_number, segment.sack_ranges[0])
        {
            segment.sack_ranges = [Some(twice), segment.sack_ranges[0], None];
        }
        self.write(header, &segment);
    }

    /// Sends a segment behind a header that is right but for its length.
    fn write(&mut self, header: &[u8], segment: &TcpRepr<'_>) {
        let len = segment.buffer_len();
        // Without memory it is as good as lost.
        let Ok(mut frame) = self.net.pool().get(header.len() + len) else {
            return;
        };
        let (ip, tcp) = frame.payload_mut().split_at_mut(header.len());
        ip.copy_from_slice(header);
        if self.tuple.local.addr.is_ipv4() {
            let mut ip = Ipv4Packet::new_unchecked(ip);
            ip.set_total_len((header.len() + len) as u16);
            ip.fill_checksum();
        } else {
            Ipv6Packet::new_unchecked(ip).set_payload_len(len as u16);
        }
        let (from, to) = (self.tuple.local.addr.into(), self.tuple.remote.addr.into());
        segment.emit(&mut TcpPacket::new_unchecked(tcp), &from, &to, &checksums());
        self.send(frame);
    }

    /// Sends a packet.
    fn send(&mut self, mut frame: Frame) {
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
