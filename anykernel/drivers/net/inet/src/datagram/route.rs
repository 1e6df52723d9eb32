//! Where a datagram goes, and from where: by what the program says, by what connecting chose, and by the addresses and
//! routes of the kernel. Errors and their order are Linux's.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Errno, Lwp};
use net::Interface;
use syscall::SockAddr;
use syscall::consts::AF_INET;

use super::ancillary::Chosen;
use super::{DatagramSocket, DatagramState, Kind};
use crate::address::{Endpoint, Family, or_loopback, same_version};
use crate::emit::Marks;
use crate::inet::Inet;
use crate::options::Opt;

/// Where a datagram goes to, and from where.
pub(crate) struct Route {
    pub(crate) to: Endpoint,
    pub(crate) from: Endpoint,
    /// By which interface, where the addresses do not say.
    pub(crate) via: Option<Arc<Interface>>,
    pub(crate) hop_limit: u8,
    pub(crate) marks: Marks,
    /// Who sends it wants to hear if it is longer than a packet.
    pub(crate) whole: bool,
    /// It ends on a link of ours, or is not to be sent.
    near: bool,
}

impl DatagramSocket {
    /// Has a datagram come from where the program wants. `EINVAL` for an address that is not ours, `ENODEV` for an interface
    /// that there is not.
    pub(crate) fn choose(
        &self,
        lwp: &Lwp<'_>,
        route: &mut Route,
        chosen: &Chosen,
    ) -> Result<(), Errno> {
        if let Some(from) = chosen.from {
            if from.is_ipv4() != route.to.addr.is_ipv4() || !self.inet.net.is_local(lwp, from) {
                return Err(Errno::EINVAL);
            }
            route.from.addr = from;
        }
        if chosen.interface != 0 {
            let all = self.inet.net.interfaces().into_iter();
            let mut wanted = all.filter(|it| it.index() == chosen.interface);
            route.via = Some(wanted.next().ok_or(Errno::ENODEV)?);
        }
        Ok(())
    }

    /// Where a datagram to `to`, or to the peer, goes.
    #[inline]
    pub(crate) fn route(&self, lwp: &Lwp<'_>, to: &Option<SockAddr>) -> Result<Route, Errno> {
        match to {
            None => self.route_to_peer(lwp),
            Some(to) => self.route_to(lwp, to),
        }
    }

    fn route_to_peer(&self, lwp: &Lwp<'_>) -> Result<Route, Errno> {
        let route = self.state.with(|state| match &state.peer {
            // Comes before all that is wrong with the socket itself.
            None => Err(Errno::EDESTADDRREQ),
            Some(peer) => Ok(state.is_open().then(|| Route {
                via: state.via.clone(),
                ..state.route(self.family, peer)
            })),
        })?;
        let route = route.ok_or_else(|| self.refusal(lwp))?;
        if route.near {
            self.inet.check_near(route.to.addr)?;
        }
        Ok(route)
    }

    fn route_to(&self, lwp: &Lwp<'_>, to: &SockAddr) -> Result<Route, Errno> {
        let (to, named_link) = self.resolve(to)?;
        let known = self.state.with(|state| {
            let [only6, broadcast] = [Opt::Only6, Opt::Broadcast].map(|it| state.options.is(it));
            let route = || state.route(self.family, &to);
            let route = state.is_open().then(route)?;
            Some((route, state.link, only6, broadcast))
        });
        let Some((mut route, link, only6, broadcast)) = known else {
            return Err(self.refusal(lwp));
        };
        if route.near {
            self.inet.check_near(to.addr)?;
        }
        if only6 && to.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if !broadcast && self.inet.is_broadcast(to.addr) {
            return Err(Errno::EACCES);
        }
        let link = if named_link == 0 { link } else { named_link };
        self.complete(lwp, &mut route, link)?;
        Ok(route)
    }

    /// Why nothing can be sent.
    #[cold]
    fn refusal(&self, lwp: &Lwp<'_>) -> Errno {
        self.update(lwp, |state| state.error.take())
            .unwrap_or(Errno::EPIPE)
    }

    /// Says where a route begins and by which interface it goes, and sees whether it can be, and whether it ends in this
    /// kernel.
    fn complete(&self, lwp: &Lwp<'_>, route: &mut Route, link: u32) -> Result<(), Errno> {
        route.via = self.inet.link(route.to.addr, link);
        if route.to.addr.is_multicast() {
            self.aim(route, link)?;
        }
        if route.from.addr.is_unspecified() {
            route.from.addr = self.inet.net.source_for(lwp, route.to.addr)?;
        }
        same_version(route.from.addr, route.to.addr)?;
        if self.inet.net.is_local(lwp, route.to.addr) {
            route.via = self.inet.net.loopback();
        }
        Ok(())
    }

    pub(super) fn resolve(&self, address: &SockAddr) -> Result<(Endpoint, u32), Errno> {
        let (mut end, link) = match (self.family, address) {
            // Datagrams to an IPv4 address may name it as one.
            (Family::V6, SockAddr::Inet(_) | SockAddr::InetLong(_)) => {
                Family::V4.resolve(address)?
            }
            _ => self.family.resolve(address)?,
        };
        end.addr = or_loopback(end.addr);
        Ok((end, link))
    }

    pub(super) fn connect_to(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        if *address == SockAddr::Unspec {
            return self.dissolve(lwp);
        }
        let (peer, link) = self.resolve(address)?;
        let (v6only, broadcast, bound) = self.state.with(|state| {
            let (bound, options) = (state.local.filter(|_| state.bound), &state.options);
            (
                options.is(Opt::Only6),
                options.is(Opt::Broadcast),
                one(&bound).copied(),
            )
        });
        if v6only && peer.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if !broadcast && self.inet.is_broadcast(peer.addr) {
            return Err(Errno::EACCES);
        }
        let local = match bound {
            // As Linux has it: one written as IPv6 is looked for, and cannot be reached.
            Some(IpAddr::V6(_)) if address.family() == AF_INET => return Err(Errno::EAFNOSUPPORT),
            Some(local) => local,
            None => self.family.unspecified(),
        };
        let mut route = Route {
            to: peer,
            from: Endpoint::new(local, 0),
            via: None,
            hop_limit: 0,
            marks: Marks::default(),
            whole: false,
            near: false,
        };
        self.complete(lwp, &mut route, link)?;
        let local = route.from.addr;
        if self.kind == Kind::Udp {
            self.bind_if_unbound(lwp)?;
        }
        self.update(lwp, |state| {
            state.local = Some(local);
            state.peer = Some(peer);
            // As Linux has it, a datagram that was begun goes to the new peer.
            state.gathered.to = None;
            state.via = route.via;
            state.link = link;
        });
        self.rehash(Some(local));
        Ok(())
    }

    pub(super) fn dissolve(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let given = self.update(lwp, |state| {
            state.peer = None;
            if !state.bound {
                state.local = None;
                return state.port.take();
            }
            if let Some((_, claim)) = &state.port {
                let addr = claim.scope.addr;
                state.local = (!addr.is_unspecified()).then_some(addr);
            }
            None
        });
        match given {
            // It came with the connection and goes with it.
            Some((port, claim)) => self.leave_port(port, &claim),
            None => self.rehash(None),
        }
        Ok(())
    }
}

/// An address that packets can come from, which a group's is not.
fn one(local: &Option<IpAddr>) -> Option<&IpAddr> {
    local.as_ref().filter(|local| !local.is_multicast())
}

impl DatagramState {
    /// Whether anything can be sent.
    fn is_open(&self) -> bool {
        !self.shut_write && self.error.is_none()
    }

    /// The way to an address as far as the socket itself knows.
    fn route(&self, family: Family, to: &Endpoint) -> Route {
        let (options, ipv4) = (&self.options, to.addr.is_ipv4());
        let unspecified = family.unspecified();
        // By reference: what is put together from bytes cannot be read at once as what it is.
        let from = one(&self.local).unwrap_or(&unspecified);
        let port = self.port.map_or(0, |(port, _)| port);
        Route {
            to: *to,
            from: Endpoint::new(*from, port),
            via: None,
            hop_limit: options.hop_limit_to(to.addr),
            marks: options.marks(ipv4),
            whole: options.is_whole(ipv4),
            near: options.is(Opt::DontRoute),
        }
    }
}

impl Inet {
    /// Whether an address means all hosts of a network.
    fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(addr) = addr else {
            return false;
        };
        // The smallest network with such an address has four.
        addr.is_broadcast()
            || addr.to_bits() & 3 == 3
                && self
                    .net
                    .addresses()
                    .iter()
                    .any(|own| own.cidr.broadcast() == Some(addr))
    }
}
