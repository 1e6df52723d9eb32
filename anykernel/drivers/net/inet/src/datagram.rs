//! Sockets for datagrams: what UDP and raw sockets have in common, which is nearly everything.
//!
//! Their state is small and is behind a leaf lock; a datagram that arrives goes straight into the queue,
//! and only the news of it wait for whoever settles.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::IpAddr;

use base::sync::Leaf;
use base::{Errno, Events, Lwp, Readiness, Wait, Wakes};
use net::{Frame, Received, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use crate::address::{Endpoint, Family, is_link_local, or_loopback};
use crate::inet::{Inet, Job};
use crate::options::{self, Common};
use crate::ports::Claim;

/// What a waiting datagram counts beside its bytes.
const OVERHEAD: usize = 512;
/// What SO_RCVBUF gives at least, and at most.
const BUFFERS: core::ops::RangeInclusive<usize> = 2048..=64 << 20;

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
    pub(crate) state: Leaf<DatagramState>,
    pub(crate) this: Weak<DatagramSocket>,
}

/// What of it changes.
pub(crate) struct DatagramState {
    pub(crate) common: Common,
    pub(crate) hop_limit: Option<u8>,
    /// `IP_HDRINCL`: the program writes IP headers itself.
    pub(crate) header_included: bool,
    receive_buffer: usize,
    send_buffer: usize,
    queue: VecDeque<Datagram>,
    /// What they count.
    queued: usize,
    /// News of them wait to be told.
    untold: bool,
    /// The port it has, and how.
    pub(crate) port: Option<(u16, Claim)>,
    /// The program chose the port.
    pub(crate) bound: bool,
    /// The address it is bound to, or that connecting chose.
    pub(crate) local: Option<IpAddr>,
    pub(crate) peer: Option<Endpoint>,
    /// The interface of the peer's link-local address.
    pub(crate) link: u32,
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
}

/// Where a datagram goes to, and from where.
pub(crate) struct Route {
    pub(crate) to: Endpoint,
    pub(crate) from: Endpoint,
    pub(crate) link: u32,
}

impl DatagramSocket {
    /// A socket that is bound to nothing.
    pub(crate) fn new(inet: &Arc<Inet>, family: Family, kind: Kind) -> Arc<Self> {
        let raw = matches!(kind, Kind::Raw(_));
        let socket = Arc::new_cyclic(|this| DatagramSocket {
            inet: inet.clone(),
            family,
            kind,
            readiness: Readiness::new(Events::OUT),
            state: Leaf::new(DatagramState {
                common: Common::default(),
                hop_limit: None,
                header_included: kind == Kind::Raw(IPPROTO_RAW as u8),
                receive_buffer: inet.settings.udp_buffer,
                send_buffer: inet.settings.udp_buffer,
                queue: VecDeque::new(),
                queued: 0,
                untold: false,
                port: None,
                bound: false,
                local: None,
                peer: None,
                link: 0,
                error: None,
                shut_read: false,
                shut_write: false,
                closed: false,
                level: Events::OUT,
            }),
            this: Weak::clone(this),
        });
        if raw {
            inet.tables.with(|tables| tables.raw.push(socket.clone()));
        }
        socket
    }

    /// Queues a datagram that arrived, or gives it back if there is no room.
    pub(crate) fn deliver(self: &Arc<Self>, datagram: Datagram) -> Result<(), Frame> {
        let size = datagram.frame.len() + OVERHEAD;
        let untold = self.state.with(|state| {
            // As Linux has it, the last one may exceed the limit.
            if state.queued >= state.receive_buffer || state.closed {
                return Err(datagram.frame);
            }
            state.queued += size;
            state.queue.push_back(datagram);
            Ok(core::mem::replace(&mut state.untold, true))
        })?;
        if !untold {
            self.inet.note(Job::Tell(self.clone()));
        }
        Ok(())
    }

    /// Notes an error that the network reported.
    pub(crate) fn fail(self: &Arc<Self>, errno: Errno) {
        let untold = self.state.with(|state| {
            state.error = Some(errno);
            core::mem::replace(&mut state.untold, true)
        });
        if !untold {
            self.inet.note(Job::Tell(self.clone()));
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

    /// Takes the first datagram; leaves it counted, if it is to come back.
    fn take(&self, lwp: &Lwp<'_>, peek: bool, nonblock: bool) -> Result<Option<Datagram>, Wait> {
        self.update(lwp, |state| {
            if let Some(errno) = state.error.take() {
                return Err(errno.into());
            }
            match state.queue.pop_front() {
                Some(datagram) => {
                    if !peek {
                        state.queued -= datagram.frame.len() + OVERHEAD;
                    }
                    Ok(Some(datagram))
                }
                // As Linux has it: only who would wait is told of the end.
                None if state.shut_read && !nonblock => Ok(None),
                None => Err(Wait::For(Events::IN)),
            }
        })
    }

    /// Where a datagram to `to`, or to the peer, goes.
    pub(crate) fn route(&self, lwp: &Lwp<'_>, to: Option<SockAddr>) -> Result<Route, Errno> {
        let named = to.map(|to| self.resolve(&to)).transpose()?;
        let (to, link, local, port, common) = self.update(lwp, |state| {
            if let Some(errno) = state.error.take() {
                return Err(errno);
            }
            if state.shut_write {
                return Err(Errno::EPIPE);
            }
            let (to, link) = match (named, state.peer) {
                (Some((to, 0)), _) => (to, state.link),
                (Some((to, link)), _) => (to, link),
                (None, Some(peer)) => (peer, state.link),
                (None, None) => return Err(Errno::EDESTADDRREQ),
            };
            let port = state.port.map_or(0, |(port, _)| port);
            Ok((to, link, state.local, port, state.common))
        })?;
        if common.v6only && to.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if !common.broadcast && self.inet.is_broadcast(to.addr) {
            return Err(Errno::EACCES);
        }
        let from = match local {
            Some(local) => local,
            None => self.inet.net.source_for(lwp, to.addr)?,
        };
        if from.is_ipv4() != to.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        Ok(Route {
            to,
            from: Endpoint::new(from, port),
            link,
        })
    }

    fn resolve(&self, address: &SockAddr) -> Result<(Endpoint, u32), Errno> {
        let (mut end, link) = match (self.family, address) {
            // Datagrams to an IPv4 address may name it as one.
            (Family::V6, SockAddr::Inet(_)) => Family::V4.resolve(address)?,
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
            let bound = state.local.filter(|_| state.bound);
            (state.common.v6only, state.common.broadcast, bound)
        });
        if v6only && peer.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if !broadcast && self.inet.is_broadcast(peer.addr) {
            return Err(Errno::EACCES);
        }
        let local = match bound {
            Some(local) => local,
            None => self.inet.net.source_for(lwp, peer.addr)?,
        };
        if local.is_ipv4() != peer.addr.is_ipv4() {
            return Err(Errno::ENETUNREACH);
        }
        if self.kind == Kind::Udp {
            self.bind_if_unbound(lwp)?;
        }
        self.update(lwp, |state| {
            state.local = Some(local);
            state.peer = Some(peer);
            state.link = link;
        });
        self.rehash(Some(local));
        Ok(())
    }

    fn dissolve(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.update(lwp, |state| {
            state.peer = None;
            if !state.bound {
                state.local = None;
            }
        });
        self.rehash(None);
        Ok(())
    }
}

impl DatagramState {
    /// As Linux's `datagram_poll` has it.
    fn level_now(&self) -> Events {
        Events::OUT
            | Events::IN.when(!self.queue.is_empty())
            | (Events::IN | Events::RDHUP).when(self.shut_read)
            | Events::HUP.when(self.shut_read && self.shut_write)
            | Events::ERR.when(self.error.is_some())
    }

    /// Sets an option; `ENOPROTOOPT` for one that is not known.
    fn set(&mut self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        let int = || options::int(value);
        match (level, name) {
            (SOL_SOCKET, SO_RCVBUF) => self.receive_buffer = buffer(int()?),
            (SOL_SOCKET, SO_SNDBUF) => self.send_buffer = buffer(int()?),
            (SOL_SOCKET, SO_KEEPALIVE | SO_LINGER | SO_OOBINLINE) => {
                int()?;
            }
            (IPPROTO_IP, IP_HDRINCL) => self.header_included = int()? != 0,
            (IPPROTO_IP, IP_TTL) | (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                self.hop_limit = options::hop_limit(value)?;
            }
            _ => return self.common.set(level, name, value),
        }
        Ok(())
    }

    /// Reads an option; `ENOPROTOOPT` for one that is not known.
    fn get(&mut self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        let int = match (level, name) {
            (SOL_SOCKET, SO_ERROR) => self.error.take().map_or(0, Errno::number),
            (SOL_SOCKET, SO_ACCEPTCONN | SO_KEEPALIVE | SO_OOBINLINE) => 0,
            (SOL_SOCKET, SO_LINGER) => return Ok([0; 8].to_vec()),
            (SOL_SOCKET, SO_RCVBUF) => 2 * self.receive_buffer as i32,
            (SOL_SOCKET, SO_SNDBUF) => 2 * self.send_buffer as i32,
            (IPPROTO_IP, IP_HDRINCL) => self.header_included.into(),
            (IPPROTO_IP, IP_TTL) | (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                self.hop_limit.unwrap_or(options::HOP_LIMIT).into()
            }
            _ => return self.common.get(level, name),
        };
        Ok(int.to_ne_bytes().to_vec())
    }
}

fn buffer(asked: i32) -> usize {
    usize::try_from(asked)
        .unwrap_or(*BUFFERS.end())
        .clamp(*BUFFERS.start(), *BUFFERS.end())
}

impl Inet {
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

impl Socket for DatagramSocket {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn domain(&self) -> u16 {
        self.family.number()
    }

    fn kind(&self) -> u32 {
        match self.kind {
            Kind::Udp => SOCK_DGRAM,
            Kind::Raw(_) => SOCK_RAW,
        }
    }

    fn protocol(&self) -> u32 {
        match self.kind {
            Kind::Udp => IPPROTO_UDP,
            Kind::Raw(protocol) => protocol.into(),
        }
    }

    fn bind(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        match self.kind {
            Kind::Udp => self.bind_udp(lwp, address),
            Kind::Raw(_) => self.bind_raw(lwp, address),
        }
    }

    fn listen(&self, _lwp: &Lwp<'_>, _backlog: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn try_accept(&self, _lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait> {
        Ok(self.connect_to(lwp, address)?)
    }

    fn try_send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: Option<SockAddr>,
        flags: u32,
    ) -> Result<usize, Wait> {
        if data.remaining() > 65535 {
            return Err(Errno::EMSGSIZE.into());
        }
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let sent = match self.kind {
            Kind::Udp => self.send_udp(lwp, data, to),
            Kind::Raw(protocol) => self.send_raw(lwp, data, to, protocol),
        };
        self.inet.settle(lwp);
        Ok(sent?)
    }

    fn try_receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        flags: u32,
    ) -> Result<Received, Wait> {
        let peek = flags & MSG_PEEK != 0;
        let nonblock = flags & MSG_DONTWAIT != 0;
        let Some(datagram) = self.take(lwp, peek, nonblock)? else {
            return Ok(Received::default());
        };
        let copied = data.put(datagram.frame.payload());
        let len = datagram.frame.len();
        let from = self.family.report(datagram.from, datagram.link);
        if peek {
            self.update(lwp, |state| state.queue.push_front(datagram));
        } else {
            self.inet.net.pool().recycle(datagram.frame);
        }
        let copied = copied?;
        Ok(Received {
            len: if flags & MSG_TRUNC != 0 { len } else { copied },
            from: Some(from),
            flags: if copied < len { MSG_TRUNC } else { 0 },
        })
    }

    fn shutdown(&self, lwp: &Lwp<'_>, how: u32) -> Result<(), Errno> {
        self.update(lwp, |state| {
            state.shut_read |= how != SHUT_WR;
            state.shut_write |= how != SHUT_RD;
            // The direction ends all the same: so it is on Linux.
            state.peer.map(|_| ()).ok_or(Errno::ENOTCONN)
        })
    }

    fn local_address(&self, _lwp: &Lwp<'_>) -> SockAddr {
        let (local, port, link) = self.state.with(|state| {
            let port = match self.kind {
                Kind::Udp => state.port.map_or(0, |(port, _)| port),
                Kind::Raw(protocol) => protocol.into(),
            };
            (state.local, port, state.link)
        });
        let local = local.unwrap_or(self.family.unspecified());
        self.family.report(Endpoint::new(local, port), link)
    }

    fn peer_address(&self, _lwp: &Lwp<'_>) -> Result<SockAddr, Errno> {
        let (peer, link) = self.state.with(|state| (state.peer, state.link));
        Ok(self.family.report(peer.ok_or(Errno::ENOTCONN)?, link))
    }

    fn set_option(&self, lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        if level == IPPROTO_IPV6 && self.family == Family::V4 {
            return Err(Errno::ENOPROTOOPT);
        }
        self.update(lwp, |state| {
            if (level, name) == (IPPROTO_IPV6, IPV6_V6ONLY) && state.port.is_some() {
                return Err(Errno::EINVAL);
            }
            state.set(level, name, value)
        })?;
        if let (SOL_SOCKET, SO_REUSEADDR | SO_REUSEPORT) = (level, name) {
            self.update_claim();
        }
        Ok(())
    }

    fn option(&self, lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if level == IPPROTO_IPV6 && self.family == Family::V4 {
            return Err(Errno::ENOPROTOOPT);
        }
        self.update(lwp, |state| state.get(level, name))
    }

    fn readable(&self, _lwp: &Lwp<'_>) -> Result<usize, Errno> {
        let first = |state: &mut DatagramState| state.queue.front().map(|one| one.frame.len());
        Ok(self.state.with(first).unwrap_or(0))
    }

    fn close(&self, _lwp: &Lwp<'_>) {
        let (port, queue) = self.state.with(|state| {
            state.closed = true;
            (state.port.take(), core::mem::take(&mut state.queue))
        });
        for datagram in queue {
            self.inet.net.pool().recycle(datagram.frame);
        }
        let _dropped_outside = self.inet.tables.with(|tables| match (self.kind, port) {
            (Kind::Raw(_), _) => tables.remove_raw(self),
            (Kind::Udp, Some((port, claim))) => {
                tables.udp_ports.release(port, &claim);
                tables.udp.remove(port, self)
            }
            (Kind::Udp, None) => None,
        });
    }
}

/// The interface a packet has to leave by, where its addresses do not say.
pub(crate) fn way_out(inet: &Inet, lwp: &Lwp<'_>, route: &Route) -> Option<Arc<net::Interface>> {
    if inet.net.is_local(lwp, route.to.addr) {
        inet.net.loopback()
    } else if is_link_local(route.to.addr) {
        inet.link(route.to.addr, route.link)
    } else {
        None
    }
}
