//! What a driver of a network link gives to the faction.

use alloc::sync::Arc;

use base::Lwp;

use crate::{Batch, Frame, Interface, Net, Offloads};

/// What frames of a link begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// An Ethernet header (without preamble and checksum).
    Ethernet,
    /// An IPv4 or IPv6 header.
    Ip,
}

/// A link, such as a network card. It becomes an [`Interface`] by [`Net::attach`], and hands over what
/// it receives with [`Net::receive`], having said of each frame what the hardware said of it
/// ([`Frame::set_offload`]).
pub trait Link: Send + Sync {
    /// What its frames begin with.
    fn medium(&self) -> Medium;

    /// Largest IP packet it carries, in bytes.
    fn mtu(&self) -> usize;

    /// Its hardware address, if it came with one.
    fn address(&self) -> Option<[u8; 6]> {
        None
    }

    /// Whether what is sent comes back: such a link carries what the kernel sends to itself.
    fn is_loopback(&self) -> bool {
        false
    }

    /// What it does for the frames it sends. It is given no frame that asks for more.
    fn offloads(&self) -> Offloads {
        Offloads::default()
    }

    /// Sends frames in order. Frames it leaves in the batch were not taken and count as dropped;
    /// the buffers of those it took it gives back to [`Net::pool`]. Called by one thread at a time,
    /// with no lock held.
    fn transmit(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, frames: &mut Batch);

    /// Sends one frame at once, without a queue and in the order of the calls, which may come with
    /// the lock of a connection held. Links for which that is no gain give the frame back.
    fn transmit_now(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        frame: Frame,
    ) -> Option<Frame> {
        let _ = (lwp, net, interface);
        Some(frame)
    }
}
