//! When to look at a connection again, and when to give it up.

use base::{Errno, Lwp};
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::Duration;

use super::{Connection, End, Report, instant};
use crate::tcp_options::TcpOptions;

const SECOND: u64 = 1_000_000_000;

/// How long an unanswered SYN is repeated (Linux: six times, doubling from one second).
const CONNECT_LIMIT: u64 = 127 * SECOND;
/// How long an unanswered SYN|ACK is (Linux: five times).
const ACCEPT_LIMIT: u64 = 63 * SECOND;
/// How long the peer may leave data unacknowledged without a sign of life (Linux: 15 repetitions).
pub(super) const SILENCE_LIMIT: u64 = 924 * SECOND;
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
    pub(super) fn set_patience(&mut self, options: &TcpOptions) {
        self.keep_alive = options.keep_alive.then(|| KeepAlive {
            idle: u64::from(options.keep_idle) * SECOND,
            interval: u64::from(options.keep_interval) * SECOND,
            count: options.keep_count,
        });
        self.silence_limit = match options.user_timeout {
            0 => SILENCE_LIMIT,
            millis => u64::from(millis) * 1_000_000,
        };
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
        let next = match self.interface.poll_at(instant(now), &self.sockets) {
            Some(at) => (at.total_micros() as u64 * 1000)
                .max(now + SOON)
                .min(deadline),
            None => deadline,
        };
        // A timer that fires too early is set again then: cheaper than to move it with every segment.
        if next < self.armed {
            self.armed = next;
            self.timer.set(lwp, next);
        }
    }

    /// When to give up.
    fn deadline(&self, state: State) -> u64 {
        let limit = match state {
            State::SynSent => CONNECT_LIMIT,
            State::SynReceived => ACCEPT_LIMIT,
            State::FinWait2 if self.orphaned => return self.heard_at + FIN_LIMIT,
            _ => self.silence_limit,
        };
        let owed = self.owed_since.map_or(u64::MAX, |since| since + limit);
        let alive = match (&self.keep_alive, state) {
            (Some(keep), State::Established | State::CloseWait | State::FinWait2) => {
                self.heard_at + keep.idle + keep.interval * u64::from(keep.count)
            }
            _ => u64::MAX,
        };
        owed.min(alive)
    }

    /// Has smoltcp ask an idle peer for a sign of life: the first time after `idle`, then more often.
    pub(super) fn keep_alive(&mut self, now: u64) {
        if let Some(keep) = &self.keep_alive {
            let silent = now.saturating_sub(self.heard_at) >= keep.idle;
            let nanos = if silent { keep.interval } else { keep.idle };
            let period = Duration::from_micros(nanos / 1000);
            self.sockets
                .get_mut::<Socket>(self.handle)
                .set_keep_alive(Some(period));
        }
    }
}
