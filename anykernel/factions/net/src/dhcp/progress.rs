//! What a client does next: a state, and times. It sends nothing and reads no clock.

use core::net::Ipv4Addr;

use super::message::read_lease;
use super::wire::{Answer, Kind};
use super::{Lease, SECOND};
use crate::net::random;

/// Time to the second try; it doubles from try to try, up to 64 s (RFC 2131 § 4.1).
const FIRST_RETRY: u64 = SECOND;
const LAST_RETRY: u64 = 64 * SECOND;
/// Requests for an offer before another is looked for, or for a lease before it is kept unasked.
const MOST_REQUESTS: u32 = 4;
/// The least time between two requests to renew (RFC 2131 § 4.4.5).
const RENEW_RETRY: u64 = 60 * SECOND;

#[derive(Clone, Copy)]
enum State {
    /// Looking for servers.
    Discovering,
    /// One offered an address, which we want.
    Requesting { server: Ipv4Addr, offered: Ipv4Addr },
    /// We have one. When its time has come, it is asked for again.
    Bound(Lease),
    /// We have one, and do not know whether it is good where the link leads now.
    Verifying(Lease),
    /// Nobody asks any more.
    Stopped,
}

/// What servers are asked.
#[derive(Clone, Copy)]
pub(super) enum Question {
    /// Who has an address?
    Discover,
    /// May we have this one?
    Request { server: Ipv4Addr, offered: Ipv4Addr },
    /// May we keep it? To the server that lent it.
    Renew(Lease),
    /// The same, to all.
    Rebind(Lease),
    /// Is it good here? To all, as one that just started and remembers it.
    Verify(Lease),
}

/// What is to be done now.
pub(super) struct Turn {
    /// A question, with its transaction and how many seconds we have been asking.
    pub(super) question: Option<(Question, u32, u16)>,
    /// When it is our turn again, if nothing is heard; `u64::MAX` if never.
    pub(super) again: u64,
    /// A lease that is over.
    pub(super) over: Option<Lease>,
}

/// What a message means for what we do next.
pub(super) enum Heard {
    Nothing,
    /// There is something new to ask.
    Progress,
    /// We have a lease, in place of the one that we had.
    Lease(Lease, Option<Lease>),
    /// We must give this one back.
    Lost(Lease),
}

pub(super) struct Progress {
    state: State,
    transaction: u32,
    /// Messages sent in this state.
    tries: u32,
    retry: u64,
    /// When the first message was sent.
    started: u64,
}

impl Progress {
    pub(super) fn new(now: u64) -> Progress {
        Progress {
            state: State::Discovering,
            transaction: u32::from_ne_bytes(random()),
            tries: 0,
            retry: FIRST_RETRY,
            started: now,
        }
    }

    /// The lease that we have.
    pub(super) fn lease(&self) -> Option<Lease> {
        match self.state {
            State::Bound(lease) | State::Verifying(lease) => Some(lease),
            _ => None,
        }
    }

    pub(super) fn stop(&mut self) {
        self.state = State::Stopped;
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// The link is back: what was asked may have been lost, and what was lent may be good no more.
    pub(super) fn resume(&mut self, now: u64) {
        match (self.lease(), self.is_stopped()) {
            (_, true) => {}
            (None, _) => self.start_over(now),
            (Some(lease), _) => {
                self.state = State::Verifying(lease);
                self.started = now;
                self.next_transaction();
            }
        }
    }

    /// What to do, when it is our turn.
    pub(super) fn turn(&mut self, now: u64) -> Turn {
        let mut over = None;
        match self.state {
            State::Requesting { .. } if self.tries >= MOST_REQUESTS => self.start_over(now),
            State::Bound(lease) | State::Verifying(lease) if now >= lease.expires => {
                over = Some(lease);
                self.start_over(now);
            }
            // It may be used for the rest of its time where no server answers (RFC 2131 § 3.2).
            State::Verifying(lease) if self.tries >= MOST_REQUESTS => self.bind(lease),
            _ => {}
        }
        let (question, again) = match self.state {
            State::Discovering => (Some(Question::Discover), now + self.retry),
            State::Requesting { server, offered } => (
                Some(Question::Request { server, offered }),
                now + self.retry,
            ),
            State::Verifying(lease) => (Some(Question::Verify(lease)), now + self.retry),
            State::Bound(lease) if now >= lease.rebinds => {
                (Some(Question::Rebind(lease)), half_way(now, lease.expires))
            }
            State::Bound(lease) if now >= lease.renews => {
                (Some(Question::Renew(lease)), half_way(now, lease.rebinds))
            }
            State::Bound(lease) => (None, lease.renews),
            State::Stopped => (None, u64::MAX),
        };
        if question.is_some() {
            if self.tries == 0 && matches!(self.state, State::Bound(_)) {
                self.started = now;
            }
            self.tries += 1;
            self.retry = (self.retry * 2).min(LAST_RETRY);
        }
        let secs = now.saturating_sub(self.started) / SECOND;
        let secs = secs.min(u64::from(u16::MAX)) as u16;
        Turn {
            question: question.map(|question| (question, self.transaction, secs)),
            again,
            over,
        }
    }

    /// What a server's message means. `Err` if it makes no sense.
    pub(super) fn hear(&mut self, answer: &Answer, now: u64) -> Result<Heard, ()> {
        if self.transaction != answer.transaction {
            return Ok(Heard::Nothing);
        }
        let from = answer.server;
        match (self.state, answer.kind) {
            (State::Discovering, Kind::Offer) => {
                self.state = State::Requesting {
                    server: from.ok_or(())?,
                    offered: answer.address,
                };
                self.tries = 0;
                self.retry = FIRST_RETRY;
                Ok(Heard::Progress)
            }
            (State::Requesting { server, .. }, Kind::Ack) if from == Some(server) => {
                let lease = read_lease(answer, server, now).ok_or(())?;
                self.bind(lease);
                Ok(Heard::Lease(lease, None))
            }
            (State::Requesting { server, .. }, Kind::Nak) if from == Some(server) => {
                self.start_over(now);
                Ok(Heard::Progress)
            }
            (State::Bound(lease), _) if now < lease.renews => Ok(Heard::Nothing),
            (State::Bound(old) | State::Verifying(old), Kind::Ack) => {
                let server = from.unwrap_or(old.server);
                let lease = read_lease(answer, server, now).ok_or(())?;
                self.bind(lease);
                Ok(Heard::Lease(lease, Some(old)))
            }
            (State::Bound(old) | State::Verifying(old), Kind::Nak) => {
                self.start_over(now);
                Ok(Heard::Lost(old))
            }
            // Late, double, or of a server whose offer we did not take.
            _ => Ok(Heard::Nothing),
        }
    }

    fn bind(&mut self, lease: Lease) {
        self.state = State::Bound(lease);
        self.next_transaction();
    }

    fn start_over(&mut self, now: u64) {
        self.state = State::Discovering;
        self.started = now;
        self.next_transaction();
    }

    /// Late answers to the old transaction mean nothing to the new one.
    fn next_transaction(&mut self) {
        self.transaction = self.transaction.wrapping_add(1);
        self.tries = 0;
        self.retry = FIRST_RETRY;
    }
}

/// Half of the time to `end` from now, but not too little of it.
fn half_way(now: u64, end: u64) -> u64 {
    let span = ((end - now) / 2).max(RENEW_RETRY);
    now.saturating_add(span).min(end)
}
