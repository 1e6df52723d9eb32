//! Segments longer than the link's packets, for links that cut them up.
//!
//! smoltcp has a hook for such devices, but as of 0.14 drops what is longer than the device's MTU over IPv6.
//! So a connection's device claims the longest packet that its link cuts up as its MTU, and the two places
//! where that would show are set right: the segment size that our SYN offers, and the one that the peer's
//! SYN asks for, which limits smoltcp in all that counts in segments (Nagle's algorithm, the congestion
//! window, delayed acknowledgements).

use core::num::NonZeroU16;

use smoltcp::wire::{TCP_HEADER_LEN, TcpPacket};

/// Bytes in a segment to a peer that does not say (RFC 9293 §3.7.1).
const DEFAULT: u16 = 536;

/// Bytes in a segment to a peer that asks for fewer, as smoltcp has it.
const LEAST: u16 = 48;

/// The number of the option, and its length.
const MAXIMUM_SEGMENT_SIZE: [u8; 2] = [2, 4];

/// How much a connection's segments carry.
pub(crate) struct SegmentSize {
    /// What a packet of the link has room for.
    ours: u16,
    /// What is sent in one segment on the wire.
    sent: u16,
}

impl SegmentSize {
    /// For packets of `mtu` bytes with IP headers of `ip_header`.
    pub(crate) fn new(mtu: usize, ip_header: usize) -> Self {
        let room = mtu.saturating_sub(ip_header + TCP_HEADER_LEN);
        let ours = u16::try_from(room).unwrap_or(u16::MAX).max(LEAST);
        SegmentSize {
            ours,
            sent: DEFAULT.min(ours),
        }
    }

    /// Has segments leave in packets of up to `mtu` bytes, if that is less than before.
    pub(crate) fn shorten(&mut self, mtu: usize, ip_header: usize) {
        let room = mtu.saturating_sub(ip_header + TCP_HEADER_LEN);
        let room = u16::try_from(room).unwrap_or(u16::MAX).max(LEAST);
        self.sent = self.sent.min(room);
    }

    /// The most that a packet of up to `longest` bytes carries in whole segments; with its headers.
    pub(crate) fn whole(&self, longest: usize, ip_header: usize) -> usize {
        let headers = ip_header + TCP_HEADER_LEN;
        let size = usize::from(self.ours);
        longest.saturating_sub(headers) / size * size + headers
    }

    /// Looks at a segment that arrived: smoltcp shall not send the peer more at a time than a packet of
    /// the link holds.
    pub(crate) fn arriving(&mut self, segment: &mut [u8]) {
        let Some(place) = on_syn(segment) else {
            return;
        };
        self.sent = place.map_or(DEFAULT.min(self.ours), |place| {
            let size = u16::from_be_bytes(*place).clamp(LEAST, self.ours);
            *place = size.to_be_bytes();
            size
        });
    }

    /// Adjusts a segment that leaves, before its checksum is computed.
    pub(crate) fn leaving(&self, segment: &mut [u8]) {
        if let Some(Some(place)) = on_syn(segment) {
            *place = self.ours.to_be_bytes();
        }
    }

    /// Bytes in a full segment.
    pub(crate) fn full(&self) -> usize {
        self.sent.into()
    }

    /// The payload of each segment that one with `payload` bytes is to be cut up into, if it is.
    pub(crate) fn cut(&self, payload: usize) -> Option<NonZeroU16> {
        let size = NonZeroU16::new(self.sent)?;
        (payload > usize::from(self.sent)).then_some(size)
    }
}

/// The place of the maximum segment size, if it is there, in a segment that is a SYN.
fn on_syn(segment: &mut [u8]) -> Option<Option<&mut [u8; 2]>> {
    let header_len = match TcpPacket::new_checked(&*segment) {
        Ok(packet) if packet.syn() => usize::from(packet.header_len()),
        _ => return None,
    };
    let mut options = segment.get_mut(TCP_HEADER_LEN..header_len)?;
    loop {
        options = match *options {
            [0, ..] | [] => return Some(None),
            [1, ..] => &mut options[1..],
            [kind, len, ..] if [kind, len] == MAXIMUM_SEGMENT_SIZE => {
                return Some(options.get_mut(2..4)?.try_into().ok());
            }
            [_, len, ..] if len >= 2 => options.get_mut(usize::from(len)..)?,
            _ => return Some(None),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{IpAddress, TcpControl, TcpRepr, TcpSeqNumber};

    const HERE: IpAddress = IpAddress::v4(10, 0, 0, 1);

    fn syn(max_seg_size: Option<u16>, control: TcpControl) -> ([u8; 60], usize) {
        let repr = TcpRepr {
            src_port: 1,
            dst_port: 2,
            control,
            seq_number: TcpSeqNumber(5),
            ack_number: None,
            window_len: 1000,
            window_scale: Some(3),
            max_seg_size,
            sack_permitted: true,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: b"",
        };
        let mut bytes = [0; 60];
        let len = repr.buffer_len();
        let mut packet = TcpPacket::new_unchecked(&mut bytes[..len]);
        repr.emit(&mut packet, &HERE, &HERE, &ChecksumCapabilities::ignored());
        (bytes, len)
    }

    fn said(bytes: &[u8]) -> Option<u16> {
        let packet = TcpPacket::new_checked(bytes).unwrap();
        let checksums = ChecksumCapabilities::ignored();
        TcpRepr::parse(&packet, &HERE, &HERE, &checksums)
            .unwrap()
            .max_seg_size
    }

    #[test]
    fn a_syn_offers_what_the_link_carries_and_asks_for_no_more() {
        let mut size = SegmentSize::new(1500, 20);
        for (asked, sent) in [(9000, 1460), (1400, 1400), (1, 48), (0, 48)] {
            let (mut bytes, len) = syn(Some(asked), TcpControl::Syn);
            size.arriving(&mut bytes[..len]);
            assert_eq!(said(&bytes[..len]), Some(sent));
            assert_eq!(size.cut(usize::from(sent)), None);
            assert_eq!(size.cut(2000).map(NonZeroU16::get), Some(sent));
        }
        let (mut bytes, len) = syn(Some(65495), TcpControl::Syn);
        size.leaving(&mut bytes[..len]);
        assert_eq!(said(&bytes[..len]), Some(1460));
    }

    #[test]
    fn without_the_option_the_least_that_everybody_takes_is_sent() {
        let mut size = SegmentSize::new(1500, 40);
        let (mut bytes, len) = syn(None, TcpControl::Syn);
        size.arriving(&mut bytes[..len]);
        assert_eq!(size.cut(1000).map(NonZeroU16::get), Some(536));
    }

    #[test]
    fn only_a_syn_is_looked_at_and_broken_options_are_left_alone() {
        let mut size = SegmentSize::new(1500, 20);
        let (before, len) = syn(Some(9000), TcpControl::None);
        let mut bytes = before;
        size.arriving(&mut bytes[..len]);
        assert_eq!(bytes, before);
        for option in [[2, 4, 9, 9], [3, 0, 1, 1], [3, 1, 1, 1], [1, 1, 1, 3]] {
            for end in 1..4 {
                let (mut bytes, _) = syn(Some(9000), TcpControl::Syn);
                bytes[12] = 0x60;
                bytes[20..24].fill(0);
                bytes[20..20 + end].copy_from_slice(&option[..end]);
                size.arriving(&mut bytes[..24]);
                size.leaving(&mut bytes[..24]);
            }
        }
    }

    #[test]
    fn long_packets_hold_whole_segments() {
        let size = SegmentSize::new(1500, 20);
        assert_eq!(size.whole(65535, 20), 44 * 1460 + 40);
        assert_eq!(size.whole(1500, 20), 1500);
        assert_eq!(SegmentSize::new(1280, 40).whole(65535, 40), 53 * 1220 + 60);
    }
}
