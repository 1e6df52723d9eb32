//! Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements of neighbours. What routers
//! say is for a driver, if there is one that listens to them.

use alloc::sync::Arc;
use core::net::{IpAddr, Ipv6Addr};

use base::Lwp;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, Ipv6Repr, NdiscNeighborFlags,
    NdiscRepr, RawHardwareAddress,
};

use crate::address::solicited_node;
use crate::input::IPV6_HEADER;
use crate::neighbour::Key;
use crate::output::Hop;
use crate::{Discovered, Frame, Interface, IpInfo, Medium, Net, Reason};

/// What the sender of a message of this protocol sets, so that no router has passed it on.
const HOP_LIMIT: u8 = 255;

/// Bytes of a router's advertisement without options.
const ROUTER_ADVERTISEMENT: usize = 16;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A message, as far as it concerns us.
enum Message {
    Solicit {
        target: Ipv6Addr,
        from: Option<[u8; 6]>,
    },
    Advertise {
        target: Ipv6Addr,
        hardware: Option<[u8; 6]>,
        overrides: bool,
    },
    /// A router says something.
    Router,
    Other,
}

impl Net {
    pub(crate) fn ndisc_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        frame: Frame,
        info: &IpInfo,
    ) -> Result<(), (Frame, Reason)> {
        let (IpAddr::V6(src), IpAddr::V6(dst)) = (info.src, info.dst) else {
            return Err((frame, Reason::Malformed));
        };
        if interface.medium() != Medium::Ethernet {
            return Err((frame, Reason::UnknownProtocol));
        }
        let message = match parse(&frame.payload()[IPV6_HEADER..], src, dst, info.hop_limit) {
            Ok(message) => message,
            Err(reason) => return Err((frame, reason)),
        };
        let mut news = None;
        match message {
            Message::Solicit { target, from } => {
                if self.has(interface, target) {
                    if let Some(from) = from {
                        self.learn(lwp, interface, src.into(), Some(from), true);
                    }
                    self.advertise(lwp, interface, target, src);
                } else if src.is_unspecified() {
                    news = Some(Discovered::Claim(target));
                }
            }
            Message::Advertise {
                target,
                hardware,
                overrides,
            } => {
                if self.has(interface, target) {
                    // Somebody has our address. We had it first.
                    return Err((frame, Reason::Martian));
                }
                let key = Key {
                    interface: interface.index(),
                    address: target.into(),
                };
                let known = self.neighbours.with(|neighbours| neighbours.hardware(key));
                // Without the bit, what is known stays (RFC 4861 § 7.2.5).
                if overrides || known.is_none() || hardware.is_none() || known == hardware {
                    self.learn(lwp, interface, target.into(), hardware, false);
                }
                news = Some(Discovered::Claim(target));
            }
            Message::Router => news = Some(Discovered::Router(src)),
            Message::Other => {}
        }
        if let Some(news) = news
            && let Some(autoconf) = self.autoconf()
        {
            let message = &frame.payload()[IPV6_HEADER..];
            autoconf.hear(lwp, self, interface, news, message);
        }
        self.pool().recycle(frame);
        Ok(())
    }

    fn has(&self, interface: &Arc<Interface>, address: Ipv6Addr) -> bool {
        self.table.with(|table| {
            table
                .own(address.into())
                .is_some_and(|own| Arc::ptr_eq(&own.interface, interface))
        })
    }

    /// Answers a solicitation for an address of ours.
    fn advertise(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        target: Ipv6Addr,
        asker: Ipv6Addr,
    ) {
        // One who has no address yet is told among all.
        let (to, solicited) = if asker.is_unspecified() {
            (ALL_NODES, NdiscNeighborFlags::empty())
        } else {
            (asker, NdiscNeighborFlags::SOLICITED)
        };
        let repr = NdiscRepr::NeighborAdvert {
            flags: solicited | NdiscNeighborFlags::OVERRIDE,
            target_addr: target,
            lladdr: Some(hardware_option(interface)),
        };
        let hop = if asker.is_unspecified() {
            Hop::Group(to.into())
        } else {
            Hop::One(to.into())
        };
        self.ndisc_send(lwp, interface, repr, target, to, |net, packet| {
            net.send_to(lwp, interface, packet, hop);
        });
    }

    /// Tells everybody that an address is ours.
    pub(crate) fn ndisc_announce(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, own: Ipv6Addr) {
        self.advertise(lwp, interface, own, Ipv6Addr::UNSPECIFIED);
    }

    /// Asks who has `target`: all who may, or the station that had it.
    pub(crate) fn neighbour_solicitation(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        target: Ipv6Addr,
        known: Option<[u8; 6]>,
    ) {
        let source = self
            .table
            .with(|table| table.source_on(interface, target.into(), target.into()));
        let Some(IpAddr::V6(source)) = source else {
            return;
        };
        let repr = NdiscRepr::NeighborSolicit {
            target_addr: target,
            lladdr: Some(hardware_option(interface)),
        };
        match known {
            Some(hardware) => self.ndisc_send(lwp, interface, repr, source, target, |net, p| {
                net.send_ethernet(lwp, interface, p, hardware);
            }),
            None => {
                self.ndisc_send_to_group(lwp, interface, repr, source, solicited_node(target));
            }
        }
    }

    /// Sends a message to a group on the link. The caller then owes a [`flush`](Net::flush).
    pub fn ndisc_send_to_group(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        repr: NdiscRepr<'_>,
        source: Ipv6Addr,
        group: Ipv6Addr,
    ) {
        self.ndisc_send(lwp, interface, repr, source, group, |net, packet| {
            net.send_to(lwp, interface, packet, Hop::Group(group.into()));
        });
    }

    fn ndisc_send(
        &self,
        _lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        repr: NdiscRepr<'_>,
        source: Ipv6Addr,
        to: Ipv6Addr,
        send: impl FnOnce(&Net, Frame),
    ) {
        let repr = Icmpv6Repr::Ndisc(repr);
        let Ok(mut packet) = self.pool().get(IPV6_HEADER + repr.buffer_len()) else {
            interface.count_dropped(Reason::NoMemory, 1);
            return;
        };
        let bytes = packet.payload_mut();
        bytes.fill(0);
        Ipv6Repr {
            src_addr: source,
            dst_addr: to,
            next_header: IpProtocol::Icmpv6,
            payload_len: repr.buffer_len(),
            hop_limit: HOP_LIMIT,
        }
        .emit(&mut Ipv6Packet::new_unchecked(&mut *bytes));
        repr.emit(
            &source,
            &to,
            &mut Icmpv6Packet::new_unchecked(&mut bytes[IPV6_HEADER..]),
            &ChecksumCapabilities::default(),
        );
        send(self, packet);
    }
}

fn hardware_option(interface: &Interface) -> RawHardwareAddress {
    RawHardwareAddress::from_bytes(&interface.hardware_address())
}

/// Reads a message and checks what RFC 4861 § 7.1 has a receiver check.
fn parse(bytes: &[u8], src: Ipv6Addr, dst: Ipv6Addr, hop_limit: u8) -> Result<Message, Reason> {
    let packet = Icmpv6Packet::new_checked(bytes).map_err(|_| Reason::Malformed)?;
    if !packet.verify_checksum(&src, &dst) {
        return Err(Reason::Checksum);
    }
    if hop_limit != HOP_LIMIT || packet.msg_code() != 0 {
        return Err(Reason::Malformed);
    }
    if packet.msg_type() == Icmpv6Message::RouterAdvert {
        // RFC 4861 § 6.1.2.
        let good = src.is_unicast_link_local() && bytes.len() >= ROUTER_ADVERTISEMENT;
        return good.then_some(Message::Router).ok_or(Reason::Malformed);
    }
    let repr = NdiscRepr::parse(&packet).map_err(|_| Reason::Malformed)?;
    match repr {
        NdiscRepr::NeighborSolicit {
            target_addr,
            lladdr,
        } => {
            let nobody_yet = src.is_unspecified();
            if target_addr.is_multicast()
                || (nobody_yet && (lladdr.is_some() || !dst.is_multicast()))
            {
                return Err(Reason::Malformed);
            }
            Ok(Message::Solicit {
                target: target_addr,
                from: lladdr.map(station).transpose()?,
            })
        }
        NdiscRepr::NeighborAdvert {
            flags,
            target_addr,
            lladdr,
        } => {
            let solicited = flags.contains(NdiscNeighborFlags::SOLICITED);
            if target_addr.is_multicast()
                || src.is_unspecified()
                || (solicited && dst.is_multicast())
            {
                return Err(Reason::Malformed);
            }
            Ok(Message::Advertise {
                target: target_addr,
                hardware: lladdr.map(station).transpose()?,
                overrides: flags.contains(NdiscNeighborFlags::OVERRIDE),
            })
        }
        _ => Ok(Message::Other),
    }
}

/// The hardware address of an option, if it is one station's.
fn station(option: RawHardwareAddress) -> Result<[u8; 6], Reason> {
    match <[u8; 6]>::try_from(option.as_bytes()) {
        Ok(address) if address[0] & 1 == 0 => Ok(address),
        _ => Err(Reason::Malformed),
    }
}
