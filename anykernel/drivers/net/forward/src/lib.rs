//! The driver that makes a kernel a router: packets for others leave again by the interface that the routes say
//! (RFC 1812 § 5.2, RFC 8200 § 5, RFC 4291 § 2.5.6).
//!
//! Packets stay as they came: a long TCP segment that a link left whole is cut up only by the link it leaves by, and
//! a checksum that is open stays open. Who may send what where is a filter's business and not known
//! here. Packets to groups are not sent on.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Boot, Component, Errno, Failure, Lwp};
use net::{Complaint, Forwarder, Frame, Interface, IpInfo, Net, Reason};
use smoltcp::wire::{Ipv4Packet, Ipv6Packet};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("forward").start(start);

struct Router;

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Net>().set_forwarder(Arc::new(Router));
    Ok(())
}

/// Why a packet is not sent on, and what its sender is told, if anything.
struct Refusal(Reason, Option<Complaint>);

impl Forwarder for Router {
    fn forward(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        mut packet: Frame,
        info: IpInfo,
    ) {
        match way(net, &packet, &info) {
            Ok((out, next_hop)) => {
                spend_hop(&mut packet);
                // A filter counts what it refuses.
                if net.send_on(lwp, &out, packet, next_hop) == Err(Errno::ENOMEM) {
                    out.count_dropped(Reason::NoMemory, 1);
                }
            }
            Err(Refusal(reason, complaint)) => {
                if let Some(complaint) = complaint {
                    net.complain(lwp, interface, &packet, &info, complaint);
                }
                interface.count_dropped(reason, 1);
                net.pool().recycle(packet);
            }
        }
    }
}

/// Where a packet leaves, and who gets it next.
fn way(net: &Net, packet: &Frame, info: &IpInfo) -> Result<(Arc<Interface>, IpAddr), Refusal> {
    if info.to_many || !may_travel(info.src) || !may_travel(info.dst) {
        return Err(Refusal(Reason::NotForUs, None));
    }
    if info.hop_limit <= 1 {
        return Err(Refusal(Reason::HopLimit, Some(Complaint::HopLimit)));
    }
    let Some((out, next_hop)) = net.next_hop(info.dst) else {
        return Err(Refusal(Reason::NoRoute, Some(Complaint::NoRoute)));
    };
    if out.is_loopback() {
        return Err(Refusal(Reason::Martian, None));
    }
    if packet.longest_packet() > out.mtu() && !may_be_cut(packet, info) {
        let mtu = u16::try_from(out.mtu()).unwrap_or(u16::MAX);
        return Err(Refusal(Reason::TooLong, Some(Complaint::TooLong(mtu))));
    }
    Ok((out, next_hop))
}

/// Whether an address means something beyond its link, and one host.
fn may_travel(address: IpAddr) -> bool {
    let nowhere = address.is_unspecified() || address.is_loopback() || address.is_multicast();
    let near = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !nowhere && !near
}

/// Whether a router may cut the packet up: IPv4 leaves that to the sender, IPv6 has the sender do it. What came in
/// pieces leaves in pieces.
fn may_be_cut(packet: &Frame, info: &IpInfo) -> bool {
    if packet.segments().is_some() {
        return false;
    }
    let allowed = info.src.is_ipv4()
        && Ipv4Packet::new_checked(packet.payload()).is_ok_and(|header| !header.dont_frag());
    allowed || info.in_pieces
}

/// Takes one hop from what the packet may still go.
fn spend_hop(packet: &mut Frame) {
    let bytes = packet.payload_mut();
    match bytes.first().map(|first| first >> 4) {
        Some(4) => {
            let mut header = Ipv4Packet::new_unchecked(bytes);
            header.set_hop_limit(header.hop_limit().saturating_sub(1));
            // RFC 1141: the sum of the header is one less in its upper byte, so its complement is one more.
            let sum = u32::from(header.checksum()) + 0x100;
            header.set_checksum((sum + (sum >> 16)) as u16);
        }
        _ => {
            let mut header = Ipv6Packet::new_unchecked(bytes);
            header.set_hop_limit(header.hop_limit().saturating_sub(1));
        }
    }
}

#[cfg(test)]
mod tests;
