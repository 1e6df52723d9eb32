//! The addresses of the kernel and the routes of its packets. Plain data; the locking is around it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::Errno;

use crate::{Cidr, Interface, InterfaceAddress};

/// A network, and where packets to it go.
#[derive(Clone, Debug)]
pub struct Route {
    /// The network.
    pub destination: Cidr,
    /// The next hop; none where the destination is on the link itself.
    pub gateway: Option<IpAddr>,
    /// Of several routes to one network, the smallest counts.
    pub metric: u32,
    /// The interface packets leave by.
    pub interface: Arc<Interface>,
}

/// What an address means on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// One of our own.
    Ours,
    /// All, or a group we are in.
    Many,
    /// Somebody else's.
    Foreign,
}

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) addresses: Vec<InterfaceAddress>,
    pub(crate) routes: Vec<Route>,
}

impl Table {
    /// Adds an address and the route to its network. `EEXIST` if the kernel has it.
    pub(crate) fn add_address(
        &mut self,
        interface: &Arc<Interface>,
        cidr: Cidr,
    ) -> Result<(), Errno> {
        if self.own(cidr.address()).is_some() {
            return Err(Errno::EEXIST);
        }
        self.addresses.push(InterfaceAddress {
            interface: interface.clone(),
            cidr,
            deprecated: false,
        });
        self.routes.push(Route {
            destination: cidr.network(),
            gateway: None,
            metric: 0,
            interface: interface.clone(),
        });
        Ok(())
    }

    /// Removes an address and one route to its network. `EADDRNOTAVAIL` if the interface has it not.
    pub(crate) fn remove_address(
        &mut self,
        interface: &Arc<Interface>,
        address: IpAddr,
    ) -> Result<(), Errno> {
        let at = self
            .addresses
            .iter()
            .position(|own| own.cidr.address() == address && Arc::ptr_eq(&own.interface, interface))
            .ok_or(Errno::EADDRNOTAVAIL)?;
        let network = self.addresses.swap_remove(at).cidr.network();
        self.remove_route(network, None, 0, interface);
        Ok(())
    }

    /// Adds a route, in place of one to the same network with the same metric.
    pub(crate) fn add_route(&mut self, route: Route) {
        self.routes.retain(|old| {
            old.destination != route.destination
                || old.metric != route.metric
                || old.gateway.is_none()
        });
        self.routes.push(route);
    }

    /// Says whether an address of ours goes out of use.
    pub(crate) fn deprecate(&mut self, address: IpAddr, deprecated: bool) {
        let mut own = self.addresses.iter_mut();
        if let Some(own) = own.find(|own| own.cidr.address() == address) {
            own.deprecated = deprecated;
        }
    }

    /// Removes a route; whether it was there.
    pub(crate) fn remove_route(
        &mut self,
        destination: Cidr,
        gateway: Option<IpAddr>,
        metric: u32,
        interface: &Arc<Interface>,
    ) -> bool {
        let at = self.routes.iter().position(|route| {
            route.gateway == gateway
                && route.destination == destination
                && route.metric == metric
                && Arc::ptr_eq(&route.interface, interface)
        });
        at.map(|at| self.routes.swap_remove(at)).is_some()
    }

    /// Our entry for this very address.
    pub(crate) fn own(&self, address: IpAddr) -> Option<&InterfaceAddress> {
        self.addresses
            .iter()
            .find(|own| own.cidr.address() == address)
    }

    /// Whether packets to the address stay here: it is ours, or in the network of a loopback interface
    /// (all of 127.0.0.0/8).
    pub(crate) fn is_local(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| {
            own.cidr.address() == address
                || (own.interface.is_loopback() && own.cidr.contains(address))
        })
    }

    /// The route to an address, of those over `via` if that is given: the longest prefix, of equal
    /// ones the smallest metric. Gives the interface and the next hop.
    pub(crate) fn lookup(
        &self,
        destination: IpAddr,
        via: Option<&Arc<Interface>>,
    ) -> Option<(Arc<Interface>, IpAddr)> {
        let mut best: Option<&Route> = None;
        for route in &self.routes {
            let fits = route.interface.is_up()
                && via.is_none_or(|via| Arc::ptr_eq(via, &route.interface))
                && route.destination.contains(destination);
            let rank = |route: &Route| (route.destination.prefix(), u32::MAX - route.metric);
            // Of equals, the first that was added.
            if fits && best.is_none_or(|best| rank(route) > rank(best)) {
                best = Some(route);
            }
        }
        match (best, via) {
            (Some(route), _) => Some((
                route.interface.clone(),
                route.gateway.unwrap_or(destination),
            )),
            // Told where to go, a packet needs no route: the destination is taken to be on the link.
            (None, Some(via)) => Some((via.clone(), destination)),
            (None, None) => None,
        }
    }

    /// What the destination of a packet that came in by `interface` means.
    pub(crate) fn meaning(&self, address: IpAddr, interface: &Arc<Interface>) -> Meaning {
        if self.is_local(address) {
            return Meaning::Ours;
        }
        let many = match address {
            IpAddr::V4(address) => {
                address.is_broadcast()
                    || address.octets() == [224, 0, 0, 1]
                    || self.is_broadcast_of(address.into(), interface)
            }
            IpAddr::V6(address) => {
                // All nodes, of the interface and of the link.
                matches!(address.segments(), [0xff01 | 0xff02, 0, 0, 0, 0, 0, 0, 1])
                    || self.addresses.iter().any(|own| match own.cidr.address() {
                        IpAddr::V6(own) => crate::address::solicited_node(own) == address,
                        IpAddr::V4(_) => false,
                    })
            }
        };
        if many {
            Meaning::Many
        } else {
            Meaning::Foreign
        }
    }

    /// Whether the address means all hosts of a network of the interface.
    pub(crate) fn is_broadcast_of(&self, address: IpAddr, interface: &Arc<Interface>) -> bool {
        self.addresses.iter().any(|own| {
            Arc::ptr_eq(&own.interface, interface)
                && own.cidr.broadcast().map(IpAddr::V4) == Some(address)
        })
    }

    /// The addresses of an interface.
    pub(crate) fn of<'a>(
        &'a self,
        interface: &'a Arc<Interface>,
    ) -> impl Iterator<Item = Cidr> + 'a {
        self.addresses
            .iter()
            .filter(move |own| Arc::ptr_eq(&own.interface, interface))
            .map(|own| own.cidr)
    }
}
