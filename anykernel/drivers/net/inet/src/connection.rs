//! A TCP connection: one smoltcp socket with an interface of its own, and what smoltcp leaves to the
//! kernel around it: where its packets go, when to look at it again, when to give up.
//!
//! Knows nothing of descriptors, of waiting, or of other connections. Its owner has it behind a lock.

mod cork;
mod data;
mod patience;
mod repeat;

use alloc::sync::Arc;
use alloc::vec;

use base::{Callout, Charge, Errno, Lwp};
use net::{Batch, Net};
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpEndpoint, TcpSeqNumber};

use crate::address::{Endpoint, Tuple};
use crate::device::Device;
use crate::options::{Opt, Options};
use crate::sequence::seed_for;
use patience::{KeepAlive, SILENCE_LIMIT};

/// How long acknowledgements wait for data to go with, on real links. In this kernel nothing is won
/// by it, and a timer is lost.
const ACK_DELAY: Duration = Duration::from_millis(10);

/// Why a connection is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Both sides said what they had to say.
    Quiet,
    /// With an error that the next call reports.
    Failed(Errno),
    /// It never became one: a SYN that was followed by nothing good.
    Stillborn,
}

/// What came of a turn.
#[derive(Default)]
pub(crate) struct Report {
    /// It is connected now.
    pub(crate) established: bool,
    /// There is new data to read.
    pub(crate) data: bool,
    /// The peer sent its FIN.
    pub(crate) fin: bool,
    /// It ended.
    pub(crate) end: Option<End>,
}

/// The way a connection's packets take.
pub(crate) struct Path {
    /// By which interface; as the routes say.
    pub(crate) via: Option<Arc<net::Interface>>,
    /// Largest packet on the link.
    pub(crate) mtu: usize,
    /// Largest packet whose TCP segment the link cuts up.
    pub(crate) longest: usize,
    /// The other end is in this kernel.
    pub(crate) local: bool,
    /// The first sequence number.
    pub(crate) first: u32,
}

/// A connection.
pub(crate) struct Connection {
    net: Arc<Net>,
    pub(crate) tuple: Tuple,
    /// The other end is in this kernel.
    local: bool,
    first: u32,
    pub(crate) via: Option<Arc<net::Interface>>,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    device: Device,
    /// Segments that are not full may have to wait.
    nagle: bool,
    /// The program has more to say (`TCP_CORK`, `MSG_MORE`).
    corked: bool,
    more: bool,
    /// Somebody wants to know when data arrived; and when it did last, in nanoseconds since 1970, or zero.
    timed: bool,
    pub(crate) arrived_at: u64,
    /// Since when what there is to send waits for that.
    held_since: Option<u64>,
    /// How long acknowledgements wait for data to go with.
    ack_delay: Option<Duration>,
    timer: Arc<Callout>,
    /// What the timer is set to; `u64::MAX`: nothing.
    armed: u64,
    /// When the peer was heard last.
    heard_at: u64,
    /// Since when something is owed by the peer. It counts from its last sign of life; or from when it last took
    /// something, if the program is done with the connection.
    owed_since: Option<u64>,
    silence_limit: u64,
    connect_limit: u64,
    keep_alive: Option<KeepAlive>,
    /// How often the peer was asked since whether it lives, and when last.
    asked: u32,
    asked_at: u64,
    /// The program is done with it: what still arrives is refused.
    orphaned: bool,
    /// Its end was reported.
    over: bool,
    _charge: Charge,
}

fn instant(now: u64) -> Instant {
    Instant::from_micros((now / 1000) as i64)
}

/// Whether both ends know each other's numbers (RFC 9293 § 3.3.2).
fn is_synchronized(state: State) -> bool {
    !matches!(
        state,
        State::Closed | State::Listen | State::SynSent | State::SynReceived
    )
}

/// The number that the peer goes on with, if so much of what it sent is read.
fn expected(unread: TcpSeqNumber, socket: &Socket<'_>) -> TcpSeqNumber {
    use State::{CloseWait, Closing, LastAck, TimeWait};
    let finished = matches!(socket.state(), CloseWait | Closing | LastAck | TimeWait);
    unread + socket.recv_queue() + usize::from(finished)
}

fn endpoint(end: Endpoint) -> IpEndpoint {
    IpEndpoint::new(end.addr.into(), end.port)
}

/// The most that a buffer takes of the memory that is left: where many connections share little, each gets less
/// than it wants, and those that come late get the least, before any is refused.
const SHARE: usize = 16;
/// What a buffer has at least, if it wants as much.
const LEAST: usize = 4096;

/// The size of a buffer that is to have `wanted` bytes, where `left` are left.
fn within(wanted: usize, left: usize) -> usize {
    wanted.min((left / SHARE).max(LEAST))
}

impl Connection {
    /// A connection that is none yet. `ENOMEM` at the instance's limit.
    fn new(
        lwp: &Lwp<'_>,
        net: &Arc<Net>,
        tuple: Tuple,
        path: Path,
        options: &Options,
        timer: Arc<Callout>,
    ) -> Result<Self, Errno> {
        let memory = lwp.instance().memory();
        let left = memory.left_for_bulk();
        let [rx, tx] = [Opt::ReceiveBuffer, Opt::SendBuffer]
            .map(|buffer| within(options.number(buffer) as usize, left));
        let charge = memory.charge_bulk(rx + tx)?;
        // Memory that reads as zero costs nothing until it is touched.
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; rx]),
            SocketBuffer::new(vec![0; tx]),
        );
        let ack_delay = (!path.local).then_some(ACK_DELAY);
        socket.set_ack_delay(ack_delay);
        let mut device = Device::new(net.clone(), tuple, &path);
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed_for(path.first);
        let now = lwp.now();
        let mut interface = Interface::new(config, &mut device, instant(now));
        // Whether an address is ours was decided before a packet gets here.
        interface.set_any_ip(true);
        let mut sockets = SocketSet::new(vec![]);
        let handle = sockets.add(socket);
        let mut connection = Connection {
            net: net.clone(),
            tuple,
            local: path.local,
            first: path.first,
            via: path.via,
            interface,
            sockets,
            handle,
            device,
            nagle: false,
            corked: false,
            more: false,
            timed: false,
            arrived_at: 0,
            held_since: None,
            ack_delay,
            timer,
            armed: u64::MAX,
            heard_at: now,
            owed_since: None,
            silence_limit: SILENCE_LIMIT,
            connect_limit: SILENCE_LIMIT,
            keep_alive: None,
            asked: 0,
            asked_at: 0,
            orphaned: false,
            over: false,
            _charge: charge,
        };
        connection.configure(options);
        Ok(connection)
    }

    /// A connection that is about to say SYN.
    pub(crate) fn active(
        lwp: &Lwp<'_>,
        net: &Arc<Net>,
        tuple: Tuple,
        path: Path,
        options: &Options,
        timer: Arc<Callout>,
    ) -> Result<Self, Errno> {
        let mut connection = Connection::new(lwp, net, tuple, path, options, timer)?;
        let socket = connection.sockets.get_mut::<Socket>(connection.handle);
        socket
            .connect(
                connection.interface.context(),
                endpoint(tuple.remote),
                endpoint(tuple.local),
            )
            // Nobody can be at port zero, or at what is no address of one host.
            .map_err(|_| Errno::ECONNREFUSED)?;
        Ok(connection)
    }

    /// A connection that is about to hear a SYN.
    pub(crate) fn passive(
        lwp: &Lwp<'_>,
        net: &Arc<Net>,
        tuple: Tuple,
        path: Path,
        options: &Options,
        timer: Arc<Callout>,
    ) -> Result<Self, Errno> {
        let mut connection = Connection::new(lwp, net, tuple, path, options, timer)?;
        let local = endpoint(tuple.local);
        connection
            .socket_mut()
            .listen(local)
            .map_err(|_| Errno::EADDRNOTAVAIL)?;
        Ok(connection)
    }

    fn socket(&self) -> &Socket<'static> {
        self.sockets.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// The state of RFC 9293 §3.3.2.
    pub(crate) fn state(&self) -> State {
        self.socket().state()
    }

    /// Ends it without a word.
    pub(crate) fn forget(&mut self, lwp: &Lwp<'_>) {
        self.over = true;
        self.timer.cancel(lwp);
        self.armed = u64::MAX;
    }

    /// The number it began at.
    pub(crate) fn first(&self) -> u32 {
        self.first
    }

    /// Whether it is on its way to be one.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(
            self.state(),
            State::SynSent | State::SynReceived | State::Listen
        )
    }

    /// Whether it ended.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes over options that may change while it is open.
    pub(crate) fn configure(&mut self, options: &Options) {
        // Between two ends in one kernel the acknowledgement that Nagle's algorithm would wait for comes
        // while the call that sends is still at work.
        self.nagle = !options.is(Opt::NoDelay) && !self.local;
        self.corked = options.is(Opt::Cork);
        self.timed = options.is_timed();
        let ipv4 = self.tuple.remote.addr.is_ipv4();
        let hop_limit = options.hop_limit(ipv4);
        self.device.out.marks = options.marks(ipv4);
        self.socket_mut().set_hop_limit(Some(hop_limit));
        self.set_patience(options);
    }

    /// Has what arrives confirmed at once, or only after a while (`TCP_QUICKACK`).
    pub(crate) fn confirm_at_once(&mut self, at_once: bool) {
        self.ack_delay = (!at_once && !self.local).then_some(ACK_DELAY);
        let delay = self.ack_delay;
        self.socket_mut().set_ack_delay(delay);
    }

    /// Bytes in a full segment to the peer.
    pub(crate) fn segment_size(&self) -> usize {
        self.device.out.size.full()
    }

    /// A router said of the segment with this number that the way carries no longer packets than of `mtu` bytes. What was
    /// lost is repeated in its time, in shorter segments.
    pub(crate) fn shorten(&mut self, lwp: &Lwp<'_>, mtu: usize, sequence: u32) {
        // Who does not see the connection cannot know its numbers (RFC 5927 § 7.2).
        if self.local || !self.device.out.is_in_flight(TcpSeqNumber(sequence as i32)) {
            return;
        }
        let mtu = self.net.learn_path_mtu(lwp, self.tuple.remote.addr, mtu);
        self.device.shorten(mtu);
    }

    // ---- ends ----

    /// Sends no more, once what there is is sent.
    pub(crate) fn finish(&mut self) {
        self.socket_mut().close();
    }

    /// Ends it with a reset.
    pub(crate) fn abort(&mut self) {
        self.socket_mut().abort();
    }

    /// The program is done with it: from now on data that arrives is answered with a reset, and the
    /// peer's end is not waited for without limit.
    pub(crate) fn orphan(&mut self, now: u64) {
        self.orphaned = true;
        self.heard_at = now;
    }

    /// Whether nothing is left that the peer would have to confirm.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.over || self.state() == State::FinWait2 || !self.owes(self.state())
    }

    /// In TIME-WAIT, with nothing left to send or to read: the next sequence number of ours, and of the
    /// peer's, which is all that must still be known.
    pub(crate) fn lingers(&mut self, now: u64) -> Option<(i32, i32)> {
        if self.state() != State::TimeWait || self.readable() > 0 {
            return None;
        }
        // An acknowledgement that is still delayed is due long before the state ends.
        let next = self.interface.poll_at(instant(now), &self.sockets)?;
        if next < instant(now) + Duration::from_secs(1) {
            return None;
        }
        let (ours, theirs) = self.device.out.sent;
        Some((ours.0, theirs.0))
    }

    // ---- turns ----

    /// Processes packets that arrived and sends what there is to send. The caller, without its lock, flushes the
    /// network afterwards.
    pub(crate) fn turn(
        &mut self,
        lwp: &Lwp<'_>,
        frames: &mut impl Iterator<Item = net::Frame>,
    ) -> Report {
        let now = lwp.now();
        self.device.out.now = now;
        let mut report = Report::default();
        let before = self.readable();
        let confirmed = self.device.out.nagle.confirmed();
        let mut heard = false;
        for frame in frames {
            heard = true;
            let from = self.state();
            let (sockets, handle) = (&self.sockets, self.handle);
            let place = |unread| {
                let socket = sockets.get::<Socket>(handle);
                let window = socket.recv_capacity();
                is_synchronized(from).then(|| (expected(unread, socket), window))
            };
            let long = self.device.arrive(frame, place) && self.ack_delay.is_some();
            if long {
                // Confirmed at once, as all that is more than a segment (RFC 9293 § 3.8.6.3). smoltcp has that
                // so from the second on; but the peer may have sent all it may in this one.
                self.socket_mut().set_ack_delay(Some(Duration::ZERO));
            }
            let (device, sockets) = (&mut self.device, &mut self.sockets);
            self.interface
                .poll_ingress_single(instant(now), device, sockets);
            if long {
                let usual = self.ack_delay;
                self.socket_mut().set_ack_delay(usual);
            }
            self.notice(from, self.state(), &mut report);
        }
        if heard {
            self.heard_at = now;
            self.asked = 0;
            // Of a connection that its program left, a peer that only talks shall not keep us for ever.
            if !self.orphaned || self.device.out.nagle.confirmed() != confirmed {
                self.owed_since = self.owed_since.map(|_| now);
            }
            if self.state() == State::Listen {
                report.end = Some(End::Stillborn);
            }
        }
        report.data = self.readable() > before;
        if report.data && self.timed {
            self.arrived_at = hypercall::clock::wall();
        }
        if self.orphaned && self.readable() > 0 && self.state() != State::Closed {
            // Nobody will read it, and the peer shall know (RFC 2525 §2.17).
            self.abort();
        }
        self.transmit_at(lwp, now, &mut report);
        report
    }

    /// Sends what there is to send, and sees to the timer.
    pub(crate) fn transmit(&mut self, lwp: &Lwp<'_>, report: &mut Report) {
        self.transmit_at(lwp, lwp.now(), report);
    }

    fn transmit_at(&mut self, lwp: &Lwp<'_>, now: u64, report: &mut Report) {
        let before = self.state();
        self.device.out.now = now;
        self.keep_alive(now);
        // Whom we give up is told nothing more.
        let late = now >= self.deadline(before);
        loop {
            let hold = self.is_corked() || self.nagle && self.device.out.nagle.holds();
            self.socket_mut().set_nagle_enabled(hold);
            if late || self.waits_for_more(now) {
                break;
            }
            let (device, sockets) = (&mut self.device, &mut self.sockets);
            let sent = self.interface.poll_egress(instant(now), device, sockets);
            if sent != PollResult::SocketStateChanged {
                break;
            }
        }
        if !late {
            self.repeat(now);
        }
        self.send_off(lwp);
        self.notice(before, self.state(), report);
        if self.state() == State::Closed && before == State::Closed && !self.over {
            // Aborted by us.
            report.end.get_or_insert(End::Quiet);
        }
        self.watch(lwp, now, report);
        if report.end.is_some() {
            self.forget(lwp);
        }
    }

    fn send_off(&mut self, lwp: &Lwp<'_>) {
        let mut leaving: Batch = core::mem::take(&mut self.device.out.leaving);
        for frame in leaving.drain(..) {
            // A packet that cannot go counts as lost, and is repeated.
            let _ = self.net.output(lwp, frame, self.via.as_ref());
        }
        // Keep the batch's memory.
        self.device.out.leaving = leaving;
    }

    /// Tells what a step from one state to another means.
    fn notice(&self, from: State, to: State, report: &mut Report) {
        if from == to {
            return;
        }
        let was_open = !matches!(from, State::Listen | State::SynSent | State::SynReceived);
        match to {
            State::Established => report.established = true,
            State::CloseWait => {
                report.established |= !was_open;
                report.fin = true;
            }
            State::Closing | State::TimeWait | State::LastAck => report.fin = true,
            State::Listen => report.end = Some(End::Stillborn),
            State::Closed => {
                report.end = Some(match from {
                    State::SynSent => End::Failed(Errno::ECONNREFUSED),
                    State::LastAck | State::TimeWait | State::Closing => End::Quiet,
                    State::CloseWait => End::Failed(Errno::EPIPE),
                    _ => End::Failed(Errno::ECONNRESET),
                })
            }
            _ => {}
        }
    }

    /// The timer fired: the next turn sets it again.
    pub(crate) fn disarm(&mut self) {
        self.armed = u64::MAX;
    }
}
