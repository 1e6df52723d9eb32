//! Links that carry Ethernet frames.

use crate::{Bytes, Segments, SegmentsMut, Upcall, group};

/// What a host link is like.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkInfo {
    /// A hardware address to use at our end of the link; all zero: choose one.
    pub address: [u8; 6],
    /// Largest payload of a frame, in bytes, without the Ethernet header.
    pub mtu: u32,
}

group! {
    /// Ethernet frames in and out of a link of the host.
    ///
    /// Links are named by URL: the scheme says what kind of link, the platform's manifest which
    /// kinds there are.
    pub trait Frames as frames {
        /// Opens the link `url`, fills in `info` and returns a handle, or a negated error number.
        /// `arrived` is called, in any context, when frames wait, and again only after
        /// [`receive`](Frames::receive) had found none.
        fn open(url: Bytes<'_>, info: &mut LinkInfo, arrived: Upcall) -> i64;
        /// Fills buffers with waiting frames, one each, and returns how many. Fewer than offered:
        /// no more wait. A frame too long for its buffer is dropped.
        fn receive(link: u64, buffers: SegmentsMut<'_, '_>) -> usize;
        /// Sends frames in order and returns how many the link took.
        fn transmit(link: u64, frames: Segments<'_, '_>) -> usize;
        /// Closes the link. When this returns, no upcall is under way and none will come.
        fn close(link: u64);
    }
}
