//! The way out: from a protocol's packet to a frame on a link.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Errno, Lwp};

use crate::ethernet;
use crate::input::{destination, version};
use crate::neighbour::{Key, Resolution};
use crate::{Frame, Interface, Medium, Net, Reason};

impl Net {
    /// Sends a complete IP packet, whose protocol's checksum may be left open. It leaves by `via` if that
    /// is given, else as the routes say; packets to this kernel arrive before the call returns, as far as
    /// [`IpReceiver::receive`](crate::IpReceiver::receive).
    /// What is too long for the link goes in fragments, unless it is a TCP segment to be cut up.
    ///
    /// Allowed with the lock of a connection held. The caller then owes a [`flush`](Net::flush).
    ///
    /// `ENETUNREACH` without a route, `ENETDOWN` if the interface is down, `EMSGSIZE` for what cannot
    /// be cut up, `EINVAL` for what is no IP packet. A next hop that does not answer is no error here; see
    /// [`IpReceiver::unreachable`](crate::IpReceiver::unreachable).
    pub fn output(
        &self,
        lwp: &Lwp<'_>,
        packet: Frame,
        via: Option<&Arc<Interface>>,
    ) -> Result<(), Errno> {
        // A protocol that knows its packet stays here says so, and saves the look-ups.
        if let Some(via) = via
            && via.is_loopback()
            && packet.len() <= via.mtu()
        {
            via.send(lwp, self, packet);
            return Ok(());
        }
        let (interface, hop) = match self.route(&packet, via) {
            Ok(found) => found,
            Err(errno) => {
                self.pool().recycle(packet);
                return Err(errno);
            }
        };
        self.dispatch(lwp, &interface, packet, hop)
    }

    /// Sends a packet on to a next hop that [`next_hop`](Self::next_hop) gave, in fragments if it is too long. The caller
    /// then owes a [`flush`](Self::flush). `EPERM` if the filter does not let it leave.
    pub fn send_on(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: Frame,
        next_hop: IpAddr,
    ) -> Result<(), Errno> {
        self.dispatch(lwp, interface, packet, Hop::One(next_hop))
    }

    /// Where a packet for somebody else goes: the interface, and who gets it next there. Nowhere, if there is no
    /// route, or it would be for all hosts of a network.
    pub fn next_hop(&self, destination: IpAddr) -> Option<(Arc<Interface>, IpAddr)> {
        self.table.with(|table| {
            let (interface, next_hop) = table.lookup(destination, None)?;
            (!table.is_broadcast_of(destination, &interface)).then_some((interface, next_hop))
        })
    }

    fn dispatch(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        mut packet: Frame,
        hop: Hop,
    ) -> Result<(), Errno> {
        if self.is_filtered(interface) {
            packet = self.filter_out(lwp, interface, packet)?;
        }
        let mtu = self.mtu_for(lwp, interface, &packet);
        if packet.len() <= mtu || packet.segments().is_some() {
            self.send_to(lwp, interface, packet, hop);
            return Ok(());
        }
        self.send_fragments(lwp, interface, packet, mtu, hop)
    }

    fn route(
        &self,
        packet: &Frame,
        via: Option<&Arc<Interface>>,
    ) -> Result<(Arc<Interface>, Hop), Errno> {
        let destination = destination(packet).ok_or(Errno::EINVAL)?;
        if self.table.with(|table| table.is_local(destination)) {
            let loopback = self.loopback().ok_or(Errno::ENETUNREACH)?;
            return Ok((loopback, Hop::One(destination)));
        }
        let (interface, next_hop, broadcast) = self
            .table
            .with(|table| {
                let (interface, next_hop) = table.lookup(destination, via)?;
                let broadcast = table.is_broadcast_of(destination, &interface);
                Some((interface, next_hop, broadcast))
            })
            .ok_or(Errno::ENETUNREACH)?;
        if !interface.is_up() {
            return Err(Errno::ENETDOWN);
        }
        let hop = match destination {
            _ if broadcast => Hop::All,
            IpAddr::V4(address) if address.is_broadcast() => Hop::All,
            address if address.is_multicast() => Hop::Group(address),
            _ => Hop::One(next_hop),
        };
        Ok((interface, hop))
    }

    /// Sends a packet that fits the link.
    pub(crate) fn send_to(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: Frame,
        hop: Hop,
    ) {
        if interface.medium() == Medium::Ip {
            return interface.send(lwp, self, packet);
        }
        let (packet, to) = match hop {
            Hop::All => (packet, ethernet::BROADCAST),
            Hop::Group(group) => (packet, group_address(group)),
            Hop::One(next_hop) => match self.resolve(lwp, interface, packet, next_hop) {
                Some(resolved) => resolved,
                None => return,
            },
        };
        self.send_ethernet(lwp, interface, packet, to);
    }

    /// The hardware address of a next hop; without one, the packet waits for it.
    fn resolve(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: Frame,
        next_hop: IpAddr,
    ) -> Option<(Frame, [u8; 6])> {
        let key = Key {
            interface: interface.index(),
            address: next_hop,
        };
        let now = lwp.now();
        let (resolution, evicted) = self
            .neighbours
            .with(|neighbours| neighbours.resolve(key, packet, now));
        for waiting in evicted {
            self.drop_frame(interface, waiting, Reason::Unresolved);
        }
        match resolution {
            Resolution::Known(packet, address) => Some((packet, address)),
            Resolution::Doubtful(packet, address) => {
                self.solicit(lwp, interface, next_hop, Some(address));
                self.arm_neighbour_timer(lwp);
                Some((packet, address))
            }
            Resolution::Ask => {
                self.solicit(lwp, interface, next_hop, None);
                self.arm_neighbour_timer(lwp);
                None
            }
            Resolution::Waits => None,
            Resolution::Refused(packet) => {
                self.drop_frame(interface, packet, Reason::QueueFull);
                None
            }
        }
    }

    /// Asks who has an address: everybody, or the one who had it.
    pub(crate) fn solicit(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        address: IpAddr,
        known: Option<[u8; 6]>,
    ) {
        match address {
            IpAddr::V4(address) => self.arp_request(lwp, interface, address, known),
            IpAddr::V6(address) => self.neighbour_solicitation(lwp, interface, address, known),
        }
    }

    /// Puts an Ethernet header in front of an IP packet and sends it.
    pub(crate) fn send_ethernet(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        mut packet: Frame,
        to: [u8; 6],
    ) {
        let kind = match version(&packet) {
            4 => ethernet::IPV4,
            _ => ethernet::IPV6,
        };
        ethernet::put_header(&mut packet, interface, to, kind);
        interface.send(lwp, self, packet);
    }
}

/// Who gets a packet next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    One(IpAddr),
    Group(IpAddr),
    All,
}

/// The hardware address of a multicast group (RFC 1112 § 6.4, RFC 2464 § 7).
fn group_address(group: IpAddr) -> [u8; 6] {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            [0x01, 0x00, 0x5e, b & 0x7f, c, d]
        }
        IpAddr::V6(group) => {
            let [.., a, b, c, d] = group.octets();
            [0x33, 0x33, a, b, c, d]
        }
    }
}
