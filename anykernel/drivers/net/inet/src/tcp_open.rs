//! How a TCP socket comes to an address, to listening, and to a connection.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Errno, Events, Lwp, Wait, Wakes};
use net::{Interface, Offloads};
use syscall::SockAddr;
use syscall::consts::SOMAXCONN;

use crate::address::{Endpoint, Scope, Tuple, is_link_local, or_loopback, same_version};
use crate::connection::{Connection, Path, Report};
use crate::inet::Inet;
use crate::options::{Opt, Options};
use crate::ports::Claim;
use crate::random;
use crate::tcp::{Phase, TcpSocket, TcpState};

impl Inet {
    /// How packets between two ends go.
    pub(crate) fn path(
        &self,
        lwp: &Lwp<'_>,
        tuple: &Tuple,
        link: Option<&Arc<Interface>>,
        options: &Options,
    ) -> Path {
        let remote = tuple.remote.addr;
        let loopback = self
            .net
            .is_local(lwp, remote)
            .then(|| self.net.loopback())
            .flatten();
        let local = loopback.is_some();
        let via = loopback.or_else(|| link.cloned());
        let (mtu, offloads) = self.mtu(lwp, remote, via.as_ref());
        let longest = match remote {
            IpAddr::V4(_) => offloads.tcp4,
            IpAddr::V6(_) => offloads.tcp6,
        };
        Path {
            via,
            mtu: options.limit_mtu(mtu, remote.is_ipv4()),
            // What the length in an IP header can say, of either version.
            longest: longest.min(65535),
            local,
            first: self.sequences.first(tuple, lwp.now()),
        }
    }

    /// The longest packet to a host, by an interface or as the routes say, and what is done for it on its link.
    pub(crate) fn mtu(
        &self,
        lwp: &Lwp<'_>,
        to: IpAddr,
        via: Option<&Arc<Interface>>,
    ) -> (usize, Offloads) {
        let link = || match self.net.is_local(lwp, to) {
            true => self.net.loopback(),
            false => self.net.next_hop(to).map(|(link, _)| link),
        };
        match via.cloned().or_else(link) {
            Some(link) => (self.net.path_mtu(lwp, &link, to), link.offloads()),
            // It would not get far. Should there be a route by then, this goes anywhere.
            None => (1280, Offloads::default()),
        }
    }

    /// `ENETUNREACH` for what is not on a link of ours (`SO_DONTROUTE`).
    pub(crate) fn check_near(&self, addr: IpAddr) -> Result<(), Errno> {
        match self.net.next_hop(addr) {
            Some((_, next)) if next != addr => Err(Errno::ENETUNREACH),
            _ => Ok(()),
        }
    }

    /// The interface of a link-local address, by its index.
    pub(crate) fn link(&self, addr: IpAddr, index: u32) -> Option<Arc<Interface>> {
        if !is_link_local(addr) || index == 0 {
            return None;
        }
        let interfaces = self.net.interfaces();
        interfaces.into_iter().find(|one| one.index() == index)
    }

    /// Whether a socket may be bound to an address.
    pub(crate) fn check_bindable(&self, lwp: &Lwp<'_>, addr: IpAddr) -> Result<(), Errno> {
        if addr.is_unspecified() || self.net.is_local(lwp, addr) {
            Ok(())
        } else {
            Err(Errno::EADDRNOTAVAIL)
        }
    }
}

impl TcpState {
    /// A claim on a port, as the options are now.
    pub(crate) fn claim(&self, scope: Scope) -> Claim {
        Claim {
            scope,
            reuse_addr: self.options.is(Opt::ReuseAddr),
            reuse_port: self.options.is(Opt::ReusePort),
            listening: false,
            shared: false,
        }
    }
}

impl TcpSocket {
    pub(crate) fn bind_to(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        address: &SockAddr,
    ) -> Result<(), Errno> {
        let (end, link) = self.family.resolve(address)?;
        let free = match &state.phase {
            Phase::Idle => true,
            Phase::Listening => false,
            Phase::Open(connection) => connection.is_over(),
        };
        if state.port.is_some() || !free {
            return Err(Errno::EINVAL);
        }
        let v6only = state.options.is(Opt::Only6);
        if v6only && end.addr.is_ipv4() {
            return Err(Errno::EINVAL);
        }
        self.inet.check_bindable(lwp, end.addr)?;
        let claim = state.claim(Scope::of(self.family, end.addr, v6only));
        let port = self.inet.tables.write(|tables| match end.port {
            0 => tables.tcp_ports.claim_any(claim, random()),
            port => tables.tcp_ports.claim(port, claim).map(|()| port),
        })?;
        state.port = Some((port, claim));
        state.bound = end.port != 0;
        state.address = (!end.addr.is_unspecified()).then_some(end.addr);
        state.name = Endpoint::new(end.addr, port);
        state.link = link;
        Ok(())
    }

    pub(crate) fn start_listening(
        &self,
        state: &mut TcpState,
        backlog: u32,
        wakes: &mut Wakes,
    ) -> Result<(), Errno> {
        match state.phase {
            Phase::Open(_) => return Err(Errno::EINVAL),
            Phase::Listening => {}
            Phase::Idle => {
                let this = self.this.upgrade().ok_or(Errno::EINVAL)?;
                let scope = Scope::all(self.family, state.options.is(Opt::Only6));
                let fresh = state.claim(scope);
                let held = state.port;
                let (port, claim) = self.inet.tables.write(|tables| {
                    let ports = &mut tables.tcp_ports;
                    let (port, claim) = match held {
                        Some(held) => held,
                        None => (ports.claim_any(fresh, random())?, fresh),
                    };
                    let listening = Claim {
                        listening: true,
                        ..claim
                    };
                    ports.change(port, &claim, listening)?;
                    let shares = listening.reuse_port;
                    tables
                        .listeners
                        .put(port, listening.scope, None, shares, &this);
                    Ok::<_, Errno>((port, listening))
                })?;
                state.port = Some((port, claim));
                state.name = Endpoint::new(claim.scope.addr, port);
                state.phase = Phase::Listening;
                state.shut_read = false;
                state.shut_write = false;
                state.level = Events::NONE;
                self.readiness.update(Events::NONE, Events::NONE, wakes);
            }
        }
        self.backlog.open(backlog.min(SOMAXCONN) as usize);
        Ok(())
    }

    /// Accepts no more. What comes back is to be ended without the lock.
    pub(crate) fn stop_listening(&self, state: &mut TcpState) -> alloc::vec::Vec<Arc<TcpSocket>> {
        state.phase = Phase::Idle;
        let held = state.port;
        let keep = !state.closed && state.bound;
        let _dropped_outside = self.inet.tables.write(|tables| {
            let (port, claim) = held?;
            tables.tcp_ports.release(port, &claim);
            if keep {
                let idle = Claim {
                    listening: false,
                    ..claim
                };
                tables.tcp_ports.add(port, idle);
            }
            tables.listeners.remove(port, self)
        });
        state.port = held.filter(|_| keep).map(|(port, claim)| {
            let idle = Claim {
                listening: false,
                ..claim
            };
            (port, idle)
        });
        self.backlog.close()
    }

    /// A step of `connect`.
    pub(crate) fn connect_step(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        address: &SockAddr,
        wakes: &mut Wakes,
    ) -> Result<(), Wait> {
        match &state.phase {
            Phase::Listening => Err(Errno::EISCONN.into()),
            Phase::Open(connection) if state.connecting => {
                if connection.is_over() {
                    let errno = state.error.take().unwrap_or(Errno::ECONNABORTED);
                    self.disconnect(lwp, state, wakes);
                    return Err(errno.into());
                }
                if connection.is_opening() {
                    return Err(Wait::For(Events::OUT));
                }
                state.connecting = false;
                Ok(())
            }
            Phase::Open(_) => Err(Errno::EISCONN.into()),
            Phase::Idle => {
                self.start_connecting(lwp, state, address, wakes)?;
                // Also if it is complete already: Linux takes no notice of that either.
                Err(Wait::For(Events::OUT))
            }
        }
    }

    /// Gives up the connection, if any, and is as it was before it.
    pub(crate) fn disconnect(&self, lwp: &Lwp<'_>, state: &mut TcpState, wakes: &mut Wakes) {
        if let Phase::Open(connection) = &state.phase
            && !connection.is_over()
        {
            self.abort(lwp, state, wakes);
        }
        state.reset();
        state.error = None;
        let unspecified = self.family.unspecified();
        state.name.addr = state.address.unwrap_or(unspecified);
    }

    fn start_connecting(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        address: &SockAddr,
        wakes: &mut Wakes,
    ) -> Result<(), Errno> {
        let this = self.this.upgrade().ok_or(Errno::EINVAL)?;
        let (mut remote, link) = self.family.resolve(address)?;
        remote.addr = or_loopback(remote.addr);
        if state.options.is(Opt::Only6) && remote.addr.is_ipv4() || !is_one_host(remote) {
            return Err(Errno::ENETUNREACH);
        }
        if state.options.is(Opt::DontRoute) {
            self.inet.check_near(remote.addr)?;
        }
        let link = if link == 0 { state.link } else { link };
        let via = self.inet.link(remote.addr, link);
        if is_link_local(remote.addr) && via.is_none() && !self.inet.net.is_local(lwp, remote.addr)
        {
            return Err(Errno::EINVAL);
        }
        let source = || self.inet.net.source_for(lwp, remote.addr);
        let mut local = Endpoint {
            addr: state.address.map_or_else(source, Ok)?,
            port: state.port.map_or(0, |(port, _)| port),
        };
        same_version(local.addr, remote.addr)?;
        if local.port == 0 {
            let claim = Claim {
                shared: true,
                ..state.claim(Scope::of(self.family, local.addr, true))
            };
            local.port = self.inet.tables.write(|tables| {
                let (connections, waits) = (&tables.connections, &tables.time_waits);
                tables.tcp_ports.claim_shared(claim, random(), |port| {
                    let local = Endpoint { port, ..local };
                    let tuple = Tuple { local, remote };
                    // The other way round: if both ends are in this kernel, either may wait.
                    let reverse = Tuple {
                        local: remote,
                        remote: local,
                    };
                    !connections.contains_key(&tuple)
                        && !waits.contains(&tuple)
                        && !waits.contains(&reverse)
                })
            })?;
            state.port = Some((local.port, claim));
        }
        let tuple = Tuple { local, remote };
        let path = self.inet.path(lwp, &tuple, via.as_ref(), &state.options);
        let timer = self.timer.clone();
        let connection =
            Connection::active(lwp, &self.inet.net, tuple, path, &state.options, timer);
        let entered = connection.and_then(|connection| {
            self.inet.tables.write(|tables| {
                if tables.is_taken(&tuple) {
                    return Err(Errno::EADDRNOTAVAIL);
                }
                tables.connections.insert(tuple, this);
                Ok(connection)
            })
        });
        let mut connection = match entered {
            Ok(connection) => connection,
            Err(errno) => {
                self.give_back_port(state);
                return Err(errno);
            }
        };
        let mut report = Report::default();
        connection.transmit(lwp, &mut report);
        state.error = None;
        state.phase = Phase::Open(connection.into());
        state.connecting = true;
        state.link = link;
        self.digest(lwp, state, report, wakes);
        Ok(())
    }

    /// Gives up the port, unless the program chose it.
    pub(crate) fn give_back_port(&self, state: &mut TcpState) {
        if !state.bound
            && let Some((port, claim)) = state.port.take()
        {
            self.inet
                .tables
                .write(|tables| tables.tcp_ports.release(port, &claim));
        }
    }
}

/// Whether a connection to this end is possible at all.
fn is_one_host(end: Endpoint) -> bool {
    match end.addr {
        IpAddr::V4(addr) => !addr.is_multicast() && !addr.is_broadcast(),
        IpAddr::V6(addr) => !addr.is_multicast(),
    }
}
