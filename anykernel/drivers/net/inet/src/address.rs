//! Addresses as sockets name them and as packets carry them.
//!
//! Inside, an IPv4 address is an IPv4 address, whatever family the socket has; the form
//! `::ffff:a.b.c.d` exists only where an IPv6 socket speaks to its program (RFC 4291 §2.5.5.2).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use base::Errno;
use syscall::SockAddr;
use syscall::consts::*;

/// An address and a port of the protocol at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(crate) addr: IpAddr,
    pub(crate) port: u16,
}

impl Endpoint {
    pub(crate) fn new(addr: IpAddr, port: u16) -> Self {
        Endpoint { addr, port }
    }
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tuple {
    pub(crate) local: Endpoint,
    pub(crate) remote: Endpoint,
}

/// What a socket is bound to: one address, or all of its family, and perhaps IPv4's too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) addr: IpAddr,
    /// The unspecified IPv6 address stands for all IPv4 addresses as well.
    pub(crate) dual: bool,
}

impl Scope {
    /// All addresses a socket of `family` can have.
    pub(crate) fn all(family: Family, v6only: bool) -> Self {
        Scope::of(family, family.unspecified(), v6only)
    }

    /// One address, as a socket of `family` means it.
    pub(crate) fn of(family: Family, addr: IpAddr, v6only: bool) -> Self {
        Scope {
            addr,
            dual: family == Family::V6 && !v6only && addr == IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }

    /// How well a packet to `addr` fits: the more particular the better, `None` not at all.
    pub(crate) fn fit(&self, addr: IpAddr) -> Option<u8> {
        if self.addr == addr {
            Some(3)
        } else if self.addr.is_unspecified() && self.addr.is_ipv4() == addr.is_ipv4() {
            Some(2)
        } else if self.dual && addr.is_ipv4() {
            Some(1)
        } else {
            None
        }
    }

    /// Whether some address belongs to both.
    pub(crate) fn overlaps(&self, other: &Scope) -> bool {
        self.fit(other.addr).is_some() || other.fit(self.addr).is_some()
    }
}

/// A socket's address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// `AF_…`.
    pub(crate) fn number(self) -> u16 {
        match self {
            Family::V4 => AF_INET,
            Family::V6 => AF_INET6,
        }
    }

    /// Whether an option is that which says how long packets to the peer may be.
    pub(crate) fn asks_mtu(self, level: u32, name: u32) -> bool {
        (level, name) == (IPPROTO_IP, IP_MTU)
            || (self, level, name) == (Family::V6, IPPROTO_IPV6, IPV6_MTU)
    }

    /// The address that means all, or none yet.
    pub(crate) fn unspecified(self) -> IpAddr {
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }

    /// How a socket of this family tells its program an address. `interface` is the index of the one
    /// that a link-local address belongs to.
    pub(crate) fn report(self, end: Endpoint, interface: u32) -> SockAddr {
        match (self, end.addr) {
            (Family::V6, IpAddr::V4(addr)) if addr.is_unspecified() => {
                (IpAddr::V6(Ipv6Addr::UNSPECIFIED), end.port).into()
            }
            (Family::V6, IpAddr::V4(addr)) => (IpAddr::V6(addr.to_ipv6_mapped()), end.port).into(),
            (_, IpAddr::V6(addr)) if is_link_local(end.addr) => {
                SocketAddr::V6(SocketAddrV6::new(addr, end.port, 0, interface)).into()
            }
            (_, addr) => (addr, end.port).into(),
        }
    }

    /// What a program means by `address`, in a call of a socket of this family. The second value is
    /// the interface it names for a link-local address, or zero.
    pub(crate) fn resolve(self, address: &SockAddr) -> Result<(Endpoint, u32), Errno> {
        match (self, address) {
            (Family::V4, SockAddr::Inet(v4) | SockAddr::InetLong(v4)) => {
                Ok((Endpoint::new(IpAddr::V4(*v4.ip()), v4.port()), 0))
            }
            (Family::V6, SockAddr::Inet6(v6)) => Ok((
                Endpoint::new(v6.ip().to_canonical(), v6.port()),
                v6.scope_id(),
            )),
            // As Linux has it: the length comes first, and this is too short.
            (Family::V6, SockAddr::Inet(_)) => Err(Errno::EINVAL),
            _ => Err(Errno::EAFNOSUPPORT),
        }
    }
}

/// Whether an address means something on one link only.
pub(crate) fn is_link_local(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(_) => false,
        IpAddr::V6(addr) => addr.is_unicast_link_local(),
    }
}

/// Whether a packet can go between two addresses: both are of one version of IP.
pub(crate) fn same_version(from: IpAddr, to: IpAddr) -> Result<(), Errno> {
    match (from, to) {
        (IpAddr::V4(_), IpAddr::V6(_)) => Err(Errno::EAFNOSUPPORT),
        (IpAddr::V6(_), IpAddr::V4(_)) => Err(Errno::ENETUNREACH),
        _ => Ok(()),
    }
}

/// The address a program means that connects to the unspecified one: this host.
pub(crate) fn or_loopback(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(addr) if addr.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(addr) if addr.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        addr => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> IpAddr {
        IpAddr::V4(text.parse().unwrap())
    }

    fn v6(text: &str) -> IpAddr {
        IpAddr::V6(text.parse().unwrap())
    }

    #[test]
    fn a_dual_wildcard_overlaps_with_everything_and_an_only_one_with_its_family() {
        let dual = Scope::all(Family::V6, false);
        let only = Scope::all(Family::V6, true);
        let four = Scope::all(Family::V4, false);
        let one = Scope::of(Family::V4, v4("10.0.0.1"), false);
        let other = Scope::of(Family::V4, v4("10.0.0.2"), false);
        assert!(dual.overlaps(&four) && dual.overlaps(&one) && dual.overlaps(&only));
        assert!(!only.overlaps(&four) && !only.overlaps(&one));
        assert!(four.overlaps(&one) && !one.overlaps(&other));
    }

    #[test]
    fn the_more_particular_scope_fits_better() {
        let addr = v4("10.0.0.1");
        let dual = Scope::all(Family::V6, false);
        let four = Scope::all(Family::V4, false);
        let one = Scope::of(Family::V4, addr, false);
        assert!(one.fit(addr) > four.fit(addr) && four.fit(addr) > dual.fit(addr));
        assert_eq!(dual.fit(v6("fd00::1")), Some(2));
        assert_eq!(four.fit(v6("fd00::1")), None);
    }

    #[test]
    fn an_ipv6_socket_shows_ipv4_addresses_as_mapped() {
        let end = Endpoint::new(v4("10.0.0.1"), 80);
        let shown = Family::V6.report(end, 0);
        assert_eq!(shown, (v6("::ffff:10.0.0.1"), 80).into());
        assert_eq!(Family::V6.resolve(&shown), Ok((end, 0)));
    }
}
