//! TCP sockets as the layer of sockets calls them. Errors and their order are Linux's.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Events, Lwp, Readiness, Wait, Wakes};
use smoltcp::socket::tcp::State;
use sockets::{FilterPlace, Incoming, Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use crate::address::Family;
use crate::connection::Report;
use crate::datagram::ancillary::Ancillary;
use crate::options::Opt;
use crate::ports::Claim;
use crate::tcp::{Phase, TcpSocket, TcpState};

impl TcpSocket {
    fn send_step(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        data: &mut UioIn<'_>,
        flags: u32,
        wakes: &mut Wakes,
    ) -> Result<usize, Wait> {
        // Who sent something in this call hears of that; the error is for the next.
        let begun = data.has_begun();
        let broken = |state: &mut TcpState| match begun {
            true => Errno::EPIPE,
            false => state.error.take().unwrap_or(Errno::EPIPE),
        };
        let Phase::Open(connection) = &mut state.phase else {
            return Err(broken(state).into());
        };
        if connection.is_over() || state.shut_write || state.error.is_some() {
            return Err(broken(state).into());
        }
        if connection.is_opening() {
            return Err(Wait::For(Events::OUT));
        }
        let sent = connection.write(data, flags & MSG_MORE != 0)?;
        if sent == 0 && data.remaining() > 0 {
            return Err(Wait::For(Events::OUT));
        }
        let mut report = Report::default();
        connection.transmit(lwp, &mut report);
        self.digest(lwp, state, report, wakes);
        Ok(sent)
    }

    /// Connects before the first data is sent (`MSG_FASTOPEN`), as Linux does for a peer of which it has no cookie
    /// (RFC 7413 § 4.1.3).
    fn open_first(&self, lwp: &Lwp<'_>, with: &mut Outgoing, flags: u32) -> Result<(), Wait> {
        let Some(address) = &with.to else {
            return Ok(());
        };
        match Socket::connect(self, lwp, address) {
            Err(Wait::For(_)) if flags & MSG_DONTWAIT != 0 => Err(Errno::EINPROGRESS.into()),
            Ok(()) => {
                // Once is enough.
                with.to = None;
                Ok(())
            }
            waits => waits,
        }
    }

    fn receive_step(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        data: &mut UioOut<'_>,
        flags: u32,
        wakes: &mut Wakes,
    ) -> Result<usize, Wait> {
        match &mut state.phase {
            Phase::Listening => Err(Errno::ENOTCONN.into()),
            // No data is ever urgent here.
            _ if flags & MSG_OOB != 0 => Err(Errno::EINVAL.into()),
            Phase::Open(connection) if connection.readable() > 0 => {
                if flags & MSG_PEEK != 0 {
                    return Ok(connection.peek(data)?);
                }
                let len = if flags & MSG_TRUNC != 0 {
                    connection.discard(data.remaining())
                } else {
                    connection.read(data)?
                };
                if !connection.is_over() {
                    let mut report = Report::default();
                    connection.transmit(lwp, &mut report);
                    self.digest(lwp, state, report, wakes);
                }
                Ok(len)
            }
            phase => {
                if state.finished {
                    return Ok(0);
                }
                if let Some(errno) = state.error.take() {
                    return Err(errno.into());
                }
                if state.shut_read {
                    return Ok(0);
                }
                match phase {
                    Phase::Open(connection) if !connection.is_over() => Err(Wait::For(Events::IN)),
                    _ => Err(Errno::ENOTCONN.into()),
                }
            }
        }
    }

    /// Ends directions; gives back what a listener had, to be ended without the lock.
    fn shut(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        how: u32,
        wakes: &mut Wakes,
    ) -> (Result<(), Errno>, Vec<Arc<TcpSocket>>) {
        let (read, write) = (how != SHUT_WR, how != SHUT_RD);
        match &mut state.phase {
            Phase::Listening if read => return (Ok(()), self.stop_listening(state)),
            Phase::Listening => return (Ok(()), Vec::new()),
            Phase::Open(connection) if connection.state() == State::SynSent => {
                self.disconnect(lwp, state, wakes);
                state.error = Some(Errno::ECONNRESET);
                return (Ok(()), Vec::new());
            }
            _ => {}
        }
        state.shut_read |= read;
        state.shut_write |= write;
        let Phase::Open(connection) = &mut state.phase else {
            return (Err(Errno::ENOTCONN), Vec::new());
        };
        if connection.is_over() || connection.state() == State::TimeWait {
            return (Err(Errno::ENOTCONN), Vec::new());
        }
        // Who ends a direction knows that it is connected, and `connect` need not say so any more.
        state.connecting &= connection.is_opening();
        if write {
            let mut report = Report::default();
            connection.finish();
            connection.transmit(lwp, &mut report);
            self.digest(lwp, state, report, wakes);
        }
        (Ok(()), Vec::new())
    }

    /// The program is done with the socket.
    fn give_up(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        wakes: &mut Wakes,
    ) -> Vec<Arc<TcpSocket>> {
        state.closed = true;
        let linger = state.options.linger;
        match &mut state.phase {
            Phase::Idle => {}
            Phase::Listening => return self.stop_listening(state),
            Phase::Open(connection)
                if connection.is_over()
                    || connection.is_opening()
                    || connection.readable() > 0
                    || linger == Some(0) =>
            {
                self.abort(lwp, state, wakes);
            }
            Phase::Open(connection) => {
                let mut report = Report::default();
                connection.finish();
                connection.orphan(lwp.now());
                connection.transmit(lwp, &mut report);
                self.digest(lwp, state, report, wakes);
            }
        }
        if matches!(state.phase, Phase::Idle) {
            state.bound = false;
            self.give_back_port(state);
        }
        Vec::new()
    }

    fn local(&self, state: &TcpState) -> SockAddr {
        let end = match &state.phase {
            Phase::Open(connection) if !connection.is_over() => connection.tuple.local,
            _ => state.name,
        };
        self.family.report(end, state.link)
    }

    /// Has the port table know of options that decide about conflicts.
    fn update_claim(&self, state: &mut TcpState) {
        if let Some((port, claim)) = state.port {
            let options = &state.options;
            let to = Claim {
                reuse_addr: options.is(Opt::ReuseAddr),
                reuse_port: options.is(Opt::ReusePort),
                ..claim
            };
            // As Linux has it, the option changes nothing about what was granted.
            self.inet.tables.write(|tables| {
                tables.tcp_ports.release(port, &claim);
                tables.tcp_ports.add(port, to);
            });
            state.port = Some((port, to));
        }
    }
}

impl Socket for TcpSocket {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn domain(&self) -> u16 {
        self.family.number()
    }

    fn kind(&self) -> u32 {
        SOCK_STREAM
    }

    fn protocol(&self) -> u32 {
        IPPROTO_TCP
    }

    fn bind(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        self.with(lwp, |state, _| self.bind_to(lwp, state, address))
    }

    fn listen(&self, lwp: &Lwp<'_>, backlog: u32) -> Result<(), Errno> {
        self.with(lwp, |state, wakes| {
            self.start_listening(state, backlog, wakes)
        })
    }

    fn try_accept(&self, lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        let taken = Wakes::deliver_after(lwp, |wakes| self.backlog.accept(&self.readiness, wakes));
        let child = taken.ok_or(Errno::EINVAL)?.ok_or(Wait::For(Events::IN))?;
        let peer = child.change(lwp, |state, _| match &state.phase {
            Phase::Open(connection) => child.family.report(connection.tuple.remote, state.link),
            _ => SockAddr::Unspec,
        });
        Ok((child, peer))
    }

    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait> {
        self.with(lwp, |state, wakes| {
            if *address == SockAddr::Unspec {
                self.disconnect(lwp, state, wakes);
                return Ok(());
            }
            self.connect_step(lwp, state, address, wakes)
        })
    }

    fn try_send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        flags: u32,
    ) -> Result<usize, Wait> {
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if flags & MSG_FASTOPEN != 0 {
            self.open_first(lwp, with, flags)?;
        }
        let mut total = 0;
        loop {
            // In between, what was sent may have arrived within this kernel, and made room.
            match self.with(lwp, |state, wakes| {
                self.send_step(lwp, state, data, flags, wakes)
            }) {
                Ok(sent) => total += sent,
                Err(_) if total > 0 => return Ok(total),
                Err(wait) => return Err(wait),
            }
            if data.remaining() == 0 {
                return Ok(total);
            }
        }
    }

    fn try_receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Wait> {
        self.with(lwp, |state, wakes| {
            let len = self.receive_step(lwp, state, data, flags, wakes)?;
            if state.options.is_timed()
                && len > 0
                && let Phase::Open(connection) = &state.phase
                && connection.arrived_at > 0
            {
                // Of all that waits, the last that came: Linux, too, forgets how it came in pieces.
                let ancillary = Ancillary::of(&state.options);
                with.control.extend(ancillary.time(connection.arrived_at));
            }
            Ok(len)
        })
    }

    fn shutdown(&self, lwp: &Lwp<'_>, how: u32) -> Result<(), Errno> {
        let (result, children) = self.with(lwp, |state, wakes| self.shut(lwp, state, how, wakes));
        self.end(lwp, children);
        result
    }

    fn local_address(&self, lwp: &Lwp<'_>) -> SockAddr {
        self.change(lwp, |state, _| self.local(state))
    }

    fn peer_address(&self, lwp: &Lwp<'_>) -> Result<SockAddr, Errno> {
        self.change(lwp, |state, _| match &state.phase {
            Phase::Open(connection)
                if !connection.is_over()
                    && !matches!(connection.state(), State::SynSent | State::TimeWait) =>
            {
                Ok(self.family.report(connection.tuple.remote, state.link))
            }
            _ => Err(Errno::ENOTCONN),
        })
    }

    fn set_option(&self, lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        self.with(lwp, |state, wakes| {
            if (self.family, level, name) == (Family::V6, IPPROTO_IPV6, IPV6_V6ONLY)
                && state.port.is_some()
            {
                return Err(Errno::EINVAL);
            }
            let fixed = match (level, name) {
                (IPPROTO_TCP, TCP_FASTOPEN) => matches!(state.phase, Phase::Open(_)),
                (IPPROTO_TCP, TCP_FASTOPEN_CONNECT) => !matches!(state.phase, Phase::Idle),
                _ => false,
            };
            if fixed {
                return Err(Errno::EINVAL);
            }
            state.options.set(self.family, level, name, value)?;
            if let (SOL_SOCKET, SO_REUSEADDR | SO_REUSEPORT) = (level, name) {
                self.update_claim(state);
            }
            if let Phase::Open(connection) = &mut state.phase
                && !connection.is_over()
            {
                let mut report = Report::default();
                connection.configure(&state.options);
                match (level, name) {
                    (IPPROTO_TCP, TCP_QUICKACK) => {
                        connection.confirm_at_once(state.options.is(Opt::QuickAck));
                    }
                    (IPPROTO_TCP, TCP_NODELAY) => connection.push(),
                    _ => {}
                }
                connection.transmit(lwp, &mut report);
                self.digest(lwp, state, report, wakes);
            }
            Ok(())
        })
    }

    fn option(&self, lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        self.with(lwp, |state, _| {
            let int = match (level, name) {
                (SOL_SOCKET, SO_ERROR) => state.error.take().map_or(0, Errno::number),
                _ if self.family.asks_mtu(level, name) => {
                    let Phase::Open(connection) = &state.phase else {
                        return Err(Errno::ENOTCONN);
                    };
                    let to = connection.tuple.remote.addr;
                    self.inet.mtu(lwp, to, connection.via.as_ref()).0 as i32
                }
                (IPPROTO_TCP, TCP_MAXSEG) if let Phase::Open(connection) = &state.phase => {
                    connection.segment_size() as i32
                }
                (SOL_SOCKET, SO_ACCEPTCONN) => matches!(state.phase, Phase::Listening).into(),
                _ => return state.options.get(self.family, level, name),
            };
            Ok(int.to_ne_bytes().to_vec())
        })
    }

    fn filter(&self) -> Option<&FilterPlace> {
        Some(&self.filter)
    }

    fn readable(&self, lwp: &Lwp<'_>) -> Result<usize, Errno> {
        self.change(lwp, |state, _| match &state.phase {
            Phase::Listening => Err(Errno::EINVAL),
            Phase::Idle => Ok(0),
            Phase::Open(connection) => Ok(connection.readable()),
        })
    }

    fn close(&self, lwp: &Lwp<'_>) {
        let children = self.with(lwp, |state, wakes| self.give_up(lwp, state, wakes));
        self.end(lwp, children);
    }
}

impl TcpSocket {
    /// Ends the connections of a listener that is none any more.
    fn end(&self, lwp: &Lwp<'_>, children: Vec<Arc<TcpSocket>>) {
        if children.is_empty() {
            return;
        }
        for child in children {
            child.kill(lwp);
        }
        self.inet.settle(lwp);
    }
}
