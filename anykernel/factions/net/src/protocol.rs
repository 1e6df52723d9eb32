//! What a protocol above IP gives to the faction.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::Lwp;
use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

use crate::{Frame, Interface};

/// What the faction found in an IP packet's headers.
#[derive(Clone, Copy, Debug)]
pub struct IpInfo {
    /// The sender.
    pub src: IpAddr,
    /// The receiver: an address of ours, or one that means many (see `to_many`).
    pub dst: IpAddr,
    /// The number of the protocol above, `IPPROTO_…`.
    pub protocol: u8,
    /// Where its header begins in the frame's payload.
    pub payload_offset: usize,
    /// How many more hops the packet was allowed to go.
    pub hop_limit: u8,
    /// The packet was sent to a broadcast or multicast address.
    pub to_many: bool,
    /// It came in pieces, which were put together.
    pub in_pieces: bool,
}

impl IpInfo {
    /// Reads the header of an IP packet, of which only the addresses are sure to be sane: a packet of ours, or one
    /// that was looked at before. Nothing, if it is not even whole.
    pub fn read(packet: &[u8]) -> Option<Self> {
        let (src, dst, protocol, payload_offset, hop_limit) = match packet.first()? >> 4 {
            4 => {
                let header = Ipv4Packet::new_checked(packet).ok()?;
                let offset = usize::from(header.header_len());
                let (src, dst) = (header.src_addr().into(), header.dst_addr().into());
                let protocol = header.next_header();
                (src, dst, protocol, offset, header.hop_limit())
            }
            6 => {
                let header = Ipv6Packet::new_checked(packet).ok()?;
                let (src, dst) = (header.src_addr().into(), header.dst_addr().into());
                let protocol = header.next_header();
                (src, dst, protocol, header.header_len(), header.hop_limit())
            }
            _ => return None,
        };
        Some(IpInfo {
            src,
            dst,
            protocol: protocol.into(),
            payload_offset,
            hop_limit,
            to_many: false,
            in_pieces: false,
        })
    }
}

/// Where IP packets for this host go.
pub trait IpReceiver: Send + Sync {
    /// Takes a packet. The frame's payload is the IP packet, whole (reassembled) and no longer than
    /// its header says; version and lengths are good, and so is the header's checksum. The
    /// checksum of the protocol above is the receiver's concern, unless it [is known to be
    /// good](crate::Checksum::is_good).
    ///
    /// Called with the lock of a sending connection held: it only queues, and takes no lock but
    /// leaves. The buffer goes back to [`Net::pool`](crate::Net::pool) when it is done with.
    fn receive(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, frame: Frame, info: IpInfo);

    /// Processes what was queued. Called after a batch, with no lock held.
    fn settle(&self, lwp: &Lwp<'_>);

    /// Gets back an IP packet it had sent, or a fragment of one, whose next hop does not answer. Called
    /// with no lock held; [`settle`](Self::settle) follows.
    fn unreachable(&self, lwp: &Lwp<'_>, packet: Frame) {
        let _ = (lwp, packet);
    }
}
