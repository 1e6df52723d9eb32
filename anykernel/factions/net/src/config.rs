//! Configuration: interfaces up and down, addresses, routes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::{Errno, Level, Lwp, log};

use crate::address::link_local;
use crate::{Cidr, Interface, InterfaceAddress, Medium, Net, Reason, Route};

/// The prefix of a link (RFC 4291 § 2.5.6).
const LINK_LOCAL_PREFIX: u8 = 64;

impl Net {
    /// Has packets come and go. An Ethernet interface gets its link-local IPv6 address with it.
    pub fn up(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        if interface.is_up_itself() {
            return;
        }
        interface.set_up(true);
        if interface.medium() == Medium::Ethernet {
            let address = link_local(interface.hardware_address());
            if let Ok(cidr) = Cidr::new(address.into(), LINK_LOCAL_PREFIX) {
                // It is there already after having been down.
                let _ = self.table.with(|table| table.add_address(interface, cidr));
            }
            self.announce_all(lwp, interface);
        }
        self.flush(lwp);
    }

    /// Has packets neither come nor go. Addresses and routes stay; neighbours are forgotten.
    pub fn down(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        interface.set_up(false);
        self.forget_neighbours(lwp, interface);
    }

    /// Takes note whether a link has somebody at its other end, and tells who is told of such things if that is new.
    /// Nothing but a link's driver knows. As on Linux, addresses and routes stay: what is sent while there is nobody is the
    /// link's to refuse, and neighbours have to be asked for, so that senders hear when nobody answers. No lock is held.
    pub fn set_carrier(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, carrier: bool) {
        if !interface.set_carrier(carrier) {
            return;
        }
        let (name, instance) = (interface.name(), lwp.instance());
        match carrier {
            true => log!(instance, Level::Info, "{name}: the link is up"),
            false => log!(instance, Level::Warning, "{name}: the link is down"),
        }
        match carrier {
            true => self.resume(lwp, interface),
            false => self.forget_neighbours(lwp, interface),
        }
        interface.tell_upper(lwp, self);
    }

    /// What is at the other end of a link that is back may be another network, and its switches know nobody.
    fn resume(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        if !interface.is_up_itself() {
            return;
        }
        self.announce_all(lwp, interface);
        self.dhcp_resume(lwp, interface);
        if let Some(autoconf) = self.autoconf() {
            autoconf.resume(lwp, self, interface);
        }
        self.flush(lwp);
    }

    /// Tells others that its addresses are here.
    fn announce_all(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        let own: Vec<Cidr> = self.table.with(|table| table.of(interface).collect());
        for cidr in own {
            self.announce(lwp, interface, cidr.address());
        }
    }

    fn forget_neighbours(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        let waiting = self
            .neighbours
            .with(|neighbours| neighbours.forget(interface.index()));
        for packet in waiting {
            self.drop_frame(interface, packet, Reason::Down);
        }
        self.flush(lwp);
    }

    /// Gives an interface an address, with the route to its network, and has the interface up. `EEXIST`
    /// if the kernel has the address, `EADDRNOTAVAIL` if it is none that one station can have.
    pub fn add_address(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        cidr: Cidr,
    ) -> Result<(), Errno> {
        let address = cidr.address();
        let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        if address.is_multicast() || address.is_unspecified() || broadcast {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.table
            .with(|table| table.add_address(interface, cidr))?;
        if interface.is_up_itself() {
            self.announce(lwp, interface, address);
            self.flush(lwp);
        } else {
            self.up(lwp, interface);
        }
        Ok(())
    }

    /// Takes an address away, with the route to its network. `EADDRNOTAVAIL` if the interface has it not.
    pub fn remove_address(&self, interface: &Arc<Interface>, address: IpAddr) -> Result<(), Errno> {
        self.table
            .with(|table| table.remove_address(interface, address))
    }

    /// Adds a route, in place of one to the same network with the same metric. `EINVAL` if gateway and
    /// network are of different families.
    pub fn add_route(&self, route: Route) -> Result<(), Errno> {
        let destination = route.destination.network();
        let same = |gateway: IpAddr| gateway.is_ipv4() == destination.address().is_ipv4();
        if !route.gateway.is_none_or(same) {
            return Err(Errno::EINVAL);
        }
        self.table.with(|table| {
            table.add_route(Route {
                destination,
                ..route
            });
        });
        Ok(())
    }

    /// Has packets for elsewhere go to `gateway`. `ENETUNREACH` if it is on no network of ours.
    pub fn add_gateway(&self, lwp: &Lwp<'_>, gateway: IpAddr) -> Result<(), Errno> {
        if self.is_local(lwp, gateway) {
            return Err(Errno::EINVAL);
        }
        let (interface, _) = self
            .table
            .with(|table| table.lookup(gateway, None))
            .ok_or(Errno::ENETUNREACH)?;
        self.add_route(Route {
            destination: Cidr::everything(gateway),
            gateway: Some(gateway),
            metric: 0,
            interface,
        })
    }

    /// Takes a route away. `ENETUNREACH` if it is not there.
    pub fn remove_route(&self, route: &Route) -> Result<(), Errno> {
        let removed = self.table.with(|table| {
            table.remove_route(
                route.destination,
                route.gateway,
                route.metric,
                &route.interface,
            )
        });
        removed.then_some(()).ok_or(Errno::ENETUNREACH)
    }

    /// Says whether an address of ours goes out of use: then nothing begins from it for which there is another.
    pub fn deprecate_address(&self, address: IpAddr, deprecated: bool) {
        self.table
            .with(|table| table.deprecate(address, deprecated));
    }

    /// Takes the routes by which packets for elsewhere go to `gateway` away.
    pub fn remove_gateway(&self, gateway: IpAddr) {
        let everything = Cidr::everything(gateway);
        self.table.with(|table| {
            table
                .routes
                .retain(|route| route.gateway != Some(gateway) || route.destination != everything);
        });
    }

    /// All addresses.
    pub fn addresses(&self) -> Vec<InterfaceAddress> {
        self.table.with(|table| table.addresses.clone())
    }

    /// All routes.
    pub fn routes(&self) -> Vec<Route> {
        self.table.with(|table| table.routes.clone())
    }

    /// Tells the stations on a link that an address is ours, so that they forget who had it before.
    fn announce(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, address: IpAddr) {
        if interface.medium() != Medium::Ethernet {
            return;
        }
        match address {
            IpAddr::V4(address) => self.arp_announce(lwp, interface, address),
            IpAddr::V6(address) => self.ndisc_announce(lwp, interface, address),
        }
    }
}
