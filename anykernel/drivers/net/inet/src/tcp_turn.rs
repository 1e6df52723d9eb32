//! The life of a TCP socket's connection: what arrives for it, and what that means for the socket.

use alloc::sync::Arc;

use base::{Events, Lwp, Wakes};
use net::Frame;
use smoltcp::socket::tcp::State;

use crate::address::{Scope, Tuple};
use crate::backlog::Room;
use crate::connection::{Connection, End, Report};
use crate::icmp::Trouble;
use crate::inet::{Inet, Job, Packet};
use crate::options::Opt;
use crate::ports::Claim;
use crate::tcp::{Phase, TcpSocket, TcpState};

impl TcpSocket {
    /// Takes what is in the inbox, and sees to it.
    pub(crate) fn turn(&self, lwp: &Lwp<'_>, state: &mut TcpState, wakes: &mut Wakes) {
        let news = self.inbox.take(core::mem::take(&mut state.spare));
        let mut frames = news.frames;
        let mut fresh = Events::NONE;
        if let Phase::Open(connection) = &mut state.phase
            && !connection.is_over()
        {
            if news.tick {
                connection.disarm();
            }
            let mut report = connection.turn(lwp, &mut frames.drain(..));
            match news.error {
                Some((Trouble::Error { errno, .. }, sequence))
                    if connection.state() == State::SynSent && connection.first() == sequence =>
                {
                    connection.forget(lwp);
                    report.end = Some(End::Failed(errno));
                }
                Some((Trouble::TooLong(mtu), sequence)) => connection.shorten(lwp, mtu, sequence),
                _ => {}
            }
            fresh = Events::IN.when(report.data);
            self.digest(lwp, state, report, wakes);
        }
        // The connection ended while they were on the way.
        for frame in frames.drain(..) {
            self.inet.net.pool().recycle(frame);
        }
        state.spare = frames;
        self.publish(state, fresh, wakes);
    }

    /// Draws the consequences of what a connection went through.
    pub(crate) fn digest(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        mut report: Report,
        wakes: &mut Wakes,
    ) {
        let Phase::Open(connection) = &mut state.phase else {
            return;
        };
        if (report.established || report.end.is_some())
            && let Some(listener) = core::mem::take(&mut state.listener).upgrade()
            && let Some(this) = self.this.upgrade()
        {
            if !report.established {
                listener.backlog.abandon(&this);
            } else if !listener.backlog.complete(&this, &listener.readiness, wakes) {
                state.closed = true;
                connection.abort();
                connection.transmit(lwp, &mut report);
            }
        }
        if report.fin {
            state.finished = true;
            state.shut_read = true;
        }
        match report.end {
            Some(end) => self.ended(state, end),
            None if state.closed => self.lay_to_rest(lwp, state),
            None => {}
        }
    }

    /// The connection is no more; what it received is still there to be read.
    pub(crate) fn ended(&self, state: &mut TcpState, end: End) {
        let Phase::Open(connection) = &state.phase else {
            return;
        };
        let tuple = connection.tuple;
        if let End::Failed(errno) = end {
            state.error = Some(errno);
        }
        state.shut_read = true;
        state.shut_write = true;
        state.name = tuple.local;
        let port = if state.closed || !state.bound {
            state.port.take()
        } else {
            None
        };
        if state.closed {
            state.phase = Phase::Idle;
        }
        let _dropped_outside = self.inet.tables.write(|tables| {
            if let Some((port, claim)) = port {
                tables.tcp_ports.release(port, &claim);
            }
            self.leave(tables, &tuple)
        });
    }

    fn leave(&self, tables: &mut crate::demux::Tables, tuple: &Tuple) -> Option<Arc<TcpSocket>> {
        let mine = tables
            .connections
            .get(tuple)
            .is_some_and(|socket| core::ptr::eq(&**socket, self));
        if mine {
            tables.connections.remove(tuple)
        } else {
            None
        }
    }

    /// Gives up the buffers of a connection that nobody uses and that only waits for late packets.
    pub(crate) fn lay_to_rest(&self, lwp: &Lwp<'_>, state: &mut TcpState) {
        let now = lwp.now();
        let Phase::Open(connection) = &mut state.phase else {
            return;
        };
        let Some(sequence) = connection.lingers(now) else {
            return;
        };
        let tuple = connection.tuple;
        connection.forget(lwp);
        state.phase = Phase::Idle;
        let Some((_, claim)) = state.port.take() else {
            return;
        };
        let (_dropped_outside, first) = self.inet.tables.write(|tables| {
            let (waits, ports) = (&mut tables.time_waits, &mut tables.tcp_ports);
            let first = waits.add(tuple, sequence, claim, now, ports);
            (self.leave(tables, &tuple), first)
        });
        self.inet.time_wait_timer.set(lwp, first);
    }

    /// Begins a handshake with whoever sent a SYN to this listener. No lock is held.
    pub(crate) fn admit(&self, lwp: &Lwp<'_>, packet: Packet) {
        let taken = self.change(lwp, |state, _| self.new_child(lwp, state, packet));
        if let Err((packet, reason)) = taken {
            self.inet.discard(packet, reason);
        }
    }

    fn new_child(
        &self,
        lwp: &Lwp<'_>,
        state: &mut TcpState,
        packet: Packet,
    ) -> Result<(), (Packet, net::Reason)> {
        let inet = &self.inet;
        let Some(tuple) = packet.tuple() else {
            return Err((packet, net::Reason::Malformed));
        };
        // The same SYN may have come twice in one batch.
        let known = inet
            .tables
            .read(lwp, |tables| tables.connections.get(&tuple).cloned());
        if let Some(known) = known {
            inet.hand_over(lwp, &known, packet.frame);
            return Ok(());
        }
        let most = inet.settings.half_open;
        let room = match state.phase {
            Phase::Listening => self.backlog.make_room(most, lwp.now()),
            _ => Room::None,
        };
        match room {
            Room::None => return Err((packet, net::Reason::QueueFull)),
            Room::Free => {}
            Room::InPlaceOf(oldest) => inet.note(lwp, Job::End(oldest)),
        }
        let child = TcpSocket::new(inet, self.family, state.options, self.filter.clone());
        let path = inet.path(lwp, &tuple, packet.link().as_ref(), &state.options);
        let timer = child.timer.clone();
        let connection =
            match Connection::passive(lwp, &inet.net, tuple, path, &state.options, timer) {
                Ok(connection) => connection,
                Err(_) => return Err((packet, net::Reason::NoMemory)),
            };
        let claim = Claim {
            scope: Scope::of(self.family, tuple.local.addr, true),
            reuse_addr: state.options.is(Opt::ReuseAddr),
            reuse_port: state.options.is(Opt::ReusePort),
            listening: false,
            shared: false,
        };
        let listener = self.this.clone();
        // Nobody else knows the child yet: this is no second lock that anybody could wait for.
        child.change(lwp, |state, _| {
            state.phase = Phase::Open(connection.into());
            state.port = Some((tuple.local.port, claim));
            state.link = packet.link().map_or(0, |link| link.index());
            state.listener = listener;
        });
        inet.tables.write(|tables| {
            tables.tcp_ports.add(tuple.local.port, claim);
            tables.connections.insert(tuple, child.clone());
        });
        self.backlog.begin(&child, lwp.now());
        inet.hand_over(lwp, &child, packet.frame);
        Ok(())
    }

    /// Ends a connection that a listener gave up: with a reset, if the peer knows of it.
    pub(crate) fn kill(&self, lwp: &Lwp<'_>) {
        self.change(lwp, |state, wakes| {
            state.closed = true;
            state.listener = Default::default();
            self.abort(lwp, state, wakes);
        });
    }

    /// Ends the connection with a reset.
    pub(crate) fn abort(&self, lwp: &Lwp<'_>, state: &mut TcpState, wakes: &mut Wakes) {
        let Phase::Open(connection) = &mut state.phase else {
            return;
        };
        let mut report = Report::default();
        if connection.is_over() {
            report.end = Some(End::Quiet);
        } else if connection.is_opening() {
            // Whom nobody answered yet needs no farewell.
            connection.forget(lwp);
            report.end = Some(End::Quiet);
        } else {
            connection.abort();
            connection.transmit(lwp, &mut report);
        }
        self.digest(lwp, state, report, wakes);
    }
}

impl Inet {
    /// Puts a segment into a connection's inbox.
    pub(crate) fn hand_over(&self, lwp: &Lwp<'_>, socket: &Arc<TcpSocket>, frame: Frame) {
        match socket.inbox.push(frame) {
            Ok(true) => self.note(lwp, Job::Turn(socket.clone())),
            Ok(false) => {}
            Err(frame) => self.net.pool().recycle(frame),
        }
    }

    /// Puts an error into a connection's inbox, and the number of the segment it is about.
    pub(crate) fn report(
        &self,
        lwp: &Lwp<'_>,
        socket: &Arc<TcpSocket>,
        trouble: Trouble,
        sequence: u32,
    ) {
        if socket.inbox.fail(trouble, sequence) {
            self.note(lwp, Job::Turn(socket.clone()));
        }
    }
}
