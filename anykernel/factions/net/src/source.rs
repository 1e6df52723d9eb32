//! Which of its addresses the kernel speaks from (RFC 6724, as far as it concerns hosts without
//! policy table and temporary addresses).

use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr};

use base::{Errno, Lwp};

use crate::address::common_prefix;
use crate::table::Table;
use crate::{Interface, Net};

impl Net {
    /// The address to send from to `destination`. `ENETUNREACH` where there is no route,
    /// `EADDRNOTAVAIL` where there is one and no address of that family.
    pub fn source_for(&self, _lwp: &Lwp<'_>, destination: IpAddr) -> Result<IpAddr, Errno> {
        self.table.with(|table| table.source_for(destination))
    }
}

impl Table {
    fn source_for(&self, destination: IpAddr) -> Result<IpAddr, Errno> {
        // Rule 1, and the loopback network, of which every address is ours.
        if self.own(destination).is_some() {
            return Ok(destination);
        }
        if self.is_local(destination) {
            return Ok(Ipv4Addr::LOCALHOST.into());
        }
        let (interface, next_hop) = self.lookup(destination, None).ok_or(Errno::ENETUNREACH)?;
        self.source_on(&interface, destination, next_hop)
            .ok_or(Errno::EADDRNOTAVAIL)
    }

    /// The best address for packets that leave by `interface`; another interface's if it has none.
    pub(crate) fn source_on(
        &self,
        interface: &Arc<Interface>,
        destination: IpAddr,
        next_hop: IpAddr,
    ) -> Option<IpAddr> {
        let wanted = scope(destination);
        // The plain form: iterators put together are half a kilobyte of code.
        let mut best: Option<([u8; 6], IpAddr)> = None;
        for own in &self.addresses {
            let address = own.cidr.address();
            let scope = scope(address);
            let here = Arc::ptr_eq(&own.interface, interface);
            // A link-local address means nothing on another link.
            let fits = address.is_ipv4() == destination.is_ipv4()
                && !own.interface.is_loopback()
                && (here || scope > LINK);
            if !fits {
                continue;
            }
            // Rule 2: the smallest scope that is large enough, else the largest there is.
            let (enough, near) = match scope >= wanted {
                true => (true, u8::MAX - scope),
                false => (false, scope),
            };
            let merit = [
                enough.into(),
                near,
                // Rule 3.
                (!own.deprecated).into(),
                // Rule 5: the outgoing interface's own.
                here.into(),
                own.cidr.contains(next_hop).into(),
                // Rule 8, not beyond the prefix of the source.
                common_prefix(address, destination).min(own.cidr.prefix()),
            ];
            // Of equals, the first that was added.
            if best.is_none_or(|(most, _)| merit > most) {
                best = Some((merit, address));
            }
        }
        best.map(|(_, address)| address)
    }
}

const LINK: u8 = 2;
const GLOBAL: u8 = 14;

/// How far an address is known (RFC 4291 § 2.7; RFC 6724 § 3.1 and 3.2).
pub fn scope(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) if address.is_loopback() || address.is_link_local() => LINK,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(address) if address.is_multicast() => address.octets()[1] & 0xf,
        IpAddr::V6(address) if address.is_loopback() || address.is_unicast_link_local() => LINK,
        IpAddr::V6(_) => GLOBAL,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{boot, ip};
    use base::Errno;

    #[test]
    fn speaks_from_the_address_that_fits() {
        let host = boot();
        let near = host.ethernet("near", &["10.0.0.2/24", "10.9.0.2/24", "fd00::2/64"]);
        host.ethernet("far", &["192.168.7.2/24", "2001:db8::2/64"]);
        host.in_kernel(|lwp, net| {
            let from = |to: &str| net.source_for(lwp, ip(to));
            assert_eq!(from("10.0.0.9"), Ok(ip("10.0.0.2")));
            assert_eq!(from("10.9.0.9"), Ok(ip("10.9.0.2")));
            assert_eq!(from("192.168.7.9"), Ok(ip("192.168.7.2")));
            assert_eq!(from("10.0.0.2"), Ok(ip("10.0.0.2")));
            assert_eq!(from("8.8.8.8"), Err(Errno::ENETUNREACH));
            net.add_gateway(lwp, ip("10.9.0.1")).unwrap();
            assert_eq!(from("8.8.8.8"), Ok(ip("10.9.0.2")));
            assert_eq!(from("fd00::9"), Ok(ip("fd00::2")));
            assert_eq!(from("2001:db8::9"), Ok(ip("2001:db8::2")));
            assert_eq!(from("2001:db9::9"), Err(Errno::ENETUNREACH));
            let local = crate::address::link_local(near.interface.hardware_address());
            assert_eq!(from("fe80::77"), Ok(local.into()));
        });
    }
}
