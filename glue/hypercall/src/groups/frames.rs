//! Links that carry frames: Ethernet's, or bare IP packets.

use crate::{Bytes, Segments, SegmentsMut, Upcall, group};

/// What a host link is like.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkInfo {
    /// A hardware address to use at our end of the link; all zero: choose one.
    pub address: [u8; 6],
    /// What its frames are: [`ETHERNET`](Self::ETHERNET) or [`IP`](Self::IP).
    pub medium: u32,
    /// Largest payload of a frame, in bytes, without the Ethernet header.
    pub mtu: u32,
    /// What the link does for frames that are sent: the sum of [`CHECKSUM`](Self::CHECKSUM),
    /// [`TCP4`](Self::TCP4) and [`TCP6`](Self::TCP6). A frame asks for nothing else.
    pub offloads: u32,
    /// Longest payload of a frame to be sent that the link then cuts up, in bytes.
    pub longest_sent: u32,
    /// Longest payload of a frame that is received, in bytes; less than the MTU counts as the MTU.
    pub longest_received: u32,
}

impl LinkInfo {
    /// Frames begin with an Ethernet header.
    pub const ETHERNET: u32 = 0;
    /// Frames are IP packets, without a header in front.
    pub const IP: u32 = 1;
    /// It completes checksums: [`Offload::NEEDS_CHECKSUM`].
    pub const CHECKSUM: u32 = 1;
    /// It cuts up TCP segments over IPv4: [`Offload::TCP4`].
    pub const TCP4: u32 = 2;
    /// It cuts up TCP segments over IPv6: [`Offload::TCP6`].
    pub const TCP6: u32 = 4;
}

/// What goes with a frame beside its bytes: the work on it that is left to others. All zero: none.
///
/// These are the facts, in the layout, of virtio's `struct virtio_net_hdr` (virtio 1.2 §5.1.6) up to
/// `csum_offset`, in the machine's byte order. Whoever gets one from outside checks it against the frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// [`NEEDS_CHECKSUM`](Self::NEEDS_CHECKSUM), or [`CHECKSUM_GOOD`](Self::CHECKSUM_GOOD), or zero.
    pub flags: u8,
    /// What the frame is to be cut up into: zero, [`TCP4`](Self::TCP4) or [`TCP6`](Self::TCP6), and
    /// possibly [`ECN`](Self::ECN).
    pub segment_kind: u8,
    /// Bytes of all headers that each piece gets, as a hint.
    pub header_len: u16,
    /// Bytes of TCP payload in each piece but the last.
    pub segment_size: u16,
    /// Where in the frame the bytes begin that the checksum is the sum of.
    pub checksum_start: u16,
    /// Where from there the checksum belongs; the sum of the pseudo-header is there already.
    pub checksum_offset: u16,
}

impl Offload {
    /// The checksum is not computed yet, but for the pseudo-header.
    pub const NEEDS_CHECKSUM: u8 = 1;
    /// The checksum was verified.
    pub const CHECKSUM_GOOD: u8 = 2;
    /// TCP over IPv4.
    pub const TCP4: u8 = 1;
    /// TCP over IPv6.
    pub const TCP6: u8 = 4;
    /// Of the pieces only the first has the flag CWR (RFC 3168 §6.1.2).
    pub const ECN: u8 = 0x80;
}

group! {
    /// Frames in and out of a link of the host.
    ///
    /// Links are named by URL: the scheme says what kind of link, the platform's manifest which
    /// kinds there are. Work on frames that a link can do (its [`LinkInfo`]) is left to it with each
    /// frame's [`Offload`]; of what it receives it may say that work was left out or done already.
    pub trait Frames as frames {
        /// Opens the link `url`, fills in `info` and returns a handle, or a negated error number.
        /// `arrived` is called when frames wait, and again only after [`receive`](Frames::receive) had found
        /// none; and when the [`carrier`](Frames::carrier) comes or goes. By any thread, also one that is in
        /// another hypercall, but from no interrupt handler.
        fn open(url: Bytes<'_>, info: &mut LinkInfo, arrived: Upcall) -> i64;
        /// Fills buffers with waiting frames, one each, and returns how many. Fewer than offered:
        /// no more wait. A frame too long for its buffer is dropped.
        fn receive(link: u64, buffers: SegmentsMut<'_, '_>) -> usize;
        /// Sends frames in order and returns how many the link took.
        fn transmit(link: u64, frames: Segments<'_, '_>) -> usize;
        /// Whether somebody is at the other end. A host that does not know says so always.
        fn carrier(link: u64) -> bool;
        /// Closes the link. When this returns, no upcall is under way and none will come.
        fn close(link: u64);
    }
}
