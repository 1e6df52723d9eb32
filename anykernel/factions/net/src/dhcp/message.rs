//! Messages of the protocol as IP packets, and what a lease says.

use core::net::Ipv4Addr;

use base::Errno;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, IpProtocol, Ipv4Packet, Ipv4Repr,
    UdpPacket, UdpRepr,
};

use super::progress::Question;
use super::{CLIENT_PORT, Lease, SECOND, SERVER_PORT};
use crate::{Cidr, Frame, Net};

const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// Options we ask for: mask, router, name servers, duration of the lease, and when to renew and to rebind it.
const WANTED: &[u8] = &[1, 3, 6, 51, 58, 59];
const OPTION_ROUTER: u8 = 3;
/// A lease without an end (RFC 2131 § 3.3).
const FOREVER: u32 = u32::MAX;

/// The longest message we take, of the 1500 bytes of an Ethernet frame.
const LONGEST: u16 = 1472;

impl Question {
    /// From whom and to whom the message goes: nobody and everybody, as long as there is no address.
    pub(super) fn ends(&self) -> (Ipv4Addr, Ipv4Addr) {
        match self {
            Question::Discover | Question::Request { .. } => {
                (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST)
            }
            Question::Renew(lease) => (lease.address, lease.server),
            Question::Rebind(lease) => (lease.address, Ipv4Addr::BROADCAST),
        }
    }

    /// The packet that asks it. `EMSGSIZE` cannot be, `ENOMEM` at the instance's limit.
    pub(super) fn packet(
        &self,
        net: &Net,
        hardware: [u8; 6],
        transaction_id: u32,
        secs: u16,
    ) -> Result<Frame, Errno> {
        let hardware = EthernetAddress(hardware);
        let (message_type, offer, ours) = match *self {
            Question::Discover => (DhcpMessageType::Discover, None, None),
            Question::Request { server, offered } => {
                (DhcpMessageType::Request, Some((server, offered)), None)
            }
            // Neither names a server or asks for an address (RFC 2131 § 4.3.6, table 5).
            Question::Renew(lease) | Question::Rebind(lease) => {
                (DhcpMessageType::Request, None, Some(lease.address))
            }
        };
        let message = DhcpRepr {
            message_type,
            transaction_id,
            secs,
            client_hardware_address: hardware,
            client_ip: ours.unwrap_or(Ipv4Addr::UNSPECIFIED),
            your_ip: Ipv4Addr::UNSPECIFIED,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            // We take what is sent to an address we do not have yet.
            broadcast: false,
            requested_ip: offer.map(|(_, offered)| offered),
            client_identifier: Some(hardware),
            server_identifier: offer.map(|(server, _)| server),
            parameter_request_list: Some(WANTED),
            dns_servers: None,
            max_size: Some(LONGEST),
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        let (src_addr, dst_addr) = self.ends();
        let len = message.buffer_len();
        let mut packet = net.pool().get(IPV4_HEADER + UDP_HEADER + len)?;
        let caps = ChecksumCapabilities::default();
        let bytes = packet.payload_mut();
        bytes.fill(0);
        Ipv4Repr {
            src_addr,
            dst_addr,
            next_header: IpProtocol::Udp,
            payload_len: UDP_HEADER + len,
            hop_limit: 64,
        }
        .emit(&mut Ipv4Packet::new_unchecked(&mut *bytes), &caps);
        let udp = UdpRepr {
            src_port: CLIENT_PORT,
            dst_port: SERVER_PORT,
        };
        let mut failed = Ok(());
        udp.emit(
            &mut UdpPacket::new_unchecked(&mut bytes[IPV4_HEADER..]),
            &src_addr.into(),
            &dst_addr.into(),
            len,
            |place| failed = message.emit(&mut DhcpPacket::new_unchecked(place)),
            &caps,
        );
        failed.map_err(|_| Errno::EMSGSIZE)?;
        Ok(packet)
    }
}

/// The lease in a message; `None` if it makes no sense.
pub(super) fn read_lease(
    packet: &DhcpPacket<&[u8]>,
    message: &DhcpRepr<'_>,
    server: Ipv4Addr,
    now: u64,
) -> Option<Lease> {
    let mask = message
        .subnet_mask
        .unwrap_or(Ipv4Addr::new(255, 255, 255, 0));
    let address = message.your_ip;
    let cidr = Cidr::with_mask(address, mask).ok()?;
    if address.is_unspecified() || address.is_multicast() {
        return None;
    }
    // There may be several, of which the first counts.
    let router = packet
        .options()
        .find(|option| option.kind == OPTION_ROUTER)
        .and_then(|option| option.data.first_chunk::<4>().copied())
        .map(Ipv4Addr::from);
    let mut dns = [None; 3];
    for (place, address) in dns.iter_mut().zip(message.dns_servers.iter().flatten()) {
        *place = Some(*address);
    }
    let [renews, rebinds, expires] = times(message)?.map(|span| now.saturating_add(span));
    Some(Lease {
        address,
        cidr,
        router,
        dns,
        server,
        renews,
        rebinds,
        expires,
    })
}

/// Nanoseconds until a lease is to be renewed, to be had from any server, and over: as the server says, or half
/// and seven eighths of it (RFC 2131 § 4.4.5).
fn times(message: &DhcpRepr<'_>) -> Option<[u64; 3]> {
    let nanoseconds = |seconds: u32| u64::from(seconds) * SECOND;
    let whole = match message.lease_duration? {
        FOREVER => return Some([u64::MAX; 3]),
        seconds => nanoseconds(seconds),
    };
    let rebind = message.rebind_duration.map(nanoseconds);
    let rebind = rebind.filter(|span| *span < whole);
    let rebind = rebind.unwrap_or(whole / 8 * 7);
    let renew = message.renew_duration.map(nanoseconds);
    let renew = renew.filter(|span| *span < rebind);
    Some([renew.unwrap_or(rebind.min(whole / 2)), rebind, whole])
}
