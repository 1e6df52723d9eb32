//! Cutting up TCP segments in software, as a network card does it.

use base::Errno;
use smoltcp::wire::{Ipv4Packet, Ipv6Packet, TcpPacket, checksum};

use crate::input::IPV6_HEADER;
use crate::{Batch, Checksum, Frame, FramePool, SegmentKind};

/// Where the length of a TCP header is in it, in units of four bytes in the upper half.
const DATA_OFFSET: usize = 12;

/// The shortest IPv4 and TCP headers.
const LEAST_HEADER: usize = 20;

impl Frame {
    /// Where the payload of a TCP segment begins, whose checksum was left open.
    pub(crate) fn tcp_payload(&self) -> Option<usize> {
        let Checksum::Partial { start, .. } = self.checksum() else {
            return None;
        };
        let start = start as usize;
        let header_len = usize::from(self.payload().get(start + DATA_OFFSET)? >> 4) * 4;
        let fits = header_len >= LEAST_HEADER && start + header_len <= self.len();
        fits.then_some(start + header_len)
    }

    /// Length of the longest IP packet that this one, without a link's header, becomes on a link.
    pub fn longest_packet(&self) -> usize {
        match (self.segments(), self.tcp_payload()) {
            (Some(segments), Some(headers)) => {
                self.len().min(headers + usize::from(segments.size.get()))
            }
            _ => self.len(),
        }
    }

    /// Appends the segments that this one is to become to a batch, their checksums left open. The IP packet
    /// begins after `link_header` bytes. `EINVAL` for what is none; `ENOMEM`: some may be missing.
    ///
    /// The IP identification stays as it is: these packets are not to be cut into fragments, so it means
    /// nothing (RFC 6864 §4.1).
    pub(crate) fn cut(
        &self,
        pool: &FramePool,
        link_header: usize,
        pieces: &mut Batch,
    ) -> Result<(), Errno> {
        let (Some(segments), Some(headers), Checksum::Partial { start, offset }) =
            (self.segments(), self.tcp_payload(), self.checksum())
        else {
            return Err(Errno::EINVAL);
        };
        let start = start as usize;
        let ip_header = start.checked_sub(link_header).ok_or(Errno::EINVAL)?;
        let whole = self.payload();
        let sound = match segments.kind {
            SegmentKind::Tcp4 => {
                let words = usize::from(whole[link_header] & 0xf);
                words * 4 >= LEAST_HEADER && words * 4 <= ip_header
            }
            SegmentKind::Tcp6 => ip_header >= IPV6_HEADER,
        };
        if !sound || offset as usize + 2 > headers - start {
            return Err(Errno::EINVAL);
        }
        let size = usize::from(segments.size.get());
        let count = (whole.len() - headers).div_ceil(size);
        for (index, payload) in whole[headers..].chunks(size).enumerate() {
            let mut piece = pool.get(headers + payload.len())?;
            let bytes = piece.payload_mut();
            bytes[..headers].copy_from_slice(&whole[..headers]);
            bytes[headers..].copy_from_slice(payload);
            let ip_len = bytes.len() - link_header;
            match segments.kind {
                SegmentKind::Tcp4 => {
                    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[link_header..]);
                    packet.set_total_len(ip_len as u16);
                    packet.fill_checksum();
                }
                SegmentKind::Tcp6 => {
                    let mut packet = Ipv6Packet::new_unchecked(&mut bytes[link_header..]);
                    packet.set_payload_len((ip_len - IPV6_HEADER) as u16);
                }
            }
            let tcp_len = bytes.len() - start;
            let mut segment = TcpPacket::new_unchecked(&mut bytes[start..]);
            segment.set_seq_number(segment.seq_number() + index * size);
            if index > 0 {
                segment.set_cwr(false);
            }
            if index + 1 < count {
                segment.set_psh(false);
                segment.set_fin(false);
            }
            // The pseudo-header has the length of the segment.
            let place = &mut bytes[start + offset as usize..][..2];
            let before = u16::from_be_bytes([place[0], place[1]]);
            let lengths = [before, !((whole.len() - start) as u16), tcp_len as u16];
            place.copy_from_slice(&checksum::combine(&lengths).to_be_bytes());
            piece.set_checksum(self.checksum());
            pieces.push(piece);
        }
        Ok(())
    }
}
