//! What routers said about one interface, and until when it holds. Plain data: it reads no clock and changes
//! nothing, but says what is to be changed.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use net::Cidr;

use crate::advertisement::{Advertisement, Prefix, Seconds};

const SECOND: u64 = 1_000_000_000;
/// Never.
const NEVER: u64 = u64::MAX;

/// Routers asked for, and how often (RFC 4861 § 10).
const SOLICITATIONS: u32 = 3;
const SOLICITATION_INTERVAL: u64 = 4 * SECOND;
/// How long others have to say that an address is theirs (RFC 4862 § 5.1, RFC 4861 § 10).
const PROBE: u64 = SECOND;
/// How much of its life nobody can take from an address without proof (RFC 4862 § 5.5.3).
const TWO_HOURS: u64 = 7200 * SECOND;
/// The length of prefixes that addresses can be made of with a hardware address (RFC 2464 § 4).
const PREFIX: u8 = 64;
/// The least that a link of IPv6 carries.
const LEAST_MTU: u32 = 1280;

/// Of each kind of thing that routers tell of, this many are remembered.
const MOST: usize = 16;
/// Name servers remembered.
const MOST_SERVERS: usize = 3;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Routers are to be asked for.
    Solicit,
    /// Others are to be asked whether they have an address.
    Probe(Ipv6Addr),
    /// An address is ours.
    Add(Ipv6Addr),
    /// An address is no longer ours.
    Remove(Ipv6Addr),
    /// An address goes out of use, or not.
    Deprecate(Ipv6Addr, bool),
    /// Somebody else has an address that was to be ours.
    Duplicate(Ipv6Addr),
    /// A network is on the link, or no longer.
    OnLink(Cidr, bool),
    /// Packets for elsewhere go to a router, or no longer.
    Gateway(Ipv6Addr, bool),
    /// These are the name servers.
    Servers(Vec<Ipv6Addr>),
    /// The longest packet.
    Mtu(u32),
    /// The time of the next turn; `u64::MAX` for none.
    Turn(u64),
}

/// Something, and until when.
struct Timed<T> {
    what: T,
    until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Others may say until then that they have it.
    Tentative(u64),
    Ours,
    /// Ours, and going out of use.
    Deprecated,
    /// Others have it, or it was ours before.
    Foreign,
}

struct Address {
    address: Ipv6Addr,
    preferred: u64,
    standing: Standing,
}

/// The state of one interface.
pub(crate) struct State {
    /// The interface's half of addresses.
    identifier: u64,
    solicitations: u32,
    solicit: u64,
    /// Default routers; the first is in use.
    routers: Vec<Timed<Ipv6Addr>>,
    gateway: Option<Ipv6Addr>,
    networks: Vec<Timed<Cidr>>,
    addresses: Vec<Timed<Address>>,
    servers: Vec<Timed<Ipv6Addr>>,
    /// To be done, in this order.
    pub(crate) changes: VecDeque<Change>,
    /// Somebody is at it.
    pub(crate) busy: bool,
}

/// When a lifetime ends.
fn end(now: u64, lifetime: Seconds) -> u64 {
    match lifetime {
        u32::MAX => NEVER,
        seconds => now.saturating_add(u64::from(seconds) * SECOND),
    }
}

/// Notes that something holds for a lifetime, which may be none; whether that changes whether it is known.
fn note<T: Copy + PartialEq>(
    all: &mut Vec<Timed<T>>,
    most: usize,
    what: T,
    lifetime: Seconds,
    now: u64,
) -> bool {
    let until = end(now, lifetime);
    let at = all.iter().position(|other| other.what == what);
    match (at, lifetime) {
        (Some(at), 0) => {
            all.remove(at);
            true
        }
        (Some(at), _) => {
            all[at].until = until;
            false
        }
        (None, 0) => false,
        (None, _) if all.len() >= most => false,
        (None, _) => {
            all.push(Timed { what, until });
            true
        }
    }
}

/// Takes out what is over.
fn expire<T>(all: &mut Vec<Timed<T>>, now: u64) -> Vec<T> {
    let over = all.extract_if(.., |timed| timed.until <= now);
    over.map(|timed| timed.what).collect()
}

impl State {
    /// An interface with this half of its addresses, which asks for routers at its first turn.
    pub(crate) fn new(identifier: u64, now: u64) -> Self {
        State {
            identifier,
            solicitations: 0,
            solicit: now,
            routers: Vec::new(),
            gateway: None,
            networks: Vec::new(),
            addresses: Vec::new(),
            servers: Vec::new(),
            changes: VecDeque::new(),
            busy: false,
        }
    }

    /// How an address stands that was made here.
    fn standing(&self) -> impl Iterator<Item = Standing> + '_ {
        self.addresses.iter().map(|timed| timed.what.standing)
    }

    /// Whether there is an address.
    pub(crate) fn has_address(&self) -> bool {
        self.standing()
            .any(|it| matches!(it, Standing::Ours | Standing::Deprecated))
    }

    /// Whether all addresses that routers told of are others'.
    pub(crate) fn is_refused(&self) -> bool {
        !self.addresses.is_empty() && self.standing().all(|it| it == Standing::Foreign)
    }

    /// The link is back, which may be another now: routers are asked for once more (RFC 4861 § 6.3.7). What they told of
    /// before holds as long as they said.
    pub(crate) fn resume(&mut self, now: u64) {
        self.solicitations = 0;
        self.solicit = now;
        self.turn(now);
    }

    /// Takes what a router says.
    pub(crate) fn hear(&mut self, router: Ipv6Addr, said: &Advertisement, now: u64) {
        if said.router > 0 {
            // RFC 4861 § 6.3.7.
            self.solicit = NEVER;
        }
        note(&mut self.routers, MOST, router, said.router, now);
        self.choose_router();
        if let Some(mtu) = said.mtu.filter(|mtu| *mtu >= LEAST_MTU) {
            self.changes.push_back(Change::Mtu(mtu));
        }
        for prefix in &said.prefixes {
            self.hear_prefix(prefix, now);
        }
        let mut changed = false;
        for (address, lifetime) in &said.servers {
            changed |= note(&mut self.servers, MOST_SERVERS, *address, *lifetime, now);
        }
        self.tell_servers(changed);
        self.turn(now);
    }

    fn choose_router(&mut self) {
        let chosen = self.routers.first().map(|router| router.what);
        if chosen == self.gateway {
            return;
        }
        if let Some(before) = core::mem::replace(&mut self.gateway, chosen) {
            self.changes.push_back(Change::Gateway(before, false));
        }
        if let Some(router) = chosen {
            self.changes.push_back(Change::Gateway(router, true));
        }
    }

    fn tell_servers(&mut self, changed: bool) {
        if changed {
            let servers = self.servers.iter().map(|server| server.what).collect();
            self.changes.push_back(Change::Servers(servers));
        }
    }

    fn hear_prefix(&mut self, said: &Prefix, now: u64) {
        let link_local = said.prefix.is_unicast_link_local();
        let Ok(network) = Cidr::new(said.prefix.into(), said.len) else {
            return;
        };
        let network = network.network();
        // A network of everything would be a default route in disguise.
        if link_local || said.prefix.is_multicast() || said.len == 0 {
            return;
        }
        if said.on_link && note(&mut self.networks, MOST, network, said.valid, now) {
            self.changes
                .push_back(Change::OnLink(network, said.valid > 0));
        }
        if said.autonomous && said.len == PREFIX && said.preferred <= said.valid {
            let prefix = said.prefix.to_bits() & !u128::from(u64::MAX);
            let address = Ipv6Addr::from_bits(prefix | u128::from(self.identifier));
            self.hear_address(address, said, now);
        }
    }

    fn hear_address(&mut self, address: Ipv6Addr, said: &Prefix, now: u64) {
        let preferred = end(now, said.preferred);
        let known = self.addresses.iter_mut();
        let Some(known) = known.into_iter().find(|it| it.what.address == address) else {
            if said.valid > 0 && self.addresses.len() < MOST {
                self.addresses.push(Timed {
                    what: Address {
                        address,
                        preferred,
                        standing: Standing::Tentative(now + PROBE),
                    },
                    until: end(now, said.valid),
                });
                self.changes.push_back(Change::Probe(address));
            }
            return;
        };
        known.what.preferred = preferred;
        if known.what.standing == Standing::Deprecated && preferred > now {
            known.what.standing = Standing::Ours;
            self.changes.push_back(Change::Deprecate(address, false));
        }
        // RFC 4862 § 5.5.3 e: whoever can send to the link must not end our addresses at once.
        let valid = end(now, said.valid);
        let remaining = known.until.saturating_sub(now);
        if valid.saturating_sub(now) > TWO_HOURS || valid > known.until {
            known.until = valid;
        } else if remaining > TWO_HOURS {
            known.until = now + TWO_HOURS;
        }
    }

    /// Gives up an address that is not ours yet; whether it was one.
    pub(crate) fn give_up(&mut self, address: Ipv6Addr, now: u64) {
        for known in &mut self.addresses {
            if known.what.address == address
                && matches!(known.what.standing, Standing::Tentative(_))
            {
                known.what.standing = Standing::Foreign;
                self.changes.push_back(Change::Duplicate(address));
            }
        }
        self.turn(now);
    }

    /// Notes that an address could not be had.
    pub(crate) fn refuse(&mut self, address: Ipv6Addr) {
        let known = self.addresses.iter_mut();
        for known in known.filter(|known| known.what.address == address) {
            known.what.standing = Standing::Foreign;
        }
    }

    /// Does what is due, and says when there is more.
    pub(crate) fn turn(&mut self, now: u64) {
        if self.solicit <= now {
            self.solicitations += 1;
            self.solicit = if self.solicitations < SOLICITATIONS {
                now + SOLICITATION_INTERVAL
            } else {
                NEVER
            };
            self.changes.push_back(Change::Solicit);
        }
        expire(&mut self.routers, now);
        self.choose_router();
        for network in expire(&mut self.networks, now) {
            self.changes.push_back(Change::OnLink(network, false));
        }
        let over = !expire(&mut self.servers, now).is_empty();
        self.tell_servers(over);
        for gone in expire(&mut self.addresses, now) {
            if matches!(gone.standing, Standing::Ours | Standing::Deprecated) {
                self.changes.push_back(Change::Remove(gone.address));
            }
        }
        for known in &mut self.addresses {
            let known = &mut known.what;
            match known.standing {
                Standing::Tentative(until) if until <= now => {
                    known.standing = Standing::Ours;
                    self.changes.push_back(Change::Add(known.address));
                }
                _ => {}
            }
            if known.standing == Standing::Ours && known.preferred <= now {
                known.standing = Standing::Deprecated;
                self.changes
                    .push_back(Change::Deprecate(known.address, true));
            }
        }
        self.changes.push_back(Change::Turn(self.next()));
    }

    /// When the next thing is due.
    fn next(&self) -> u64 {
        let routers = self.routers.iter().map(|it| it.until);
        let networks = self.networks.iter().map(|it| it.until);
        let servers = self.servers.iter().map(|it| it.until);
        let addresses = self.addresses.iter().map(|known| {
            let own = match known.what.standing {
                Standing::Tentative(until) => until,
                Standing::Ours => known.what.preferred,
                Standing::Deprecated | Standing::Foreign => NEVER,
            };
            own.min(known.until)
        });
        let ends = routers.chain(networks).chain(servers).chain(addresses);
        ends.fold(self.solicit, u64::min)
    }
}

#[cfg(test)]
mod tests;
