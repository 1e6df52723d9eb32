//! The network card that a connection's smoltcp interface believes it has: one packet in, packets out.

use alloc::sync::Arc;
use alloc::vec;
use core::num::NonZeroUsize;

use net::{Frame, Net};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{TcpPacket, TcpSeqNumber};

use crate::address::Tuple;
use crate::blind::{Place, defuse, is_odd};
use crate::connection::Path;
use crate::emit::checksums;
use crate::outgoing::{Outgoing, header_len};
use crate::segment_size::SegmentSize;

/// Where segments of one connection come from and go to.
pub(crate) struct Device {
    net: Arc<Net>,
    /// The longest packet of the link, and the longest that it cuts up into such, if it does.
    mtu: usize,
    longest: Option<NonZeroUsize>,
    ip_header: usize,
    arriving: Option<Frame>,
    /// The number after the peer's SYN, and then after all that the program read.
    pub(crate) unread: TcpSeqNumber,
    pub(crate) out: Outgoing,
}

impl Device {
    /// For the way of a connection.
    pub(crate) fn new(net: Arc<Net>, tuple: Tuple, path: &Path) -> Self {
        let (mtu, longest) = (path.mtu, path.longest);
        let ip_header = if tuple.local.addr.is_ipv4() { 20 } else { 40 };
        let size = SegmentSize::new(mtu, ip_header);
        Device {
            net: net.clone(),
            mtu,
            longest: NonZeroUsize::new(size.whole(longest, ip_header))
                .filter(|longest| longest.get() > mtu),
            ip_header,
            arriving: None,
            unread: TcpSeqNumber(0),
            out: Outgoing::new(net, tuple, size, path.local),
        }
    }

    /// Offers an IP packet with a good TCP segment to the next poll. `place` says of a connection, if its numbers are known,
    /// with which the peer goes on, given that of what is unread, and how many bytes it may send. Returns whether the segment
    /// is one that on another link would be several.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        mut frame: Frame,
        place: impl Fn(TcpSeqNumber) -> Option<(TcpSeqNumber, usize)>,
    ) -> bool {
        let out = &mut self.out;
        let header = header_len(frame.payload());
        let segment = frame.payload_mut().get_mut(header..).unwrap_or_default();
        if let Ok(packet) = TcpPacket::new_checked(&*segment) {
            if is_odd(&packet, out.sent.0)
                && let Some((expected, window)) = place(self.unread)
            {
                let place = Place {
                    expected,
                    window,
                    confirmed: out.nagle.confirmed(),
                    sent: out.sent.0,
                };
                defuse(segment, &place);
            }
            let packet = TcpPacket::new_unchecked(&*segment);
            out.nagle.arriving(&packet);
            if packet.syn() {
                self.unread = packet.seq_number() + 1;
                out.window.arriving(segment);
                out.size.arriving(segment);
            }
            if out.recovery.is_some() {
                let expected = place(self.unread).map(|(expected, _)| expected);
                out.arriving(segment, expected);
            }
        }
        let long = out.size.cut(segment.len()).is_some();
        self.arriving = Some(frame);
        long
    }

    /// Has segments leave in packets of up to `mtu` bytes from now on.
    pub(crate) fn shorten(&mut self, mtu: usize) {
        self.out.size.shorten(mtu, self.ip_header);
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
        Some((receiver, Sender(&mut self.out)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        Some(Sender(&mut self.out))
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
pub(crate) struct Sender<'a>(&'a mut Outgoing);

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let Ok(mut frame) = self.0.net.pool().get(len) else {
            // Written, and lost: TCP sends it again when there may be memory again.
            return f(&mut vec![0; len]);
        };
        let result = f(frame.payload_mut());
        self.0.depart(frame);
        result
    }
}
