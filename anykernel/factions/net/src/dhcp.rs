//! A client of the dynamic host configuration protocol (RFC 2131): it asks until it has a lease.
//!
//! It speaks before its interface has an address, so it makes and takes whole frames. Leases are kept,
//! and not renewed here.

use alloc::sync::{Arc, Weak};
use core::net::Ipv4Addr;

use base::sync::Leaf;
use base::{Blocking, Callout, Errno, Events, Level, Lwp, Readiness, Wait, Wakes, block, log};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, IpProtocol, Ipv4Packet, Ipv4Repr,
    UdpPacket, UdpRepr,
};

use crate::net::random;
use crate::output::Hop;
use crate::{Cidr, Frame, Interface, IpInfo, Medium, Net, Reason};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// Options we ask for: mask, router, name servers, duration of the lease.
const WANTED: &[u8] = &[1, 3, 6, 51];
const OPTION_ROUTER: u8 = 3;

/// The longest message we take, of the 1500 bytes of an Ethernet frame.
const LONGEST: u16 = 1472;

const SECOND: u64 = 1_000_000_000;
/// Time to the second try; it doubles from try to try, up to 64 s (RFC 2131 § 4.1).
const FIRST_RETRY: u64 = SECOND;
const LAST_RETRY: u64 = 64 * SECOND;
/// Requests for an offer before another is looked for.
const MOST_REQUESTS: u32 = 4;
/// How long [`Net::dhcp`] waits.
const PATIENCE: u64 = 10 * SECOND;

/// What a server lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Our address and network.
    pub cidr: Cidr,
    /// The default gateway.
    pub router: Option<Ipv4Addr>,
    /// Up to three name servers; those there are come first.
    pub dns: [Option<Ipv4Addr>; 3],
    /// Who lent it.
    pub server: Ipv4Addr,
    /// When it ends, in nanoseconds of the monotonic clock.
    pub expires: u64,
}

#[derive(Clone, Copy)]
enum State {
    /// Looking for servers.
    Discovering,
    /// One offered an address, which we want.
    Requesting { server: Ipv4Addr, offered: Ipv4Addr },
    /// We have one.
    Bound(Lease),
    /// Nobody asks any more.
    Stopped,
}

struct Progress {
    state: State,
    transaction: u32,
    /// Messages sent in this state.
    tries: u32,
    retry: u64,
    /// When the first message was sent.
    started: u64,
}

/// What a message means for what we do next.
enum Heard {
    Nothing,
    /// There is something new to ask.
    Progress,
    Lease(Lease),
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
            match client.progress.with(|progress| progress.state) {
                State::Bound(lease) => Ok(lease),
                State::Stopped => Err(Wait::Fail(Errno::ECANCELED)),
                _ => Err(Wait::For(Events::IN)),
            }
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
        match client.progress.with(|progress| progress.state) {
            State::Bound(lease) => Some(lease),
            _ => None,
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
                progress: Leaf::new(Progress {
                    state: State::Discovering,
                    transaction: u32::from_ne_bytes(random()),
                    tries: 0,
                    retry: FIRST_RETRY,
                    started: lwp.now(),
                }),
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
        interface.configuring.set(1);
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
        self.progress
            .with(|progress| progress.state = State::Stopped);
        self.news(lwp);
    }

    fn news(&self, lwp: &Lwp<'_>) {
        Wakes::deliver_after(lwp, |wakes| {
            self.readiness.update(Events::IN, Events::IN, wakes);
        });
    }

    /// Sends the message that the state wants, and arms the timer for the next.
    fn ask(&self, lwp: &Lwp<'_>, net: &Net) {
        let now = lwp.now();
        let message = self.progress.with(|progress| {
            if let State::Requesting { .. } = progress.state
                && progress.tries >= MOST_REQUESTS
            {
                progress.start_over();
            }
            progress.tries += 1;
            let retry = progress.retry;
            progress.retry = (retry * 2).min(LAST_RETRY);
            let secs = (now.saturating_sub(progress.started) / SECOND).min(u64::from(u16::MAX));
            let secs = secs as u16;
            match progress.state {
                State::Discovering => Some((
                    retry,
                    progress.transaction,
                    secs,
                    DhcpMessageType::Discover,
                    None,
                )),
                State::Requesting { server, offered } => Some((
                    retry,
                    progress.transaction,
                    secs,
                    DhcpMessageType::Request,
                    Some((server, offered)),
                )),
                State::Bound(_) | State::Stopped => None,
            }
        });
        let Some((retry, transaction_id, secs, message_type, offer)) = message else {
            return;
        };
        let hardware = EthernetAddress(self.interface.hardware_address());
        let repr = DhcpRepr {
            message_type,
            transaction_id,
            secs,
            client_hardware_address: hardware,
            client_ip: Ipv4Addr::UNSPECIFIED,
            your_ip: Ipv4Addr::UNSPECIFIED,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
            // We take what is sent to an address we do not have yet.
            broadcast: false,
            requested_ip: offer.map(|(_, offered)| offered),
            client_identifier: Some(hardware),
            server_identifier: offer.map(|(server, _)| server),
            parameter_request_list: Some(WANTED),
            dns_servers: None,
            max_size: Some(LONGEST),
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        match self.packet(net, &repr) {
            Ok(packet) => net.send_to(lwp, &self.interface, packet, Hop::All),
            Err(_) => self.interface.count_dropped(Reason::NoMemory, 1),
        }
        self.timer.set(lwp, now + retry);
    }

    /// A message as a packet from nobody to everybody.
    fn packet(&self, net: &Net, message: &DhcpRepr<'_>) -> Result<Frame, Errno> {
        let len = message.buffer_len();
        let mut packet = net.pool().get(IPV4_HEADER + UDP_HEADER + len)?;
        let caps = ChecksumCapabilities::default();
        let bytes = packet.payload_mut();
        bytes.fill(0);
        Ipv4Repr {
            src_addr: Ipv4Addr::UNSPECIFIED,
            dst_addr: Ipv4Addr::BROADCAST,
            next_header: IpProtocol::Udp,
            payload_len: UDP_HEADER + len,
            hop_limit: 64,
        }
        .emit(&mut Ipv4Packet::new_unchecked(&mut *bytes), &caps);
        let udp = UdpRepr {
            src_port: CLIENT_PORT,
            dst_port: SERVER_PORT,
        };
        let mut failed = Ok(());
        udp.emit(
            &mut UdpPacket::new_unchecked(&mut bytes[IPV4_HEADER..]),
            &Ipv4Addr::UNSPECIFIED.into(),
            &Ipv4Addr::BROADCAST.into(),
            len,
            |place| failed = message.emit(&mut DhcpPacket::new_unchecked(place)),
            &caps,
        );
        failed.map_err(|_| Errno::EMSGSIZE)?;
        Ok(packet)
    }

    /// Takes a message; `None` if it makes no sense.
    fn hear(&self, lwp: &Lwp<'_>, net: &Net, bytes: &[u8]) -> Option<()> {
        let packet = DhcpPacket::new_checked(bytes).ok()?;
        let message = DhcpRepr::parse(&packet).ok()?;
        let hardware = EthernetAddress(self.interface.hardware_address());
        if message.client_hardware_address != hardware {
            return Some(());
        }
        let now = lwp.now();
        let heard: Result<Heard, ()> = self.progress.with(|progress| {
            if progress.transaction != message.transaction_id {
                return Ok(Heard::Nothing);
            }
            match (progress.state, message.message_type) {
                (State::Discovering, DhcpMessageType::Offer) => {
                    let server = message.server_identifier.ok_or(())?;
                    progress.state = State::Requesting {
                        server,
                        offered: message.your_ip,
                    };
                    progress.tries = 0;
                    progress.retry = FIRST_RETRY;
                    Ok(Heard::Progress)
                }
                (State::Requesting { server, .. }, DhcpMessageType::Ack)
                    if message.server_identifier == Some(server) =>
                {
                    let lease = read_lease(&packet, &message, server, now).ok_or(())?;
                    progress.state = State::Bound(lease);
                    Ok(Heard::Lease(lease))
                }
                (State::Requesting { server, .. }, DhcpMessageType::Nak)
                    if message.server_identifier == Some(server) =>
                {
                    progress.start_over();
                    Ok(Heard::Progress)
                }
                // Late, double, or of a server whose offer we did not take.
                _ => Ok(Heard::Nothing),
            }
        });
        match heard.ok()? {
            Heard::Nothing => {}
            Heard::Progress => self.ask(lwp, net),
            Heard::Lease(lease) => self.bind(lwp, net, lease),
        }
        Some(())
    }

    fn bind(&self, lwp: &Lwp<'_>, net: &Net, lease: Lease) {
        self.timer.cancel(lwp);
        self.interface.configuring.set(0);
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
        self.news(lwp);
    }
}

impl Progress {
    fn start_over(&mut self) {
        self.state = State::Discovering;
        self.tries = 0;
        self.retry = FIRST_RETRY;
        // Late answers to the old transaction mean nothing to the new one.
        self.transaction = self.transaction.wrapping_add(1);
    }
}

fn read_lease(
    packet: &DhcpPacket<&[u8]>,
    message: &DhcpRepr<'_>,
    server: Ipv4Addr,
    now: u64,
) -> Option<Lease> {
    let mask = message
        .subnet_mask
        .unwrap_or(Ipv4Addr::new(255, 255, 255, 0));
    let cidr = Cidr::with_mask(message.your_ip, mask).ok()?;
    if message.your_ip.is_unspecified() || message.your_ip.is_multicast() {
        return None;
    }
    // There may be several, of which the first counts.
    let router = packet
        .options()
        .find(|option| option.kind == OPTION_ROUTER)
        .and_then(|option| option.data.first_chunk::<4>().copied())
        .map(Ipv4Addr::from);
    let mut dns = [None; 3];
    for (place, address) in dns.iter_mut().zip(message.dns_servers.iter().flatten()) {
        *place = Some(*address);
    }
    let duration = u64::from(message.lease_duration?);
    Some(Lease {
        cidr,
        router,
        dns,
        server,
        expires: now.saturating_add(duration * SECOND),
    })
}

#[cfg(test)]
mod tests;
