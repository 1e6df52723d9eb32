//! When to look at a connection again, and when to give it up.

use base::{Errno, Lwp};
use smoltcp::socket::tcp::State;

use super::{Connection, End, Report, instant};
use crate::options::{HOP_LIMIT, Opt, Options};

const SECOND: u64 = 1_000_000_000;

/// How often an unanswered SYN is repeated after longer and longer times, from a second on, and how long each time is
/// that follows.
const DOUBLINGS: u32 = 6;
const LONGEST: u64 = 60 * SECOND;
/// How long an unanswered SYN|ACK is (Linux: five times).
const ACCEPT_LIMIT: u64 = 63 * SECOND;
/// How long the peer may leave data unacknowledged without a sign of life (Linux: 15 repetitions).
pub(super) const SILENCE_LIMIT: u64 = 924 * SECOND;
/// How long a peer of a closed connection may take nothing, be it silent or not: about what Linux's probes of a closed
/// window take.
const ORPHAN_LIMIT: u64 = 240 * SECOND;
/// How long a closed connection waits for the peer's FIN (Linux's `tcp_fin_timeout`).
const FIN_LIMIT: u64 = 60 * SECOND;
/// The least time before a look at the connection that smoltcp asks for at once.
const SOON: u64 = 1_000_000;

/// How an idle peer is asked whether it lives, in nanoseconds.
pub(super) struct KeepAlive {
    idle: u64,
    interval: u64,
    count: u32,
}

impl Connection {
    /// Takes over the options that say how long a peer may be silent.
    pub(super) fn set_patience(&mut self, options: &Options) {
        self.keep_alive = options.is(Opt::KeepAlive).then(|| KeepAlive {
            idle: u64::from(options.number(Opt::KeepIdle)) * SECOND,
            interval: u64::from(options.number(Opt::KeepInterval)) * SECOND,
            count: options.number(Opt::KeepCount),
        });
        self.silence_limit = match options.number(Opt::UserTimeout) {
            0 => SILENCE_LIMIT,
            millis => u64::from(millis) * 1_000_000,
        };
        let repeated = options.number(Opt::SynCount);
        let more = u64::from(repeated.saturating_sub(DOUBLINGS));
        let limit = ((2 << repeated.min(DOUBLINGS)) - 1) * SECOND + more * LONGEST;
        self.connect_limit = limit.min(self.silence_limit);
    }

    /// Whether the peer owes an answer in this state.
    pub(super) fn owes(&self, state: State) -> bool {
        match state {
            State::SynSent
            | State::SynReceived
            | State::FinWait1
            | State::Closing
            | State::LastAck => true,
            State::Closed | State::Listen | State::TimeWait => false,
            State::FinWait2 => self.orphaned,
            _ => self.socket().send_queue() > 0,
        }
    }

    /// Gives up on a peer that is silent for too long, and sets the timer for the next look.
    pub(super) fn watch(&mut self, lwp: &Lwp<'_>, now: u64, report: &mut Report) {
        let state = self.state();
        if !self.owes(state) {
            self.owed_since = None;
        } else if self.owed_since.is_none() {
            self.owed_since = Some(now);
        }
        let deadline = self.deadline(state);
        if now >= deadline && report.end.is_none() {
            report.end = Some(match state {
                State::FinWait2 => End::Quiet,
                State::SynReceived => End::Stillborn,
                _ => End::Failed(Errno::ETIMEDOUT),
            });
            return;
        }
        let deadline = match self.keep_alive.is_some() {
            true => deadline.min(self.asks_at()),
            false => deadline,
        };
        let next = match self.interface.poll_at(instant(now), &self.sockets) {
            _ if let Some(until) = self.held_until() => until.min(deadline),
            Some(at) => (at.total_micros() as u64 * 1000)
                .max(now + SOON)
                .min(deadline),
            None => deadline,
        };
        let next = next.min(self.overdue_at().max(now + SOON));
        // A timer that fires too early is set again then: cheaper than to move it with every segment.
        if next < self.armed {
            self.armed = next;
            self.timer.set(lwp, next);
        }
    }

    /// When to give up.
    pub(super) fn deadline(&self, state: State) -> u64 {
        let limit = match state {
            State::SynSent => self.connect_limit,
            State::SynReceived => ACCEPT_LIMIT,
            State::FinWait2 => FIN_LIMIT,
            _ if self.orphaned => self.silence_limit.min(ORPHAN_LIMIT),
            _ => self.silence_limit,
        };
        let owed = self.owed_since.map_or(u64::MAX, |since| since + limit);
        let alive = match &self.keep_alive {
            Some(keep) if self.asked >= keep.count => self.asked_at + keep.interval,
            _ => u64::MAX,
        };
        owed.min(alive)
    }

    /// When an idle peer is asked for a sign of life: after `idle` for the first time, then more often.
    fn asks_at(&self) -> u64 {
        match (&self.keep_alive, self.state()) {
            (Some(keep), State::Established | State::CloseWait | State::FinWait2)
                if self.socket().send_queue() == 0 =>
            {
                match self.asked {
                    0 => self.heard_at + keep.idle,
                    _ => self.asked_at + keep.interval,
                }
            }
            _ => u64::MAX,
        }
    }

    /// Asks, if it is time. smoltcp's own way knows one interval for all questions, and begins with one.
    #[inline]
    pub(super) fn keep_alive(&mut self, now: u64) {
        if self.keep_alive.is_some() {
            self.ask_in_time(now);
        }
    }

    #[cold]
    fn ask_in_time(&mut self, now: u64) {
        if now >= self.asks_at() && now < self.deadline(self.state()) {
            self.asked += 1;
            self.asked_at = now;
            let hop_limit = self.socket().hop_limit();
            let expected = self.expected();
            self.device
                .out
                .ask(expected, hop_limit.unwrap_or(HOP_LIMIT));
        }
    }
}
