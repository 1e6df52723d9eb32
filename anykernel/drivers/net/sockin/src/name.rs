//! Addresses as programs name them and as they cross to the host.

use core::net::{Ipv6Addr, SocketAddrV4, SocketAddrV6};

use hypercall::SocketName;
use syscall::SockAddr;
use syscall::consts::{AF_INET, AF_INET6};

/// An address for the host. Of a family that is none of these it gets the number, and says what is wrong with that.
pub(crate) fn to_host(address: &SockAddr) -> SocketName {
    match address {
        SockAddr::Unspec => SocketName::default(),
        SockAddr::Inet(v4) | SockAddr::InetLong(v4) => {
            let mut name = SocketName {
                family: SocketName::IPV4,
                port: v4.port().into(),
                ..SocketName::default()
            };
            name.address[..4].copy_from_slice(&v4.ip().octets());
            name
        }
        SockAddr::Inet6(v6) => SocketName {
            family: SocketName::IPV6,
            port: v6.port().into(),
            address: v6.ip().octets(),
            flow: v6.flowinfo(),
            scope: v6.scope_id(),
        },
        SockAddr::Other { family, .. } => SocketName {
            family: (*family).into(),
            ..SocketName::default()
        },
    }
}

/// An address the host told, if it told one.
pub(crate) fn from_host(name: &SocketName) -> Option<SockAddr> {
    let port = name.port as u16;
    match name.family {
        SocketName::IPV4 => {
            let [a, b, c, d, ..] = name.address;
            Some(SockAddr::Inet(SocketAddrV4::new([a, b, c, d].into(), port)))
        }
        SocketName::IPV6 => {
            let address = Ipv6Addr::from(name.address);
            let address = SocketAddrV6::new(address, port, name.flow, name.scope);
            Some(SockAddr::Inet6(address))
        }
        _ => None,
    }
}

/// The address of a socket of this family that has none.
pub(crate) fn unspecified(domain: u16) -> SockAddr {
    let family = match domain {
        AF_INET6 => SocketName::IPV6,
        _ => SocketName::IPV4,
    };
    let name = SocketName {
        family,
        ..SocketName::default()
    };
    from_host(&name).unwrap_or(SockAddr::Unspec)
}

/// Whether it is IPv4's, for a socket that is not, and too long to be taken for something cut off.
pub(crate) fn is_foreign(domain: u16, address: &SockAddr) -> bool {
    domain != AF_INET && matches!(address, SockAddr::InetLong(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_there_and_back() {
        let all = [
            SockAddr::Inet("10.1.2.3:80".parse().unwrap()),
            SockAddr::Inet6(SocketAddrV6::new("fe80::1".parse().unwrap(), 65535, 7, 3)),
        ];
        for address in all {
            assert_eq!(from_host(&to_host(&address)), Some(address));
        }
        assert_eq!(from_host(&to_host(&SockAddr::Unspec)), None);
    }
}
