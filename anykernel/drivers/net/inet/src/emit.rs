//! Packets that no connection makes: datagrams, and what the kernel says by itself.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Errno, Lwp};
use net::{Frame, Interface};
use smoltcp::phy::{Checksum, ChecksumCapabilities};
use smoltcp::wire::{
    IpProtocol, IpRepr, IpVersion, Ipv4Packet, Ipv6Packet, TcpControl, TcpPacket, TcpRepr,
    TcpSeqNumber,
};

use crate::inet::{Inet, Packet};
use crate::random;

/// What an IP header says.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) protocol: IpProtocol,
    pub(crate) hop_limit: u8,
    pub(crate) marks: Marks,
}

impl Header {
    /// Of an answer to a packet, from the address it was sent to.
    pub(crate) fn reply(packet: &Packet, protocol: IpProtocol) -> Self {
        Header {
            src: packet.info.dst,
            dst: packet.info.src,
            protocol,
            hop_limit: crate::options::HOP_LIMIT,
            marks: Marks::default(),
        }
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        if self.src.is_ipv4() { 20 } else { 40 }
    }
}

/// Where the checksum is in a TCP header, and in a UDP header.
pub(crate) const TCP_CHECKSUM: usize = 16;
pub(crate) const UDP_CHECKSUM: usize = 6;

/// Which checksums smoltcp computes, and verifies: those of headers and of ICMP. TCP's and UDP's are left
/// open; what is to be verified was before a packet gets to smoltcp.
pub(crate) fn checksums() -> ChecksumCapabilities {
    let mut checksums = ChecksumCapabilities::ignored();
    checksums.ipv4 = Checksum::Tx;
    checksums.icmpv4 = Checksum::Tx;
    checksums.icmpv6 = Checksum::Tx;
    checksums
}

/// A segment that says nothing yet.
pub(crate) fn plain_segment(src_port: u16, dst_port: u16) -> TcpRepr<'static> {
    TcpRepr {
        src_port,
        dst_port,
        control: TcpControl::None,
        seq_number: TcpSeqNumber(0),
        ack_number: None,
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    }
}

/// What a packet's header says beside the usual.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    /// The class of traffic, and congestion (RFC 2474, RFC 3168).
    pub(crate) class: u8,
    /// Routers may cut it up. Of IPv4 only: they never do that with IPv6's.
    pub(crate) may_be_cut: bool,
}

impl Marks {
    /// Writes them into the header of a packet that has the usual ones.
    pub(crate) fn put(self, packet: &mut [u8]) {
        if self.class == 0 && !self.may_be_cut {
            return;
        }
        match IpVersion::of_packet(packet) {
            Ok(IpVersion::Ipv4) => {
                let mut header = Ipv4Packet::new_unchecked(packet);
                header.set_dscp(self.class >> 2);
                header.set_ecn(self.class & 3);
                if self.may_be_cut {
                    header.set_dont_frag(false);
                    // The pieces must be told from those of other packets (RFC 6864 § 4.2).
                    header.set_ident(random() as u16);
                }
                header.fill_checksum();
            }
            _ => Ipv6Packet::new_unchecked(packet).set_traffic_class(self.class),
        }
    }
}

impl Inet {
    /// A packet with this header, followed by `len` bytes of unknown value. `EMSGSIZE` if they do not
    /// fit into one.
    pub(crate) fn packet(&self, header: &Header, len: usize) -> Result<Frame, Errno> {
        let most = if header.src.is_ipv4() {
            65535 - 20
        } else {
            65535
        };
        if len > most {
            return Err(Errno::EMSGSIZE);
        }
        let repr = IpRepr::new(
            header.src.into(),
            header.dst.into(),
            header.protocol,
            len,
            header.hop_limit,
        );
        let mut frame = self.net.pool().get(header.len() + len)?;
        repr.emit(frame.payload_mut(), &checksums());
        header.marks.put(frame.payload_mut());
        Ok(frame)
    }

    /// Answers a packet the way it came.
    pub(crate) fn answer(&self, lwp: &Lwp<'_>, to: &Packet, frame: Frame) {
        // An answer that cannot be sent is no loss that anybody could be told of.
        let _ = self.net.output(lwp, frame, to.way_back().as_ref());
    }

    /// Answers a segment with one without a connection.
    pub(crate) fn answer_segment(&self, lwp: &Lwp<'_>, to: &Packet, repr: &TcpRepr<'_>) {
        let header = Header::reply(to, IpProtocol::Tcp);
        let Ok(mut frame) = self.packet(&header, repr.buffer_len()) else {
            return;
        };
        repr.emit(
            &mut TcpPacket::new_unchecked(&mut frame.payload_mut()[header.len()..]),
            &header.src.into(),
            &header.dst.into(),
            &checksums(),
        );
        frame.leave_checksum(
            header.len(),
            TCP_CHECKSUM,
            header.src,
            header.dst,
            header.protocol.into(),
        );
        self.answer(lwp, to, frame);
    }
}

impl Packet {
    /// The interface that an answer has to leave by, where the routes do not say.
    pub(crate) fn way_back(&self) -> Option<Arc<Interface>> {
        if self.interface.is_loopback() {
            Some(self.interface.clone())
        } else {
            self.link()
        }
    }

    /// The interface it came in by, if the sender's address means nothing without.
    pub(crate) fn link(&self) -> Option<Arc<Interface>> {
        crate::address::is_link_local(self.info.src).then(|| self.interface.clone())
    }
}
