//! The network card that a connection's smoltcp interface believes it has: one packet in, packets out.

use alloc::sync::Arc;
use alloc::vec;
use core::net::IpAddr;
use core::num::NonZeroUsize;

use net::{Batch, Frame, Net, SegmentKind, Segments};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{IpProtocol, IpVersion, TcpPacket, TcpSeqNumber};

use crate::address::Tuple;
use crate::emit::{TCP_CHECKSUM, checksums};
use crate::nagle::Nagle;
use crate::segment_size::SegmentSize;
use crate::window::WindowGuard;

/// Where segments of one connection come from and go to.
pub(crate) struct Device {
    net: Arc<Net>,
    /// The longest packet of the link, and the longest that it cuts up into such, if it does.
    mtu: usize,
    longest: Option<NonZeroUsize>,
    tuple: Tuple,
    arriving: Option<Frame>,
    /// What is to be sent.
    pub(crate) leaving: Batch,
    window: WindowGuard,
    size: SegmentSize,
    pub(crate) nagle: Nagle,
    /// The number after all that left, and what was acknowledged last.
    pub(crate) sent: (TcpSeqNumber, TcpSeqNumber),
}

impl Device {
    /// For a link with packets of `mtu` bytes, which cuts up TCP segments in packets of up to `longest`.
    pub(crate) fn new(net: Arc<Net>, tuple: Tuple, mtu: usize, longest: usize) -> Self {
        let ip_header = if tuple.local.addr.is_ipv4() { 20 } else { 40 };
        let size = SegmentSize::new(mtu, ip_header);
        Device {
            net,
            tuple,
            mtu,
            longest: NonZeroUsize::new(size.whole(longest, ip_header))
                .filter(|longest| longest.get() > mtu),
            arriving: None,
            leaving: Batch::new(),
            window: WindowGuard::default(),
            size,
            nagle: Nagle::default(),
            sent: (TcpSeqNumber(0), TcpSeqNumber(0)),
        }
    }

    /// Offers an IP packet with a good TCP segment to the next poll. Returns whether it is one that on another link
    /// would be several.
    pub(crate) fn arrive(&mut self, mut frame: Frame) -> bool {
        let header = header_len(frame.payload());
        let segment = frame.payload_mut().get_mut(header..).unwrap_or_default();
        self.window.arriving(segment);
        self.size.arriving(segment);
        self.nagle.arriving(segment);
        let long = self.size.cut(segment.len()).is_some();
        self.arriving = Some(frame);
        long
    }

    /// Whether the segment with this number has left and was not confirmed.
    pub(crate) fn is_in_flight(&self, number: TcpSeqNumber) -> bool {
        number >= self.nagle.confirmed() && number < self.sent.0
    }

    /// Has segments leave in packets of up to `mtu` bytes from now on.
    pub(crate) fn shorten(&mut self, mtu: usize) {
        let ip_header = if self.tuple.local.addr.is_ipv4() {
            20
        } else {
            40
        };
        self.size.shorten(mtu, ip_header);
    }

    fn sender(&mut self) -> Sender<'_> {
        Sender {
            net: &self.net,
            tuple: &self.tuple,
            leaving: &mut self.leaving,
            window: &mut self.window,
            size: &self.size,
            nagle: &mut self.nagle,
            sent: &mut self.sent,
        }
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
fn header_len(packet: &[u8]) -> usize {
    match IpVersion::of_packet(packet) {
        Ok(IpVersion::Ipv4) => usize::from(packet[0] & 0xf) * 4,
        _ => 40,
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Receiver<'a>;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Receiver<'_>, Sender<'_>)> {
        let frame = self.arriving.take()?;
        let receiver = Receiver {
            net: &self.net,
            frame,
        };
        let sender = Sender {
            net: &self.net,
            tuple: &self.tuple,
            leaving: &mut self.leaving,
            window: &mut self.window,
            size: &self.size,
            nagle: &mut self.nagle,
            sent: &mut self.sent,
        };
        Some((receiver, sender))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        Some(self.sender())
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.longest.map_or(self.mtu, NonZeroUsize::get);
        capabilities.segmentation.tcpv4 = self.longest;
        capabilities.segmentation.tcpv6 = self.longest;
        capabilities.checksum = checksums();
        capabilities
    }
}

/// A packet on its way to smoltcp.
pub(crate) struct Receiver<'a> {
    net: &'a Net,
    frame: Frame,
}

impl phy::RxToken for Receiver<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let result = f(self.frame.payload());
        self.net.pool().recycle(self.frame);
        result
    }
}

/// A place for a packet of smoltcp's.
pub(crate) struct Sender<'a> {
    net: &'a Net,
    tuple: &'a Tuple,
    leaving: &'a mut Batch,
    window: &'a mut WindowGuard,
    size: &'a SegmentSize,
    nagle: &'a mut Nagle,
    sent: &'a mut (TcpSeqNumber, TcpSeqNumber),
}

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let Ok(mut frame) = self.net.pool().get(len) else {
            // Written, and lost: TCP sends it again when there may be memory again.
            return f(&mut vec![0; len]);
        };
        let result = f(frame.payload_mut());
        let packet = frame.payload_mut();
        let header = header_len(packet);
        let segment = TcpPacket::new_unchecked(&packet[header..]);
        self.nagle.leaving(&segment, self.size.full());
        let next = segment.seq_number() + segment.segment_len();
        if segment.syn() || next > self.sent.0 {
            self.sent.0 = next;
        }
        self.sent.1 = segment.ack_number();
        let payload = segment.payload().len();
        say_where_we_are(&mut packet[header..], self.sent.0);
        self.window.leaving(&mut packet[header..]);
        self.size.leaving(&mut packet[header..]);
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
        result
    }
}
