//! What a packet belongs to: protocol, addresses, and ports or what serves as such.

use core::net::IpAddr;

use smoltcp::wire::IpProtocol;

/// IPv6 extension headers in front of the protocol's; more is an attempt to hide it.
const MOST_EXTENSIONS: usize = 8;

/// One direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) protocol: u8,
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    /// Zero where the protocol has none. An echo request has its identifier here, a reply at the receiver's.
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
}

impl Key {
    /// The other direction.
    pub(crate) fn reversed(self) -> Self {
        Key {
            src: self.dst,
            dst: self.src,
            src_port: self.dst_port,
            dst_port: self.src_port,
            ..self
        }
    }
}

/// What carries ports, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upper {
    Tcp,
    Udp,
    /// An echo request or reply of ICMP or ICMPv6.
    Echo,
    /// An error of ICMP or ICMPv6: it quotes the packet it is about, from eight bytes on.
    Error,
    Other,
}

/// What was found in a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    pub(crate) key: Key,
    pub(crate) upper: Upper,
    /// Where the protocol's header begins.
    pub(crate) offset: usize,
}

impl Flow {
    /// Reads an IP packet. Nothing, if it is cut off before what tells its flow. `quoted`: it is the beginning of a
    /// packet in an error, of which eight bytes of the protocol suffice.
    pub(crate) fn read(packet: &[u8], quoted: bool) -> Option<Self> {
        let (src, dst, mut protocol, mut offset): (IpAddr, IpAddr, u8, usize) =
            match packet.first()? >> 4 {
                4 => {
                    let header = packet.first_chunk::<20>()?;
                    let offset = usize::from(header[0] & 0xf) * 4;
                    if offset < 20 {
                        return None;
                    }
                    let src: [u8; 4] = header[12..16].try_into().ok()?;
                    let dst: [u8; 4] = header[16..20].try_into().ok()?;
                    (src.into(), dst.into(), header[9], offset)
                }
                6 => {
                    let header = packet.first_chunk::<40>()?;
                    let src: [u8; 16] = header[8..24].try_into().ok()?;
                    let dst: [u8; 16] = header[24..40].try_into().ok()?;
                    (src.into(), dst.into(), header[6], 40)
                }
                _ => return None,
            };
        if src.is_ipv6() {
            for _ in 0..MOST_EXTENSIONS {
                if !is_extension(protocol) {
                    break;
                }
                let [next, len] = *packet.get(offset..)?.first_chunk()?;
                protocol = next;
                offset += usize::from(len) * 8 + 8;
            }
            if is_extension(protocol) {
                return None;
            }
        }
        let rest = packet.get(offset..)?;
        let least = |bytes: usize| rest.get(..if quoted { 8 } else { bytes });
        let ports = |rest: &[u8]| {
            (
                u16::from_be_bytes([rest[0], rest[1]]),
                u16::from_be_bytes([rest[2], rest[3]]),
            )
        };
        let (upper, (src_port, dst_port)) = match (IpProtocol::from(protocol), src.is_ipv4()) {
            (IpProtocol::Tcp, _) => (Upper::Tcp, ports(least(20)?)),
            (IpProtocol::Udp, _) => (Upper::Udp, ports(least(8)?)),
            (IpProtocol::Icmp, true) | (IpProtocol::Icmpv6, false) => {
                let header = rest.get(..8)?;
                let identifier = u16::from_be_bytes([header[4], header[5]]);
                match (header[0], src.is_ipv4()) {
                    (8, true) | (128, false) => (Upper::Echo, (identifier, 0)),
                    (0, true) | (129, false) => (Upper::Echo, (0, identifier)),
                    (3 | 4 | 5 | 11 | 12, true) | (1..=127, false) => (Upper::Error, (0, 0)),
                    _ => (Upper::Other, (0, 0)),
                }
            }
            _ => (Upper::Other, (0, 0)),
        };
        let key = Key {
            protocol,
            src,
            dst,
            src_port,
            dst_port,
        };
        Some(Flow { key, upper, offset })
    }
}

fn is_extension(protocol: u8) -> bool {
    matches!(
        IpProtocol::from(protocol),
        IpProtocol::HopByHop | IpProtocol::Ipv6Route | IpProtocol::Ipv6Opts
    )
}

/// The flags of a TCP header that concern its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags(u8);

impl Flags {
    /// Of a segment whose header is whole.
    pub(crate) fn of(segment: &[u8]) -> Self {
        Flags(segment.get(13).copied().unwrap_or(0))
    }

    pub(crate) fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    pub(crate) fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    pub(crate) fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    pub(crate) fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}
