//! Checksums of the protocols above IP: what is known of a frame's, and computing it when nobody after
//! us will.
//!
//! A sender of ours leaves the checksum open, since what stays in this machine needs none and many links
//! compute it themselves. It is completed where the packet first meets something that needs it: a link
//! that cannot, a fragment, a capture.

use core::net::IpAddr;

use smoltcp::wire::checksum;

use crate::Frame;

/// What is known of the checksum that a packet's protocol above IP has. (IPv4's own is always there.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// It is there, and whoever receives the packet verifies it.
    #[default]
    Present,
    /// The link verified it.
    Verified,
    /// The packet never left the machine it was made in: nobody verifies it. In the place of the
    /// checksum, `offset` bytes from `start`, is the sum of the pseudo-header; the sum of everything from
    /// `start` on completes it. `start` counts from the beginning of the frame's content.
    Partial {
        /// Where the header of the protocol begins.
        start: u32,
        /// Where in it the checksum is.
        offset: u32,
    },
}

impl Checksum {
    /// Whether nobody needs to verify it.
    #[inline]
    pub fn is_good(self) -> bool {
        self != Checksum::Present
    }
}

impl Frame {
    /// Leaves the checksum of a TCP segment or UDP datagram open. It begins `start` bytes into the content,
    /// goes to its end, and has its checksum at `offset`; `protocol` is its `IPPROTO_…` number.
    ///
    /// # Panics
    ///
    /// If the content does not reach as far as the checksum.
    pub fn leave_checksum(
        &mut self,
        start: usize,
        offset: usize,
        src: IpAddr,
        dst: IpAddr,
        protocol: u8,
    ) {
        let len = (self.len() - start) as u32;
        let sum = checksum::pseudo_header(&src.into(), &dst.into(), protocol.into(), len);
        let at = start + offset;
        self.payload_mut()[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        self.set_checksum(Checksum::Partial {
            start: start as u32,
            offset: offset as u32,
        });
    }

    /// Computes a checksum that was left open.
    pub fn complete_checksum(&mut self) {
        let Some((at, sum)) = self.completion() else {
            return;
        };
        if let Some(place) = self.payload_mut().get_mut(at..at + 2) {
            place.copy_from_slice(&sum);
        }
        self.set_checksum(Checksum::Present);
    }

    /// What would complete the checksum, and where in the content, if it was left open.
    pub(crate) fn completion(&self) -> Option<(usize, [u8; 2])> {
        let Checksum::Partial { start, offset } = self.checksum() else {
            return None;
        };
        let summed = self.payload().get(start as usize..)?;
        let sum = match !checksum::data(summed) {
            // In UDP zero means that there is none; elsewhere both mean the same (RFC 768).
            0 => 0xffff,
            sum => sum,
        };
        Some((start as usize + offset as usize, sum.to_be_bytes()))
    }
}
