//! The segment that tells a TCP there is nobody (RFC 9293 § 3.10.7.1).

use net::{Frame, Net};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    IpProtocol, IpRepr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, TcpTimestampRepr,
};

use crate::flow::{Flags, Flow};

/// Hops the segment may go.
const HOP_LIMIT: u8 = 64;

/// A reset in answer to a segment; nothing, if that is one itself or there is no memory.
pub(crate) fn answer(net: &Net, packet: &Frame, flow: &Flow) -> Option<Frame> {
    let segment = packet.payload().get(flow.offset..)?;
    let flags = Flags::of(segment);
    if flags.rst() {
        return None;
    }
    let header = TcpPacket::new_checked(segment).ok()?;
    let (seq_number, ack_number) = match flags.ack() {
        true => (header.ack_number(), None),
        false => (
            TcpSeqNumber(0),
            Some(header.seq_number() + header.segment_len()),
        ),
    };
    let repr = TcpRepr {
        src_port: flow.key.dst_port,
        dst_port: flow.key.src_port,
        control: TcpControl::Rst,
        seq_number,
        ack_number,
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None::<TcpTimestampRepr>,
        payload: &[],
    };
    let (src, dst) = (flow.key.dst.into(), flow.key.src.into());
    let len = repr.buffer_len();
    let ip = IpRepr::new(src, dst, IpProtocol::Tcp, len, HOP_LIMIT);
    let mut reset = net.pool().get(ip.header_len() + len).ok()?;
    let checksums = ChecksumCapabilities::default();
    ip.emit(reset.payload_mut(), &checksums);
    repr.emit(
        &mut TcpPacket::new_unchecked(&mut reset.payload_mut()[ip.header_len()..]),
        &src,
        &dst,
        &checksums,
    );
    Some(reset)
}
