//! Holding back what is not a full segment until the program says that there is no more to come: `TCP_CORK`, `MSG_MORE`.
//!
//! smoltcp holds it back only while something is unconfirmed, as Nagle's algorithm does. While nothing is, it is not
//! asked for segments at all. That keeps acknowledgements back, too; so what is held leaves when one is due. Of a long
//! segment that the link cuts up the end goes along.

use smoltcp::socket::tcp::State;

use super::{ACK_DELAY, Connection};

/// How long it waits at most, in nanoseconds (Linux's limit).
const LIMIT: u64 = 200_000_000;

impl Connection {
    pub(super) fn is_corked(&self) -> bool {
        self.corked || self.more
    }

    /// Whether what there is to send waits for more.
    #[inline]
    pub(super) fn waits_for_more(&mut self, now: u64) -> bool {
        if self.is_corked() {
            return self.holds_back(now);
        }
        self.held_since = None;
        false
    }

    fn holds_back(&mut self, now: u64) -> bool {
        let socket = self.socket();
        let (queued, most) = (socket.send_queue(), socket.send_capacity());
        let holds = (1..self.device.out.size.full().min(most)).contains(&queued)
            && self.device.out.is_quiet()
            && matches!(self.state(), State::Established | State::CloseWait);
        self.held_since = holds.then(|| self.held_since.unwrap_or(now));
        self.held_until().is_some_and(|until| now < until)
    }

    /// When what is held back leaves without more.
    #[inline]
    pub(super) fn held_until(&self) -> Option<u64> {
        let since = self.held_since?;
        let (expected, confirmed) = (self.expected(), self.device.out.sent.1);
        let limit = if expected == confirmed {
            LIMIT
        } else if expected > confirmed + self.device.out.size.full() {
            0
        } else {
            u64::from(ACK_DELAY.total_micros() as u32) * 1000
        };
        Some(since + limit)
    }

    /// Has what is held back leave now.
    pub(crate) fn push(&mut self) {
        self.held_since = self.held_since.and(Some(0));
    }
}
