//! The driver that configures interfaces by what routers advertise: addresses (stateless address autoconfiguration,
//! RFC 4862), networks on the link, the default router and the MTU (RFC 4861 § 6.3), name servers (RFC 8106).
//!
//! An interface begins with it when the boot (`ip=auto`) or a call says so; till then nothing that routers say has an
//! effect. Addresses are made of the prefix and the hardware address, and had only when nobody else on the link
//! has them. It does not know DHCP for IPv6, temporary addresses, preferences of routers or redirects.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod advertisement;
mod client;
mod state;
pub mod syscalls;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Errno, Failure, Level, Lwp, log};
use net::{Discovered, Interface, Medium, Net};

use advertisement::Advertisement;
use client::Client;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("autoconf").start(start).stop(stop);

/// The state of the driver: the interfaces that are configured.
pub struct Autoconf(Leaf<Vec<Arc<Client>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let autoconf = Arc::new(Autoconf(Leaf::new(Vec::new())));
    boot.publish(autoconf.clone());
    Ok(boot.get::<Net>().set_autoconf(boot.lwp(), autoconf)?)
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(autoconf) = lwp.state::<Autoconf>() {
        for client in autoconf.0.with(core::mem::take) {
            client.stop(lwp);
        }
    }
}

impl Autoconf {
    /// Has an interface configured, and waits until it has an address. `ETIMEDOUT` if no router tells of one within 15 s,
    /// `EADDRINUSE` if others have those told of; it goes on in either case. `EOPNOTSUPP` where there is no Ethernet.
    pub fn configure(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
    ) -> Result<(), Errno> {
        net::Autoconf::start(self, lwp, net, interface)?;
        let client = self.client_of(interface).ok_or(Errno::ECANCELED)?;
        client.wait(lwp)
    }

    fn client_of(&self, interface: &Arc<Interface>) -> Option<Arc<Client>> {
        self.0.with(|clients| {
            let mut clients = clients.iter();
            clients.find(|client| client.is_for(interface)).cloned()
        })
    }
}

impl net::Autoconf for Autoconf {
    fn start(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>) -> Result<(), Errno> {
        if interface.medium() != Medium::Ethernet {
            let name = interface.name();
            log!(
                lwp.instance(),
                Level::Error,
                "{name}: auto: it is no Ethernet"
            );
            return Err(Errno::EOPNOTSUPP);
        }
        if self.client_of(interface).is_none() {
            net.up(lwp, interface);
            let client = Client::new(lwp, interface);
            self.0.with(|clients| clients.push(client.clone()));
            client.turn(lwp, net);
        }
        Ok(())
    }

    fn resume(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>) {
        if let Some(client) = self.client_of(interface) {
            client.resume(lwp, net);
        }
    }

    fn hear(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        news: Discovered,
        message: &[u8],
    ) {
        let Some(client) = self.client_of(interface) else {
            return;
        };
        match news {
            Discovered::Router(router) => {
                if let Some(advertisement) = Advertisement::read(message) {
                    client.hear(lwp, net, router, &advertisement);
                }
            }
            Discovered::Claim(address) => client.give_up(lwp, net, address),
        }
    }
}

#[cfg(test)]
mod tests;
