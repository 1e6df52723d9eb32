//! Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements of neighbours. What routers
//! say is for a driver, if there is one that listens to them.

mod message;

use alloc::sync::Arc;
use core::net::{IpAddr, Ipv6Addr};

use base::Lwp;
use smoltcp::wire::{IpProtocol, Ipv6Packet, Ipv6Repr};

use crate::address::solicited_node;
use crate::input::IPV6_HEADER;
use crate::neighbour::Key;
use crate::output::Hop;
use crate::{Discovered, Frame, Interface, IpInfo, Medium, Net, Reason};
pub use message::Discovery;
use message::Message;

/// What the sender of a message of this protocol sets, so that no router has passed it on.
const HOP_LIMIT: u8 = 255;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

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
        let message = match message::read(&frame.payload()[IPV6_HEADER..], src, dst, info.hop_limit)
        {
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
        let solicited = !asker.is_unspecified();
        let (to, hop) = match solicited {
            true => (asker, Hop::One(asker.into())),
            false => (ALL_NODES, Hop::Group(ALL_NODES.into())),
        };
        let message = Discovery::Advertisement {
            target,
            hardware: interface.hardware_address(),
            solicited,
        };
        self.ndisc_send(interface, message, target, to, |net, packet| {
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
        let message = Discovery::Solicitation {
            target,
            hardware: Some(interface.hardware_address()),
        };
        match known {
            Some(hardware) => self.ndisc_send(interface, message, source, target, |net, p| {
                net.send_ethernet(lwp, interface, p, hardware);
            }),
            None => {
                self.ndisc_send_to_group(lwp, interface, message, source, solicited_node(target));
            }
        }
    }

    /// Sends a message to a group on the link. The caller then owes a [`flush`](Net::flush).
    pub fn ndisc_send_to_group(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        message: Discovery,
        source: Ipv6Addr,
        group: Ipv6Addr,
    ) {
        self.ndisc_send(interface, message, source, group, |net, packet| {
            net.send_to(lwp, interface, packet, Hop::Group(group.into()));
        });
    }

    fn ndisc_send(
        &self,
        interface: &Arc<Interface>,
        message: Discovery,
        source: Ipv6Addr,
        to: Ipv6Addr,
        send: impl FnOnce(&Net, Frame),
    ) {
        let len = message.len();
        let Ok(mut packet) = self.pool().get(IPV6_HEADER + len) else {
            interface.count_dropped(Reason::NoMemory, 1);
            return;
        };
        let bytes = packet.payload_mut();
        Ipv6Repr {
            src_addr: source,
            dst_addr: to,
            next_header: IpProtocol::Icmpv6,
            payload_len: len,
            hop_limit: HOP_LIMIT,
        }
        .emit(&mut Ipv6Packet::new_unchecked(&mut *bytes));
        message.emit(&mut bytes[IPV6_HEADER..], source, to);
        send(self, packet);
    }
}
