//! Sockets for datagrams: what UDP and raw sockets have in common, which is nearly everything.
//!
//! Their state is small and is behind a leaf lock; a datagram that arrives goes straight into the queue,
//! and only the news of it wait for whoever settles.

pub(crate) mod ancillary;
mod cork;
mod local;
mod socket;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::net::IpAddr;
use core::sync::atomic::Ordering;

use base::sync::{Leaf, Word};
use base::{Errno, Events, Lwp, Readiness, Wait, Wakes};
use net::{Frame, Interface, Reason};
use sockets::FilterPlace;
use syscall::consts::*;
use syscall::{SockAddr, UioIn};

use crate::address::{Endpoint, Family, or_loopback, same_version};
use crate::emit::Marks;
use crate::inet::{Arriving, Inet, Job, Packet};
use crate::options::{Opt, Options, RAW, UDP};
use crate::ports::Claim;
use ancillary::{Ancillary, Chosen};
use cork::Gathered;

/// What a waiting datagram counts beside its bytes.
const OVERHEAD: usize = 512;

/// Which protocol's datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Udp,
    /// Those of an IP protocol, whatever they hold.
    Raw(u8),
}

/// A socket for datagrams.
pub(crate) struct DatagramSocket {
    pub(crate) inet: Arc<Inet>,
    pub(crate) family: Family,
    pub(crate) kind: Kind,
    readiness: Readiness,
    /// Whether what is sent may be a part of something: looked at without the lock, to save it.
    gathers: Word,
    pub(crate) state: Leaf<DatagramState>,
    pub(crate) filter: FilterPlace,
    pub(crate) this: Weak<DatagramSocket>,
}

/// What of it changes.
pub(crate) struct DatagramState {
    pub(crate) options: Options,
    queue: VecDeque<Datagram>,
    /// What they count.
    queued: usize,
    /// News of them wait to be told.
    untold: bool,
    /// The beginning of a datagram.
    gathered: Gathered,
    /// The port it has, and how.
    pub(crate) port: Option<(u16, Claim)>,
    /// The program chose the port.
    pub(crate) bound: bool,
    /// The address it is bound to, or that connecting chose.
    pub(crate) local: Option<IpAddr>,
    pub(crate) peer: Option<Endpoint>,
    /// By which interface to the peer, where its address does not say.
    via: Option<Arc<Interface>>,
    /// The interface of a link-local address, the peer's or its own.
    pub(crate) link: u32,
    #[cfg(feature = "multicast")]
    pub(crate) groups: crate::multicast::Groups,
    error: Option<Errno>,
    shut_read: bool,
    shut_write: bool,
    closed: bool,
    level: Events,
}

/// A datagram that waits; the frame's payload is what the program gets.
pub(crate) struct Datagram {
    pub(crate) frame: Frame,
    pub(crate) from: Endpoint,
    /// The interface of a link-local sender.
    pub(crate) link: u32,
    /// Where it was sent to, by which interface it came, and how many hops it might still have gone.
    pub(crate) to: IpAddr,
    pub(crate) interface: u32,
    pub(crate) hop_limit: u8,
    /// When it arrived, in nanoseconds since 1970, if that was of interest; else zero.
    pub(crate) at: u64,
}

impl Datagram {
    /// Of a packet that came by an interface, `frame` is what the program gets.
    pub(crate) fn of(
        interface: &Interface,
        (from, to): (Endpoint, IpAddr),
        hop_limit: u8,
        frame: Frame,
    ) -> Self {
        let interface = interface.index();
        Datagram {
            frame,
            from,
            link: match crate::address::is_link_local(from.addr) {
                true => interface,
                false => 0,
            },
            to,
            interface,
            hop_limit,
            at: 0,
        }
    }
}

/// Where a datagram goes to, and from where.
pub(crate) struct Route {
    pub(crate) to: Endpoint,
    pub(crate) from: Endpoint,
    /// By which interface, where the addresses do not say.
    pub(crate) via: Option<Arc<Interface>>,
    pub(crate) hop_limit: u8,
    pub(crate) marks: Marks,
    /// Who sends it wants to hear if it is longer than a packet.
    pub(crate) whole: bool,
}

impl DatagramSocket {
    /// A socket that is bound to nothing.
    pub(crate) fn new(inet: &Arc<Inet>, family: Family, kind: Kind) -> Arc<Self> {
        let raw = matches!(kind, Kind::Raw(_));
        let mut options = Options::new(if raw { RAW } else { UDP }, inet.settings.udp_buffer);
        let whole = kind == Kind::Raw(IPPROTO_RAW as u8);
        options.put(Opt::HeaderIncluded, whole.into());
        let socket = Arc::new_cyclic(|this| DatagramSocket {
            inet: inet.clone(),
            family,
            kind,
            readiness: Readiness::new(Events::OUT),
            gathers: Word::new(0),
            state: Leaf::new(DatagramState {
                options,
                queue: VecDeque::new(),
                queued: 0,
                untold: false,
                gathered: Gathered::default(),
                port: None,
                bound: false,
                local: None,
                peer: None,
                via: None,
                link: 0,
                #[cfg(feature = "multicast")]
                groups: Default::default(),
                error: None,
                shut_read: false,
                shut_write: false,
                closed: false,
                level: Events::OUT,
            }),
            filter: FilterPlace::default(),
            this: Weak::clone(this),
        });
        if raw {
            inet.tables.write(|tables| {
                tables.raw.push(socket.clone());
                inet.raw_sockets.store(tables.raw.len(), Ordering::Relaxed);
            });
        }
        socket
    }

    /// Queues a datagram that arrived, or gives it back if there is no room.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        datagram: Datagram,
    ) -> Result<(), Frame> {
        let untold = self.state.with(|state| {
            state.queue(datagram)?;
            Ok(core::mem::replace(&mut state.untold, true))
        })?;
        if !untold {
            self.inet.note(lwp, Job::Tell(self.clone()));
        }
        Ok(())
    }

    /// Notes an error that the network reported.
    pub(crate) fn fail(self: &Arc<Self>, lwp: &Lwp<'_>, errno: Errno) {
        let untold = self.state.with(|state| {
            state.error = Some(errno);
            core::mem::replace(&mut state.untold, true)
        });
        if !untold {
            self.inet.note(lwp, Job::Tell(self.clone()));
        }
    }

    /// Tells whoever waits of what arrived. No lock is held.
    pub(crate) fn tell(&self, lwp: &Lwp<'_>) {
        self.change(lwp, |state| {
            state.untold = false;
            ((), Events::IN | Events::ERR)
        });
    }

    /// Has `f` change the state, which says what news there are, and publishes that.
    fn change<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&mut DatagramState) -> (R, Events)) -> R {
        Wakes::deliver_after(lwp, |wakes| {
            self.state.with(|state| {
                let (result, news) = f(state);
                let level = state.level_now();
                let news = level & (!state.level | news);
                if level != state.level || !news.is_empty() {
                    state.level = level;
                    self.readiness.update(level, news, wakes);
                }
                result
            })
        })
    }

    /// As [`change`](Self::change), for what makes no news beside what the level says.
    pub(crate) fn update<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&mut DatagramState) -> R) -> R {
        self.change(lwp, |state| (f(state), Events::NONE))
    }

    /// Takes the first datagram, and what the program wants to hear of it; leaves it counted, if it is to come back.
    #[inline]
    fn take(
        &self,
        lwp: &Lwp<'_>,
        peek: bool,
        nonblock: bool,
        told: &mut Option<Ancillary>,
    ) -> Result<Option<Datagram>, Wait> {
        // Moved once: it is long.
        let mut taken = None;
        self.update(lwp, |state| {
            if let Some(errno) = state.error.take() {
                return Err(errno.into());
            }
            taken = state.queue.pop_front();
            match &taken {
                Some(datagram) => {
                    if !peek {
                        state.queued -= datagram.frame.len() + OVERHEAD;
                    }
                    let options = &state.options;
                    *told = options.tells().then(|| Ancillary::of(options));
                    Ok(())
                }
                // As Linux has it: only who would wait is told of the end.
                None if state.shut_read && !nonblock => Ok(()),
                None => Err(Wait::For(Events::IN)),
            }
        })?;
        Ok(taken)
    }

    /// Has a datagram come from where the program wants. `EINVAL` for an address that is not ours, `ENODEV` for an interface
    /// that there is not.
    pub(crate) fn choose(
        &self,
        lwp: &Lwp<'_>,
        mut route: Route,
        chosen: Chosen,
    ) -> Result<Route, Errno> {
        if let Some(from) = chosen.from {
            if from.is_ipv4() != route.to.addr.is_ipv4() || !self.inet.net.is_local(lwp, from) {
                return Err(Errno::EINVAL);
            }
            route.from.addr = from;
        }
        if chosen.interface != 0 {
            let all = self.inet.net.interfaces().into_iter();
            let mut wanted = all.filter(|it| it.index() == chosen.interface);
            route.via = Some(wanted.next().ok_or(Errno::ENODEV)?);
        }
        Ok(route)
    }

    /// Sends a datagram.
    fn send_one(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: Option<SockAddr>,
        chosen: Chosen,
    ) -> Result<usize, Errno> {
        match self.kind {
            Kind::Udp => self.send_udp(lwp, data, to, chosen),
            Kind::Raw(protocol) => self.send_raw(lwp, data, to, protocol, chosen),
        }
    }

    /// Where a datagram to `to`, or to the peer, goes.
    pub(crate) fn route(&self, lwp: &Lwp<'_>, to: Option<SockAddr>) -> Result<Route, Errno> {
        let named = to.map(|to| self.resolve(&to)).transpose()?;
        let known = self.state.with(|state| {
            let usable = !state.shut_write && state.error.is_none();
            usable.then(|| {
                let unspecified = self.family.unspecified();
                let port = state.port.map_or(0, |(port, _)| port);
                let peer = state.peer.unwrap_or(Endpoint::new(unspecified, 0));
                let to = named.map_or(peer, |(to, _)| to).addr;
                let ipv4 = to.is_ipv4();
                let options = &state.options;
                let flags = [Opt::Only6, Opt::Broadcast, Opt::DontRoute].map(|it| options.is(it));
                let route = Route {
                    to: peer,
                    from: Endpoint::new(one(state.local).unwrap_or(unspecified), port),
                    via: state.via.clone(),
                    hop_limit: options.hop_limit_to(to),
                    marks: options.marks(ipv4),
                    whole: options.is_whole(ipv4),
                };
                (route, state.peer.is_some(), state.link, flags)
            })
        });
        let Some((mut route, connected, link, [only6, broadcast, near])) = known else {
            let error = self.update(lwp, |state| match state.peer {
                // Comes before all that is wrong with the socket itself.
                None if named.is_none() => Some(Errno::EDESTADDRREQ),
                _ => state.error.take(),
            });
            return Err(error.unwrap_or(Errno::EPIPE));
        };
        if near {
            self.inet
                .check_near(named.map_or(route.to, |(to, _)| to).addr)?;
        }
        let Some((to, named_link)) = named else {
            return connected.then_some(route).ok_or(Errno::EDESTADDRREQ);
        };
        if only6 && to.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if !broadcast && self.inet.is_broadcast(to.addr) {
            return Err(Errno::EACCES);
        }
        route.to = to;
        let link = if named_link == 0 { link } else { named_link };
        self.complete(lwp, &mut route, link)?;
        Ok(route)
    }

    /// Says where a route begins and by which interface it goes, and sees whether it can be, and whether it ends in this
    /// kernel.
    fn complete(&self, lwp: &Lwp<'_>, route: &mut Route, link: u32) -> Result<(), Errno> {
        route.via = self.inet.link(route.to.addr, link);
        if route.to.addr.is_multicast() {
            self.aim(route, link)?;
        }
        if route.from.addr.is_unspecified() {
            route.from.addr = self.inet.net.source_for(lwp, route.to.addr)?;
        }
        same_version(route.from.addr, route.to.addr)?;
        if self.inet.net.is_local(lwp, route.to.addr) {
            route.via = self.inet.net.loopback();
        }
        Ok(())
    }

    fn resolve(&self, address: &SockAddr) -> Result<(Endpoint, u32), Errno> {
        let (mut end, link) = match (self.family, address) {
            // Datagrams to an IPv4 address may name it as one.
            (Family::V6, SockAddr::Inet(_) | SockAddr::InetLong(_)) => {
                Family::V4.resolve(address)?
            }
            _ => self.family.resolve(address)?,
        };
        end.addr = or_loopback(end.addr);
        Ok((end, link))
    }

    fn connect_to(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        if *address == SockAddr::Unspec {
            return self.dissolve(lwp);
        }
        let (peer, link) = self.resolve(address)?;
        let (v6only, broadcast, bound) = self.state.with(|state| {
            let (bound, options) = (state.local.filter(|_| state.bound), &state.options);
            (
                options.is(Opt::Only6),
                options.is(Opt::Broadcast),
                one(bound),
            )
        });
        if v6only && peer.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if !broadcast && self.inet.is_broadcast(peer.addr) {
            return Err(Errno::EACCES);
        }
        let local = match bound {
            // As Linux has it: one written as IPv6 is looked for, and cannot be reached.
            Some(IpAddr::V6(_)) if address.family() == AF_INET => return Err(Errno::EAFNOSUPPORT),
            Some(local) => local,
            None => self.family.unspecified(),
        };
        let mut route = Route {
            to: peer,
            from: Endpoint::new(local, 0),
            via: None,
            hop_limit: 0,
            marks: Marks::default(),
            whole: false,
        };
        self.complete(lwp, &mut route, link)?;
        let local = route.from.addr;
        if self.kind == Kind::Udp {
            self.bind_if_unbound(lwp)?;
        }
        self.update(lwp, |state| {
            state.local = Some(local);
            state.peer = Some(peer);
            // As Linux has it, a datagram that was begun goes to the new peer.
            state.gathered.to = None;
            state.via = route.via;
            state.link = link;
        });
        self.rehash(Some(local));
        Ok(())
    }

    fn dissolve(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let given = self.update(lwp, |state| {
            state.peer = None;
            if !state.bound {
                state.local = None;
                return state.port.take();
            }
            if let Some((_, claim)) = &state.port {
                let addr = claim.scope.addr;
                state.local = (!addr.is_unspecified()).then_some(addr);
            }
            None
        });
        match given {
            // It came with the connection and goes with it.
            Some((port, claim)) => self.leave_port(port, &claim),
            None => self.rehash(None),
        }
        Ok(())
    }
}

/// An address that packets can come from, which a group's is not.
fn one(local: Option<IpAddr>) -> Option<IpAddr> {
    local.filter(|local| !local.is_multicast())
}

impl DatagramState {
    /// Queues a datagram, or gives it back if there is no room.
    fn queue(&mut self, mut datagram: Datagram) -> Result<(), Frame> {
        // As Linux has it, the last one may exceed the limit.
        let most = self.options.number(Opt::ReceiveBuffer) as usize;
        if self.queued >= most || self.closed {
            return Err(datagram.frame);
        }
        if self.options.is_timed() {
            datagram.at = hypercall::clock::wall();
        }
        self.queued += datagram.frame.len() + OVERHEAD;
        self.queue.push_back(datagram);
        Ok(())
    }

    /// As Linux's `datagram_poll` has it.
    fn level_now(&self) -> Events {
        Events::OUT
            | Events::IN.when(!self.queue.is_empty())
            | (Events::IN | Events::RDHUP).when(self.shut_read)
            | Events::HUP.when(self.shut_read && self.shut_write)
            | Events::ERR.when(self.error.is_some())
    }
}

impl Inet {
    /// Gives a socket what its filter leaves of a packet from `start` on, without a header of so many bytes.
    pub(crate) fn give(
        &self,
        lwp: &Lwp<'_>,
        socket: &Arc<DatagramSocket>,
        mut packet: Arriving<'_>,
        start: usize,
        header: usize,
        from: Endpoint,
    ) {
        if socket.filter.is_used() && !packet.pass(&socket.filter, start) {
            return self.discard(packet, Reason::Filtered);
        }
        packet.frame.trim_front(start + header);
        let Packet {
            frame,
            info,
            interface,
        } = packet;
        let datagram = Datagram::of(interface, (from, info.dst), info.hop_limit, frame);
        if let Err(frame) = socket.deliver(lwp, datagram) {
            interface.count_dropped(Reason::QueueFull, 1);
            self.net.pool().recycle(frame);
        }
    }

    /// Whether an address means all hosts of a network.
    fn is_broadcast(&self, addr: IpAddr) -> bool {
        let IpAddr::V4(addr) = addr else {
            return false;
        };
        // The smallest network with such an address has four.
        addr.is_broadcast()
            || addr.to_bits() & 3 == 3
                && self
                    .net
                    .addresses()
                    .iter()
                    .any(|own| own.cidr.broadcast() == Some(addr))
    }
}
