//! Groups of sockets for datagrams: who joined which where, what they hear, and how they send to a group. Values, errors
//! and their order are Linux's.
//!
//! Which groups the kernel is in, and what links are told of it, is the business of [`net::Groups`].

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::{Errno, Lwp};
use net::{Frame, Interface, IpInfo};
use syscall::consts::*;

use crate::address::Family;
use crate::datagram::{DatagramSocket, Kind, Route};
use crate::options::{Opt, Options, STREAM};

/// Groups of IPv4 that a socket may be in, as many as on Linux (`igmp_max_memberships`).
const MOST_V4: usize = 20;
/// Groups of IPv6; Linux has only a limit in bytes.
const MOST_V6: usize = 256;

/// Bytes of `struct ip_mreq`, `struct ip_mreqn` and `struct ipv6_mreq`.
const IP_MREQ: usize = 8;
const IP_MREQN: usize = 12;
const IPV6_MREQ: usize = 20;

/// A group that a socket is in, and the number of the interface.
type Membership = (u32, IpAddr);

/// The groups of a socket.
#[derive(Default)]
pub(crate) struct Groups {
    joined: Vec<Membership>,
    /// The number of the interface by which datagrams to groups of IPv4 leave, or zero. (That for IPv6 is an option's
    /// value.)
    via4: u32,
}

/// What a program says of a group or an interface. Zero and unspecified: it does not.
struct Request {
    group: IpAddr,
    address: Ipv4Addr,
    interface: u32,
}

impl Options {
    /// How many hops packets to a group may go; perhaps none.
    pub(crate) fn group_hop_limit(&self, ipv4: bool) -> u8 {
        self.number(match ipv4 {
            true => Opt::MulticastHops,
            false => Opt::MulticastHops6,
        }) as u8
    }
}

/// What the table of options does not say of these: connections have no groups, and no value is none.
pub(crate) fn check(
    family: Family,
    sockets: u8,
    level: u32,
    name: u32,
    value: &[u8],
) -> Result<(), Errno> {
    let stream = sockets == STREAM;
    match (level, name) {
        (IPPROTO_IP, IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP) if stream => Err(Errno::EPROTO),
        (IPPROTO_IP, IP_MULTICAST_TTL | IP_MULTICAST_IF) if stream => Err(Errno::EINVAL),
        (IPPROTO_IP, IP_MULTICAST_LOOP | IP_MULTICAST_ALL) if value.is_empty() => {
            Err(Errno::EINVAL)
        }
        (IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP | IPV6_DROP_MEMBERSHIP)
            if stream && family == Family::V6 =>
        {
            match value.len() {
                0..IPV6_MREQ => Err(Errno::EINVAL),
                _ => Err(Errno::EPROTO),
            }
        }
        (IPPROTO_IPV6, IPV6_MULTICAST_HOPS) if stream => Err(Errno::ENOPROTOOPT),
        _ => Ok(()),
    }
}

impl DatagramSocket {
    /// Sets an option about groups, if it is one whose value is not a mere number.
    pub(crate) fn set_group_option(
        &self,
        lwp: &Lwp<'_>,
        level: u32,
        name: u32,
        value: &[u8],
    ) -> Option<Result<(), Errno>> {
        match level {
            IPPROTO_IP if self.family == Family::V4 || self.kind == Kind::Udp => {}
            IPPROTO_IPV6 if self.family == Family::V6 => {}
            _ => return None,
        }
        let done = match (level, name) {
            (IPPROTO_IP, IP_ADD_MEMBERSHIP) => {
                Request::of_ipv4(value).and_then(|asked| self.join(lwp, &asked))
            }
            (IPPROTO_IP, IP_DROP_MEMBERSHIP) => {
                Request::of_ipv4(value).and_then(|asked| self.leave(lwp, &asked))
            }
            (IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP) => {
                Request::of_ipv6(value).and_then(|asked| self.join(lwp, &asked))
            }
            (IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP) => {
                Request::of_ipv6(value).and_then(|asked| self.leave(lwp, &asked))
            }
            (IPPROTO_IP, IP_MULTICAST_IF) => self.set_interface4(value),
            (IPPROTO_IPV6, IPV6_MULTICAST_IF) => self.set_interface6(value),
            _ => return None,
        };
        Some(done)
    }

    fn join(&self, lwp: &Lwp<'_>, asked: &Request) -> Result<(), Errno> {
        if !asked.group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        let groups = self.inet.net.groups().ok_or(Errno::ENOPROTOOPT)?;
        self.state.with(|state| state.groups.check_named(asked))?;
        let interface = self.interface_of(asked).ok_or(Errno::ENODEV)?;
        let new = (interface.index(), asked.group);
        self.state.with(|state| state.groups.check_new(new))?;
        groups.join(lwp, &self.inet.net, &interface, asked.group);
        let joined = self.state.with(|state| {
            state.groups.check_new(new)?;
            state.groups.joined.push(new);
            Ok(())
        });
        if joined.is_err() {
            // Another thread was faster.
            groups.leave(lwp, &self.inet.net, &interface, asked.group);
        }
        self.inet.settle(lwp);
        joined
    }

    fn leave(&self, lwp: &Lwp<'_>, asked: &Request) -> Result<(), Errno> {
        let index = match asked.group {
            IpAddr::V6(group) if !group.is_multicast() => return Err(Errno::EINVAL),
            IpAddr::V6(_) => asked.interface,
            IpAddr::V4(_) => match self.interface_of(asked) {
                Some(interface) => interface.index(),
                None if asked.interface == 0 && asked.address.is_unspecified() => {
                    return Err(Errno::ENODEV);
                }
                None => return Err(Errno::EADDRNOTAVAIL),
            },
        };
        let left = self.state.with(|state| {
            let joined = &mut state.groups.joined;
            let at = joined.iter().position(|(interface, group)| {
                *group == asked.group && (index == 0 || *interface == index)
            })?;
            Some(joined.remove(at))
        });
        self.left(lwp, left.ok_or(Errno::EADDRNOTAVAIL)?);
        self.inet.settle(lwp);
        Ok(())
    }

    /// Leaves all groups.
    pub(crate) fn leave_groups(&self, lwp: &Lwp<'_>) {
        let joined = self
            .state
            .with(|state| core::mem::take(&mut state.groups.joined));
        if joined.is_empty() {
            return;
        }
        for membership in joined {
            self.left(lwp, membership);
        }
        self.inet.settle(lwp);
    }

    fn left(&self, lwp: &Lwp<'_>, (interface, group): Membership) {
        let net = &self.inet.net;
        if let (Some(groups), Some(interface)) = (net.groups(), self.interface(interface)) {
            groups.leave(lwp, net, &interface, group);
        }
    }

    /// Sets by which interface datagrams to groups of IPv4 leave. An address alone will do.
    fn set_interface4(&self, value: &[u8]) -> Result<(), Errno> {
        let asked = match value.len() {
            0..4 => return Err(Errno::EINVAL),
            4..IP_MREQ => Request::new(Ipv4Addr::UNSPECIFIED.into(), ipv4(value), 0),
            _ => Request::of_ipv4(value)?,
        };
        let none = asked.interface == 0 && asked.address.is_unspecified();
        let via4 = match self.interface_of(&asked) {
            _ if none => 0,
            Some(interface) => interface.index(),
            None => return Err(Errno::EADDRNOTAVAIL),
        };
        self.state.with(|state| {
            state.groups.via4 = via4;
            let address = i32::from_ne_bytes(asked.address.octets());
            state.options.put(Opt::MulticastFrom, address);
        });
        Ok(())
    }

    fn set_interface6(&self, value: &[u8]) -> Result<(), Errno> {
        let index = u32::from_ne_bytes(*value.first_chunk().ok_or(Errno::EINVAL)?);
        if index != 0 && self.interface(index).is_none() {
            return Err(Errno::ENODEV);
        }
        self.state
            .with(|state| state.options.put(Opt::MulticastVia6, index as i32));
        Ok(())
    }

    fn interface(&self, index: u32) -> Option<Arc<Interface>> {
        let mut all = self.inet.net.interfaces().into_iter();
        all.find(|interface| interface.index() == index)
    }

    /// The interface that a program means: by its number, by its address, or the one where packets to the group leave.
    fn interface_of(&self, asked: &Request) -> Option<Arc<Interface>> {
        if asked.interface != 0 {
            return self.interface(asked.interface);
        }
        if asked.address.is_unspecified() {
            return self.usual_interface(asked.group);
        }
        let address = asked.address.into();
        let own = self.inet.net.addresses().into_iter().find(|own| {
            own.cidr.address() == address
                || own.interface.is_loopback() && own.cidr.contains(address)
        });
        own.map(|own| own.interface)
    }

    /// Where packets to a group leave. IPv6's need no route: every link could be meant, and the first is.
    fn usual_interface(&self, group: IpAddr) -> Option<Arc<Interface>> {
        let net = &self.inet.net;
        net.interface_to(group).or_else(|| {
            let mut all = net.interfaces().into_iter();
            all.find(|one| group.is_ipv6() && one.is_up() && !one.is_loopback())
        })
    }

    /// Says by which interface a route to a group goes, and from which address. `link` is the interface's number, if the
    /// program named one for addresses that mean something on one link only.
    pub(crate) fn aim(&self, route: &mut Route, link: u32) -> Result<(), Errno> {
        let group = route.to.addr;
        let (usual, from) = self.state.with(|state| match group {
            IpAddr::V4(_) => {
                let from = state.options.number(Opt::MulticastFrom);
                (state.groups.via4, Ipv4Addr::from(from.to_ne_bytes()).into())
            }
            IpAddr::V6(_) => {
                let usual = state.options.number(Opt::MulticastVia6);
                (usual, Ipv6Addr::UNSPECIFIED.into())
            }
        });
        let link = if is_on_link(group) { link } else { 0 };
        let via = match if link == 0 { usual } else { link } {
            0 => self.way_to(group, route.from.addr)?,
            index => self.interface(index).ok_or(Errno::ENODEV)?,
        };
        if route.from.addr.is_unspecified() {
            route.from.addr = from;
        }
        if route.from.addr.is_unspecified() {
            route.from.addr = self.inet.net.source_to_group(&via, group)?;
        }
        route.via = Some(via);
        Ok(())
    }

    /// Where packets to a group leave if no interface was named: with IPv4, an address of ours that they come from names one.
    fn way_to(&self, group: IpAddr, from: IpAddr) -> Result<Arc<Interface>, Errno> {
        let way = match from {
            IpAddr::V4(address) if !address.is_unspecified() => {
                self.interface_of(&Request::new(group, address, 0))
            }
            _ => self.usual_interface(group),
        };
        way.ok_or(Errno::ENETUNREACH)
    }

    /// Sends a packet; one to a group also to those of it who are in this kernel. The loopback brings it to them by itself.
    pub(crate) fn emit(&self, lwp: &Lwp<'_>, frame: Frame, route: &Route) -> Result<(), Errno> {
        let net = &self.inet.net;
        let group = route.to.addr;
        if let Some(via) = &route.via
            && group.is_multicast()
            && !via.is_loopback()
        {
            let option = match group.is_ipv4() {
                true => Opt::MulticastLoop,
                false => Opt::MulticastLoop6,
            };
            if via.is_up() && self.state.with(|state| state.options.is(option)) {
                net.loop_back(lwp, via, &frame);
            }
            if IpInfo::read(frame.payload()).is_some_and(|info| info.hop_limit == 0) {
                net.pool().recycle(frame);
                return Ok(());
            }
        }
        net.output(lwp, frame, route.via.as_ref())
    }

    /// Whether the socket hears what came in by an interface for this address: not, if it wants to hear of its own groups
    /// only, and this is none of them.
    pub(crate) fn hears(&self, interface: &Interface, to: IpAddr) -> bool {
        if !to.is_multicast() {
            return true;
        }
        let all = match to.is_ipv4() {
            true => Opt::MulticastAll,
            false => Opt::MulticastAll6,
        };
        self.state.with(|state| {
            state.options.is(all) || state.groups.joined.contains(&(interface.index(), to))
        })
    }
}

impl Groups {
    /// Whether a group of IPv6 may be joined, as it was named: the interface comes later.
    fn check_named(&self, asked: &Request) -> Result<(), Errno> {
        let is = |(interface, group): &Membership| {
            let named = asked.interface == 0 || asked.interface == *interface;
            named && *group == asked.group
        };
        match asked.group.is_ipv6() && self.joined.iter().any(is) {
            true => Err(Errno::EADDRINUSE),
            false => Ok(()),
        }
    }

    /// Whether a socket may be in this one, too.
    fn check_new(&self, new: Membership) -> Result<(), Errno> {
        if self.joined.contains(&new) {
            return Err(Errno::EADDRINUSE);
        }
        let ipv4 = new.1.is_ipv4();
        let joined = self.joined.iter();
        let count = joined.filter(|(_, group)| group.is_ipv4() == ipv4).count();
        match ipv4 {
            true if count >= MOST_V4 => Err(Errno::ENOBUFS),
            false if count >= MOST_V6 => Err(Errno::ENOMEM),
            _ => Ok(()),
        }
    }
}

impl Request {
    fn new(group: IpAddr, address: Ipv4Addr, interface: u32) -> Self {
        Request {
            group,
            address,
            interface,
        }
    }

    /// A `struct ip_mreq` or `struct ip_mreqn`.
    fn of_ipv4(value: &[u8]) -> Result<Self, Errno> {
        if value.len() < IP_MREQ {
            return Err(Errno::EINVAL);
        }
        let interface = match value.get(IP_MREQ..IP_MREQN) {
            Some(bytes) => word(bytes),
            None => 0,
        };
        Ok(Request::new(
            ipv4(value).into(),
            ipv4(&value[4..]),
            interface,
        ))
    }

    /// A `struct ipv6_mreq`.
    fn of_ipv6(value: &[u8]) -> Result<Self, Errno> {
        let value = value.first_chunk::<IPV6_MREQ>().ok_or(Errno::EINVAL)?;
        let (group, interface) = value.split_at(16);
        let group: [u8; 16] = group.try_into().map_err(|_| Errno::EINVAL)?;
        let none = Ipv4Addr::UNSPECIFIED;
        Ok(Request::new(
            Ipv6Addr::from(group).into(),
            none,
            word(interface),
        ))
    }
}

/// The number that at least four bytes begin with.
fn word(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

/// The address that at least four bytes begin with.
fn ipv4(bytes: &[u8]) -> Ipv4Addr {
    Ipv4Addr::from(word(bytes).to_ne_bytes())
}

/// Whether a group means something on one link only, so that a program has to say on which (RFC 4291 § 2.7).
fn is_on_link(group: IpAddr) -> bool {
    group.is_ipv6() && net::scope(group) <= 2
}
