//! Messages of the protocol as IP packets, and what a lease says.

use core::net::Ipv4Addr;

use base::Errno;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr};

use super::progress::Question;
use super::wire::{Answer, Kind, QUERY, Query};
use super::{CLIENT_PORT, Lease, SECOND, SERVER_PORT};
use crate::{Cidr, Frame, Net};

const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// A lease without an end (RFC 2131 § 3.3).
const FOREVER: u32 = u32::MAX;

impl Question {
    /// From whom and to whom the message goes: nobody and everybody, as long as there is no address.
    pub(super) fn ends(&self) -> (Ipv4Addr, Ipv4Addr) {
        match self {
            Question::Discover | Question::Request { .. } | Question::Verify(_) => {
                (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST)
            }
            Question::Renew(lease) => (lease.address, lease.server),
            Question::Rebind(lease) => (lease.address, Ipv4Addr::BROADCAST),
        }
    }

    /// The packet that asks it. `ENOMEM` at the instance's limit.
    pub(super) fn packet(
        &self,
        net: &Net,
        hardware: [u8; 6],
        transaction: u32,
        secs: u16,
    ) -> Result<Frame, Errno> {
        // RFC 2131 § 4.3.6, table 5.
        let (server, wanted, ours) = match *self {
            Question::Discover => (None, None, None),
            Question::Request { server, offered } => (Some(server), Some(offered), None),
            Question::Renew(lease) | Question::Rebind(lease) => (None, None, Some(lease.address)),
            Question::Verify(lease) => (None, Some(lease.address), None),
        };
        let kind = match self {
            Question::Discover => Kind::Discover,
            _ => Kind::Request,
        };
        let query = Query {
            kind,
            transaction,
            secs,
            hardware,
            ours: ours.unwrap_or(Ipv4Addr::UNSPECIFIED),
            server,
            wanted,
        };
        let (src_addr, dst_addr) = self.ends();
        let mut packet = net.pool().get(IPV4_HEADER + UDP_HEADER + QUERY)?;
        let caps = ChecksumCapabilities::default();
        let bytes = packet.payload_mut();
        Ipv4Repr {
            src_addr,
            dst_addr,
            next_header: IpProtocol::Udp,
            payload_len: UDP_HEADER + QUERY,
            hop_limit: 64,
        }
        .emit(&mut Ipv4Packet::new_unchecked(&mut *bytes), &caps);
        let udp = UdpRepr {
            src_port: CLIENT_PORT,
            dst_port: SERVER_PORT,
        };
        udp.emit(
            &mut UdpPacket::new_unchecked(&mut bytes[IPV4_HEADER..]),
            &src_addr.into(),
            &dst_addr.into(),
            QUERY,
            |place| {
                if let Some(place) = place.first_chunk_mut() {
                    query.emit(place);
                }
            },
            &caps,
        );
        Ok(packet)
    }
}

/// The lease in a message; `None` if it makes no sense.
pub(super) fn read_lease(answer: &Answer, server: Ipv4Addr, now: u64) -> Option<Lease> {
    let mask = answer.mask.unwrap_or(Ipv4Addr::new(255, 255, 255, 0));
    let address = answer.address;
    let cidr = Cidr::with_mask(address, mask).ok()?;
    if address.is_unspecified() || address.is_multicast() {
        return None;
    }
    let [renews, rebinds, expires] = times(answer)?.map(|span| now.saturating_add(span));
    Some(Lease {
        address,
        cidr,
        router: answer.router,
        dns: answer.name_servers,
        server,
        renews,
        rebinds,
        expires,
    })
}

/// Nanoseconds until a lease is to be renewed, to be had from any server, and over: as the server says, or half
/// and seven eighths of it (RFC 2131 § 4.4.5).
fn times(answer: &Answer) -> Option<[u64; 3]> {
    let nanoseconds = |seconds: u32| u64::from(seconds) * SECOND;
    let [whole, renew, rebind] = answer.times;
    let whole = match whole? {
        FOREVER => return Some([u64::MAX; 3]),
        seconds => nanoseconds(seconds),
    };
    let rebind = rebind.map(nanoseconds).filter(|span| *span < whole);
    let rebind = rebind.unwrap_or(whole / 8 * 7);
    let renew = renew.map(nanoseconds).filter(|span| *span < rebind);
    Some([renew.unwrap_or(rebind.min(whole / 2)), rebind, whole])
}
