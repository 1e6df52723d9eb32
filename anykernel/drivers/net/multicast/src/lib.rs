//! The driver for membership in groups: which groups sockets are in on which interface, and telling routers and switches of
//! it: by IGMP for IPv4 (version 3, RFC 3376; 2, RFC 2236; 1, RFC 1112) and by MLD for IPv6 (version 2, RFC 3810; 1,
//! RFC 2710).
//!
//! - `message`: what queries and reports look like;
//! - `membership`: what is told when, of one version of IP on one interface.
//!
//! Whoever is in a group hears all its senders: sources are not chosen (RFC 4607), so all that is told of a group is that
//! there are members (`EXCLUDE` of nobody). Groups of which nobody is told are those of all stations and of a single
//! one (RFC 3376 § 6, RFC 3810 § 6), and any on a loopback. It does not know sockets, and does not send packets on.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod membership;
mod message;

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::IpAddr;

use base::sync::Leaf;
use base::{Boot, Callout, Component, Failure, Lwp};
use net::{Frame, Interface, IpInfo, Medium, Net, solicited_node};

use membership::{Membership, Report};
use message::Heard;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("multicast").start(start).stop(stop);

/// The state of the driver.
struct Multicast {
    links: Leaf<Vec<Link>>,
    timer: Arc<Callout>,
}

/// An interface.
struct Link {
    interface: Arc<Interface>,
    ipv4: Membership,
    ipv6: Membership,
}

impl Link {
    fn membership(&mut self, ipv4: bool) -> &mut Membership {
        match ipv4 {
            true => &mut self.ipv4,
            false => &mut self.ipv6,
        }
    }
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let net = boot.get::<Net>();
    let multicast = Arc::new_cyclic(|this: &Weak<Multicast>| {
        let (this, net) = (this.clone(), Arc::downgrade(&net));
        Multicast {
            links: Leaf::new(Vec::new()),
            timer: Callout::new(move |lwp| {
                if let (Some(this), Some(net)) = (this.upgrade(), net.upgrade()) {
                    this.turn(lwp, &net);
                    net.flush(lwp);
                }
            }),
        }
    });
    boot.publish(multicast.clone());
    net.set_groups(multicast);
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(multicast) = lwp.state::<Multicast>() {
        multicast.timer.cancel(lwp);
        let _dropped_outside = multicast.links.with(core::mem::take);
    }
}

impl Multicast {
    /// Has `f` change what is known of an interface.
    fn with<R>(
        &self,
        net: &Net,
        interface: &Arc<Interface>,
        ipv4: bool,
        f: impl FnOnce(&mut Membership) -> R,
    ) -> R {
        let own = match ipv4 {
            true => Vec::new(),
            false => own_groups(net, interface),
        };
        self.links.with(|links| {
            let index = interface.index();
            let at = links
                .iter()
                .position(|one| one.interface.index() == index)
                .unwrap_or_else(|| {
                    links.push(Link {
                        interface: interface.clone(),
                        ipv4: Membership::new(true),
                        ipv6: Membership::new(false),
                    });
                    links.len() - 1
                });
            let membership = links[at].membership(ipv4);
            membership.keep(&own);
            f(membership)
        })
    }

    /// Sends the reports that are due.
    fn turn(&self, lwp: &Lwp<'_>, net: &Net) {
        let now = lwp.now();
        let mut due = Vec::new();
        self.links.with(|links| {
            for link in links {
                for ipv4 in [true, false] {
                    let reports = link.membership(ipv4).due(now).into_iter();
                    due.extend(reports.map(|report| (link.interface.clone(), ipv4, report)));
                }
            }
        });
        for (interface, ipv4, report) in due {
            send(lwp, net, &interface, ipv4, &report);
        }
        self.arm(lwp);
    }

    /// Sees to it that the next reports are sent.
    fn arm(&self, lwp: &Lwp<'_>) {
        let next = self.links.with(|links| {
            let all = links.iter().flat_map(|link| [&link.ipv4, &link.ipv6]);
            all.filter_map(Membership::next).min()
        });
        match next {
            Some(at) => self.timer.set(lwp, at),
            None => self.timer.cancel(lwp),
        }
    }
}

impl net::Groups for Multicast {
    fn join(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, group: IpAddr) {
        let told = !interface.is_loopback() && is_told_of(group);
        self.with(net, interface, group.is_ipv4(), |membership| {
            membership.join(group, told, lwp.now());
        });
        self.turn(lwp, net);
    }

    fn leave(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, group: IpAddr) {
        self.with(net, interface, group.is_ipv4(), |membership| {
            membership.leave(group, lwp.now());
        });
        self.turn(lwp, net);
    }

    fn contains(&self, interface: &Interface, group: IpAddr) -> bool {
        self.links.with(|links| {
            let mut links = links.iter_mut();
            links
                .find(|link| link.interface.index() == interface.index())
                .is_some_and(|link| link.membership(group.is_ipv4()).contains(group))
        })
    }

    fn hear(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        packet: &Frame,
        info: &IpInfo,
    ) {
        if interface.is_loopback() {
            return;
        }
        let Some(heard) = message::read(packet.payload(), info) else {
            return;
        };
        let now = lwp.now();
        self.with(
            net,
            interface,
            info.dst.is_ipv4(),
            |membership| match heard {
                Heard::Query(query) => membership.answer(&query, now),
                Heard::Report(group) => membership.pass_over(group, now),
            },
        );
        self.arm(lwp);
    }
}

/// Whether routers and switches are told of a group.
fn is_told_of(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group.octets() != [224, 0, 0, 1],
        IpAddr::V6(all) => net::scope(group) > 1 && all.segments() != [0xff02, 0, 0, 0, 0, 0, 0, 1],
    }
}

/// The groups that every station with the interface's addresses is in, and that are told of all the same, for the sake of
/// switches (RFC 4861 § 7.2.1).
fn own_groups(net: &Net, interface: &Arc<Interface>) -> Vec<IpAddr> {
    if interface.medium() != Medium::Ethernet {
        return Vec::new();
    }
    let addresses = net.addresses().into_iter();
    addresses
        .filter(|own| Arc::ptr_eq(&own.interface, interface))
        .filter_map(|own| match own.cidr.address() {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(solicited_node(address).into()),
        })
        .collect()
}

/// Sends a report. One that cannot be sent is repeated, or asked for.
fn send(lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, ipv4: bool, report: &Report) {
    let addresses = net.addresses().into_iter();
    let own = addresses
        .filter(|own| Arc::ptr_eq(&own.interface, interface))
        .map(|own| own.cidr.address());
    for packet in message::write(own, ipv4, report, interface.mtu()) {
        if let Ok(frame) = net.pool().copy_of(&packet) {
            let _ = net.output(lwp, frame, Some(interface));
        }
    }
}

#[cfg(test)]
mod tests;
