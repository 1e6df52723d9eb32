//! One interface: its state brought about, its messages, its timer, and those who wait for it.

use alloc::sync::{Arc, Weak};
use core::net::{IpAddr, Ipv6Addr};

use base::sync::Leaf;
use base::{Blocking, Callout, Errno, Events, Level, Lwp, Readiness, Wait, Wakes, block, log};
use net::{Cidr, Discovery, Interface, Net, Route, link_local, solicited_node};

use crate::advertisement::Advertisement;
use crate::state::{Change, State};

const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// How long a call waits for an address: for all solicitations, and for what comes of the last.
const PATIENCE: u64 = 15_000_000_000;
/// Routes that the boot or a call sets come before those that routers tell of; those of one interface before those of
/// a later one, so that none takes another's place.
const METRIC: u32 = 1024;

pub(crate) struct Client {
    interface: Arc<Interface>,
    state: Leaf<State>,
    readiness: Readiness,
    timer: Arc<Callout>,
}

impl Client {
    pub(crate) fn new(lwp: &Lwp<'_>, interface: &Arc<Interface>) -> Arc<Client> {
        let own = link_local(interface.hardware_address());
        let identifier = own.to_bits() as u64;
        Arc::new_cyclic(|this: &Weak<Client>| {
            let this = this.clone();
            Client {
                interface: interface.clone(),
                state: Leaf::new(State::new(identifier, lwp.now())),
                readiness: Readiness::new(Events::NONE),
                timer: Callout::new(move |lwp| {
                    if let (Some(client), Ok(net)) = (this.upgrade(), lwp.state::<Net>()) {
                        client.turn(lwp, &net);
                    }
                }),
            }
        })
    }

    pub(crate) fn is_for(&self, interface: &Arc<Interface>) -> bool {
        Arc::ptr_eq(&self.interface, interface)
    }

    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.timer.cancel(lwp);
    }

    /// Waits until there is an address.
    pub(crate) fn wait(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let how = Blocking::new(false)
            .within(lwp, PATIENCE)
            .or(Errno::ETIMEDOUT);
        block(lwp, &self.readiness, how, || {
            self.state.with(|state| {
                if state.has_address() {
                    Ok(())
                } else if state.is_refused() {
                    Err(Wait::Fail(Errno::EADDRINUSE))
                } else {
                    Err(Wait::For(Events::IN))
                }
            })
        })
    }

    /// Takes what a router says.
    pub(crate) fn hear(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        router: Ipv6Addr,
        advertisement: &Advertisement,
    ) {
        let now = lwp.now();
        self.change(lwp, net, |state| state.hear(router, advertisement, now));
    }

    /// Gives up an address that another station has, or is about to take as we are.
    pub(crate) fn give_up(&self, lwp: &Lwp<'_>, net: &Net, address: Ipv6Addr) {
        let now = lwp.now();
        self.change(lwp, net, |state| state.give_up(address, now));
    }

    /// Asks again who is there.
    pub(crate) fn resume(&self, lwp: &Lwp<'_>, net: &Net) {
        let now = lwp.now();
        self.change(lwp, net, |state| state.resume(now));
    }

    /// Does what is due.
    pub(crate) fn turn(&self, lwp: &Lwp<'_>, net: &Net) {
        let now = lwp.now();
        self.change(lwp, net, |state| state.turn(now));
    }

    /// Changes the state and brings about what follows. One thread at a time does that, in order; others leave it to
    /// whoever is at it. No lock is held.
    fn change(&self, lwp: &Lwp<'_>, net: &Net, f: impl FnOnce(&mut State)) {
        let busy = self.state.with(|state| {
            f(state);
            core::mem::replace(&mut state.busy, true)
        });
        if busy {
            return;
        }
        while let Some(change) = self.state.with(|state| {
            let change = state.changes.pop_front();
            state.busy = change.is_some();
            change
        }) {
            self.apply(lwp, net, change);
        }
        net.flush(lwp);
        Wakes::deliver_after(lwp, |wakes| {
            self.readiness.update(Events::NONE, Events::IN, wakes);
        });
    }

    fn apply(&self, lwp: &Lwp<'_>, net: &Net, change: Change) {
        let (interface, name) = (&self.interface, self.interface.name());
        match change {
            Change::Solicit => self.solicit(lwp, net),
            Change::Probe(address) => self.probe(lwp, net, address),
            Change::Add(address) => self.add(lwp, net, address),
            Change::Remove(address) => {
                // Somebody may have taken it away before.
                let _ = net.remove_address(interface, address.into());
                log!(lwp.instance(), Level::Warning, "{name}: {address} is over");
            }
            Change::Deprecate(address, deprecated) => {
                net.deprecate_address(address.into(), deprecated);
            }
            Change::Duplicate(address) => {
                let level = Level::Error;
                log!(
                    lwp.instance(),
                    level,
                    "{name}: {address} is another station's"
                );
            }
            Change::OnLink(network, there) => self.route(lwp, net, network, None, there),
            Change::Gateway(router, there) => {
                let everything = Cidr::everything(router.into());
                self.route(lwp, net, everything, Some(router.into()), there);
            }
            Change::Servers(servers) => net.set_advertised_servers(interface, &servers),
            Change::Mtu(mtu) => interface.limit_mtu(usize::try_from(mtu).unwrap_or(usize::MAX)),
            Change::Turn(u64::MAX) => self.timer.cancel(lwp),
            Change::Turn(at) => self.timer.set(lwp, at),
        }
    }

    /// Asks for routers (RFC 4861 § 6.3.7). The first question is not delayed at random: a kernel starts because its
    /// program wants to, not because the power came back for all hosts of a link.
    fn solicit(&self, lwp: &Lwp<'_>, net: &Net) {
        let hardware = self.interface.hardware_address();
        let question = Discovery::RouterSolicitation { hardware };
        let own = link_local(hardware);
        net.ndisc_send_to_group(lwp, &self.interface, question, own, ALL_ROUTERS);
    }

    /// Asks whether somebody has an address (RFC 4862 § 5.4.2).
    fn probe(&self, lwp: &Lwp<'_>, net: &Net, address: Ipv6Addr) {
        let question = Discovery::Solicitation {
            target: address,
            hardware: None,
        };
        let (nobody, group) = (Ipv6Addr::UNSPECIFIED, solicited_node(address));
        net.ndisc_send_to_group(lwp, &self.interface, question, nobody, group);
    }

    /// Has an address. Which others are on the link is another matter (RFC 5942 § 4), so it is one by itself.
    fn add(&self, lwp: &Lwp<'_>, net: &Net, address: Ipv6Addr) {
        let name = self.interface.name();
        let result = Cidr::new(address.into(), 128)
            .and_then(|cidr| net.add_address(lwp, &self.interface, cidr));
        match result {
            Ok(()) => log!(lwp.instance(), Level::Info, "{name}: {address}"),
            Err(errno) => {
                self.state.with(|state| state.refuse(address));
                log!(lwp.instance(), Level::Error, "{name}: {address}: {errno}");
            }
        }
    }

    /// Adds a route, or takes it away.
    fn route(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        destination: Cidr,
        gateway: Option<IpAddr>,
        there: bool,
    ) {
        let route = Route {
            destination,
            gateway,
            metric: METRIC + self.interface.index(),
            interface: self.interface.clone(),
        };
        let result = if there {
            net.add_route(route)
        } else {
            net.remove_route(&route)
        };
        if let Err(errno) = result {
            let name = self.interface.name();
            log!(
                lwp.instance(),
                Level::Warning,
                "{name}: route to {destination}: {errno}"
            );
        }
    }
}
