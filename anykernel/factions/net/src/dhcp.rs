//! A client of the dynamic host configuration protocol (RFC 2131): it asks until it has a lease.
//!
//! It speaks before its interface has an address, so it makes and takes whole packets. A lease is kept: in time its
//! server is asked for it again, then all servers are; when it ends, its address goes, and another is looked for.

mod message;
mod progress;
mod wire;

use alloc::sync::{Arc, Weak};
use core::net::Ipv4Addr;

use base::sync::Leaf;
use base::{Blocking, Callout, Errno, Events, Level, Lwp, Readiness, Wait, Wakes, block, log};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpProtocol, UdpPacket, UdpRepr};

use crate::output::Hop;
use crate::{Cidr, Frame, Interface, IpInfo, Medium, Net, Reason};
use progress::{Heard, Progress, Question};
use wire::Answer;

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

const SECOND: u64 = 1_000_000_000;
/// How long [`Net::dhcp`] waits.
const PATIENCE: u64 = 10 * SECOND;

/// What a server lent. Times are in nanoseconds of the monotonic clock; `u64::MAX` is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Our address.
    pub address: Ipv4Addr,
    /// The same and its network.
    pub cidr: Cidr,
    /// The default gateway.
    pub router: Option<Ipv4Addr>,
    /// Up to three name servers; those there are come first.
    pub dns: [Option<Ipv4Addr>; 3],
    /// Who lent it.
    pub server: Ipv4Addr,
    /// When the server is asked to let us keep it.
    pub renews: u64,
    /// When all servers are.
    pub rebinds: u64,
    /// When it ends.
    pub expires: u64,
}

impl Lease {
    /// Whether it configures something else.
    fn differs(&self, other: &Lease) -> bool {
        (self.cidr, self.router) != (other.cidr, other.router)
    }
}

/// The client of one interface.
pub(crate) struct Client {
    interface: Arc<Interface>,
    progress: Leaf<Progress>,
    readiness: Readiness,
    timer: Arc<Callout>,
}

impl Net {
    /// Starts to ask for a lease, without waiting for it. `EOPNOTSUPP` where there is no Ethernet.
    pub fn dhcp_start(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) -> Result<(), Errno> {
        self.dhcp_client(lwp, interface)?;
        Ok(())
    }

    /// Gets a lease and gives its address and gateway to the interface. `ETIMEDOUT` after 10 s.
    pub fn dhcp(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) -> Result<Lease, Errno> {
        let (client, ours) = self.dhcp_client(lwp, interface)?;
        let how = Blocking::new(false)
            .within(lwp, PATIENCE)
            .or(Errno::ETIMEDOUT);
        let result = block(lwp, &client.readiness, how, || {
            client.progress.with(|progress| match progress.lease() {
                Some(lease) => Ok(lease),
                None if progress.is_stopped() => Err(Wait::Fail(Errno::ECANCELED)),
                None => Err(Wait::For(Events::IN)),
            })
        });
        // One that was there before goes on asking.
        if result.is_err() && ours {
            self.forget_client(&client);
            client.stop(lwp);
        }
        result
    }

    /// The lease of an interface, if it has one.
    pub fn lease(&self, interface: &Arc<Interface>) -> Option<Lease> {
        let client = self.client_of(interface)?;
        client.progress.with(|progress| progress.lease())
    }

    /// Has the client of an interface whose link is back ask whether its lease is good there, too (RFC 2131 § 3.7).
    pub(crate) fn dhcp_resume(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        if let Some(client) = self.client_of(interface) {
            let now = lwp.now();
            client.progress.with(|progress| progress.resume(now));
            client.ask(lwp, self);
        }
    }

    fn client_of(&self, interface: &Arc<Interface>) -> Option<Arc<Client>> {
        self.clients.with(|clients| {
            clients
                .iter()
                .find(|client| Arc::ptr_eq(&client.interface, interface))
                .cloned()
        })
    }

    fn forget_client(&self, client: &Arc<Client>) {
        let _forgotten = self.clients.with(|clients| {
            let at = clients
                .iter()
                .position(|other| Arc::ptr_eq(other, client))?;
            Some(clients.swap_remove(at))
        });
    }

    /// The client of an interface, and whether it is new; a new one begins to ask.
    fn dhcp_client(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
    ) -> Result<(Arc<Client>, bool), Errno> {
        if interface.medium() != Medium::Ethernet {
            return Err(Errno::EOPNOTSUPP);
        }
        if let Some(client) = self.client_of(interface) {
            return Ok((client, false));
        }
        let net = self.this.clone();
        let client = Arc::new_cyclic(|this: &Weak<Client>| {
            let this = this.clone();
            Client {
                interface: interface.clone(),
                progress: Leaf::new(Progress::new(lwp.now())),
                readiness: Readiness::new(Events::NONE),
                timer: Callout::new(move |lwp| {
                    if let (Some(client), Some(net)) = (this.upgrade(), net.upgrade()) {
                        client.ask(lwp, &net);
                        net.flush(lwp);
                    }
                }),
            }
        });
        self.clients.with(|clients| clients.push(client.clone()));
        self.up(lwp, interface);
        client.ask(lwp, self);
        self.flush(lwp);
        Ok((client, true))
    }

    /// Takes a packet if it is for the client; whether it was.
    pub(crate) fn dhcp_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: &Frame,
        info: &IpInfo,
    ) -> bool {
        if info.protocol != u8::from(IpProtocol::Udp) {
            return false;
        }
        let Some(bytes) = packet.payload().get(info.payload_offset..) else {
            return false;
        };
        let Ok(udp) = UdpPacket::new_checked(bytes) else {
            return false;
        };
        if udp.dst_port() != CLIENT_PORT || udp.src_port() != SERVER_PORT {
            return false;
        }
        let Some(client) = self.client_of(interface) else {
            return false;
        };
        let (src, dst) = (info.src.into(), info.dst.into());
        // A server on this host leaves the sum open.
        let sums = match packet.checksum().is_good() {
            true => ChecksumCapabilities::ignored(),
            false => ChecksumCapabilities::default(),
        };
        if UdpRepr::parse(&udp, &src, &dst, &sums).is_err() {
            interface.count_dropped(Reason::Checksum, 1);
        } else if client.hear(lwp, self, udp.payload()).is_none() {
            interface.count_dropped(Reason::Malformed, 1);
        }
        true
    }
}

impl Client {
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.interface.configuring.set(0);
        self.timer.cancel(lwp);
        self.progress.with(Progress::stop);
        self.news(lwp, Events::IN);
    }

    /// Tells who waits for a lease whether there is news of one.
    fn news(&self, lwp: &Lwp<'_>, level: Events) {
        Wakes::deliver_after(lwp, |wakes| self.readiness.update(level, level, wakes));
    }

    /// Asks what is to be asked now, and arms the timer for the next turn.
    fn ask(&self, lwp: &Lwp<'_>, net: &Net) {
        let now = lwp.now();
        let turn = self.progress.with(|progress| progress.turn(now));
        if let Some(lease) = turn.over {
            self.withdraw(lwp, net, lease, "is over");
        }
        self.interface
            .configuring
            .set(u32::from(turn.question.is_some()));
        if let Some((question, transaction, secs)) = turn.question {
            let hardware = self.interface.hardware_address();
            let interface = &self.interface;
            match question.packet(net, hardware, transaction, secs) {
                Ok(packet) => match question {
                    // A network that is not reached now may be in time.
                    Question::Renew(_) => drop(net.output(lwp, packet, Some(interface))),
                    _ => net.send_to(lwp, interface, packet, Hop::All),
                },
                Err(_) => interface.count_dropped(Reason::NoMemory, 1),
            }
        }
        match turn.again {
            u64::MAX => self.timer.cancel(lwp),
            again => self.timer.set(lwp, again),
        }
    }

    /// Takes a message; `None` if it makes no sense.
    fn hear(&self, lwp: &Lwp<'_>, net: &Net, bytes: &[u8]) -> Option<()> {
        let answer = Answer::read(bytes)?;
        if answer.hardware != self.interface.hardware_address() {
            return Some(());
        }
        let now = lwp.now();
        let heard = self.progress.with(|progress| progress.hear(&answer, now));
        match heard.ok()? {
            Heard::Nothing => return Some(()),
            Heard::Progress => {}
            Heard::Lease(lease, old) => {
                if let Some(old) = old.filter(|old| old.differs(&lease)) {
                    self.withdraw(lwp, net, old, "is replaced");
                }
                self.bind(lwp, net, lease);
            }
            Heard::Lost(lease) => self.withdraw(lwp, net, lease, "is taken back"),
        }
        self.ask(lwp, net);
        Some(())
    }

    /// Takes the address and the gateway of a lease away.
    fn withdraw(&self, lwp: &Lwp<'_>, net: &Net, lease: Lease, why: &str) {
        self.news(lwp, Events::NONE);
        let name = self.interface.name();
        if let Some(router) = lease.router {
            net.remove_gateway(router.into());
        }
        // Somebody may have taken it away before.
        let _ = net.remove_address(&self.interface, lease.address.into());
        log!(
            lwp.instance(),
            Level::Warning,
            "{name}: the lease of {} {why}",
            lease.cidr
        );
    }

    fn bind(&self, lwp: &Lwp<'_>, net: &Net, lease: Lease) {
        let name = self.interface.name();
        match net.add_address(lwp, &self.interface, lease.cidr) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => {
                let cidr = lease.cidr;
                log!(
                    lwp.instance(),
                    Level::Error,
                    "{name}: leased {cidr}: {errno}"
                );
            }
        }
        if let Some(router) = lease.router
            && let Err(errno) = net.add_gateway(lwp, router.into())
        {
            log!(
                lwp.instance(),
                Level::Error,
                "{name}: leased gateway {router}: {errno}"
            );
        }
        log!(
            lwp.instance(),
            Level::Info,
            "{name}: {} from {}",
            lease.cidr,
            lease.server
        );
        self.news(lwp, Events::IN);
    }
}

#[cfg(test)]
mod tests;
