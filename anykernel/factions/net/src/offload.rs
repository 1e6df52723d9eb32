//! Work on frames that a link may do: completing checksums, cutting up TCP segments. What it cannot is
//! done here, at the last moment and for a whole batch.

use core::num::NonZeroU16;

use hypercall::Offload;

use crate::{Batch, Checksum, Frame, FramePool, Reason};

/// What a link does for the frames it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// It completes checksums that were left open ([`Checksum::Partial`]).
    pub checksum: bool,
    /// The longest IPv4 packet, in bytes, whose TCP segment it cuts up ([`Segments`]); zero: it cuts up
    /// none. Such a packet's checksum is left open too.
    pub tcp4: usize,
    /// The same for IPv6.
    pub tcp6: usize,
}

/// What a TCP segment that is longer than the link's MTU becomes on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// What carries it.
    pub kind: SegmentKind,
    /// Bytes of payload in each segment but the last.
    pub size: NonZeroU16,
}

/// What carries a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// IPv4.
    Tcp4,
    /// IPv6.
    Tcp6,
}

impl Frame {
    /// What a link has to be told about a frame it is to send.
    pub fn offload(&self) -> Offload {
        let Checksum::Partial { start, offset } = self.checksum() else {
            return Offload::default();
        };
        let mut offload = Offload {
            flags: Offload::NEEDS_CHECKSUM,
            checksum_start: start as u16,
            checksum_offset: offset as u16,
            ..Offload::default()
        };
        if let Some(segments) = self.segments() {
            offload.segment_kind = match segments.kind {
                SegmentKind::Tcp4 => Offload::TCP4,
                SegmentKind::Tcp6 => Offload::TCP6,
            };
            offload.segment_size = segments.size.get();
            offload.header_len = self.tcp_payload().unwrap_or(0) as u16;
        }
        offload
    }

    /// Takes over what a link said about a frame it received, whose length is set. `Err`, if that cannot
    /// be true of the frame: it is to be dropped and counted.
    pub fn set_offload(&mut self, offload: &Offload) -> Result<(), Reason> {
        let len = self.len();
        let end = usize::from(offload.checksum_start) + usize::from(offload.checksum_offset) + 2;
        let checksum = match offload.flags {
            flags if flags & Offload::NEEDS_CHECKSUM != 0 && end > len => {
                return Err(Reason::Malformed);
            }
            flags if flags & Offload::NEEDS_CHECKSUM != 0 => Checksum::Partial {
                start: offload.checksum_start.into(),
                offset: offload.checksum_offset.into(),
            },
            flags if flags & Offload::CHECKSUM_GOOD != 0 => Checksum::Verified,
            _ => Checksum::Present,
        };
        let kind = match offload.segment_kind & !Offload::ECN {
            0 => None,
            Offload::TCP4 => Some(SegmentKind::Tcp4),
            Offload::TCP6 => Some(SegmentKind::Tcp6),
            _ => return Err(Reason::Malformed),
        };
        let segments = match (kind, NonZeroU16::new(offload.segment_size)) {
            (None, _) => None,
            (Some(_), None) => return Err(Reason::Malformed),
            (Some(_), _) if usize::from(offload.header_len) > len => return Err(Reason::Malformed),
            (Some(kind), Some(size)) => Some(Segments { kind, size }),
        };
        self.set_checksum(checksum);
        self.set_segments(segments);
        Ok(())
    }
}

impl Offloads {
    /// Does what the link does not. `link_header` is the length of its header in front of the IP packets.
    /// Returns how many frames were lost for want of memory.
    pub(crate) fn prepare(&self, pool: &FramePool, link_header: usize, batch: &mut Batch) -> usize {
        let mut lost = 0;
        if batch.iter().any(|frame| self.must_cut(frame, link_header)) {
            for frame in core::mem::take(batch) {
                if !self.must_cut(&frame, link_header) {
                    batch.push(frame);
                    continue;
                }
                if frame.cut(pool, link_header, batch).is_err() {
                    lost += 1;
                }
                pool.recycle(frame);
            }
        }
        if !self.checksum {
            batch.iter_mut().for_each(Frame::complete_checksum);
        }
        lost
    }

    fn must_cut(&self, frame: &Frame, link_header: usize) -> bool {
        let longest = match frame.segments().map(|segments| segments.kind) {
            None => return false,
            Some(SegmentKind::Tcp4) => self.tcp4,
            Some(SegmentKind::Tcp6) => self.tcp6,
        };
        !self.checksum || frame.len().saturating_sub(link_header) > longest
    }
}

#[cfg(test)]
mod tests;
