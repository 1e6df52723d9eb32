//! The name servers that networks tell of: in leases, and in what routers advertise. They are kept here because who
//! hears of them and who asks them do not know each other.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use crate::{Interface, Net};

/// A name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its address.
    pub address: IpAddr,
    /// The number of the interface that its network was heard of by.
    pub interface: u32,
}

impl Net {
    /// The name servers that networks told of, those of leases first.
    pub fn name_servers(&self) -> Vec<NameServer> {
        let mut servers = Vec::new();
        for interface in self.interfaces() {
            let lease = self.lease(&interface);
            let leased = lease.into_iter().flat_map(|lease| lease.dns).flatten();
            servers.extend(leased.map(|address| NameServer {
                address: address.into(),
                interface: interface.index(),
            }));
        }
        self.advertised_servers
            .with(|advertised| servers.extend_from_slice(advertised));
        servers
    }

    /// Says which name servers routers advertise on an interface, in place of those said before.
    pub fn set_advertised_servers(&self, interface: &Arc<Interface>, addresses: &[Ipv6Addr]) {
        let interface = interface.index();
        self.advertised_servers.with(|servers| {
            servers.retain(|server| server.interface != interface);
            servers.extend(addresses.iter().map(|address| NameServer {
                address: (*address).into(),
                interface,
            }));
        });
    }
}
