//! Ethernet headers.

use crate::{Frame, Interface};

/// Bytes of a header, without a tag.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// What follows a header: its EtherType.
pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;

/// The address of all stations.
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

/// Whether an address is one station's.
pub(crate) fn is_unicast(address: [u8; 6]) -> bool {
    address[0] & 1 == 0
}

/// The receiver of a frame, and its EtherType; nothing, if the header is not whole.
pub(crate) fn read_header(frame: &[u8]) -> Option<([u8; 6], u16)> {
    let header = frame.first_chunk::<ETHERNET_HEADER>()?;
    let [a, b, c, d, e, f, .., high, low] = *header;
    Some(([a, b, c, d, e, f], u16::from_be_bytes([high, low])))
}

/// Puts a header from this interface in front of a frame's content.
pub(crate) fn put_header(frame: &mut Frame, interface: &Interface, to: [u8; 6], kind: u16) {
    let header = frame.prepend(ETHERNET_HEADER);
    header[..6].copy_from_slice(&to);
    header[6..12].copy_from_slice(&interface.hardware_address());
    header[12..].copy_from_slice(&kind.to_be_bytes());
}
