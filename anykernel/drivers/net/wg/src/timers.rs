//! When a peer has something to do without being spoken to (whitepaper § 6). Each is a time, and none is set for a peer
//! that has nothing to say and nothing to expect.

use crate::time::{KEEPALIVE, REJECT_AFTER, REKEY_ATTEMPT, REKEY_TIMEOUT, jitter};

const NEVER: u64 = u64::MAX;

/// How often a handshake is repeated.
const ATTEMPTS: u64 = REKEY_ATTEMPT / REKEY_TIMEOUT;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// No answer came to a handshake: another.
    Repeat,
    /// None ever did.
    GiveUp,
    /// The peer has heard nothing for a while: tell it that we are there.
    Keepalive,
    /// We have heard nothing for a while: a handshake.
    Silence,
    /// The sessions are over.
    Forget,
}

/// The times, of the monotonic clock.
pub(crate) struct Timers {
    repeat: u64,
    keepalive: u64,
    /// More came while the peer was already to be told.
    again: bool,
    silence: u64,
    forget: u64,
    persistent: u64,
    /// How often the peer hears of us at least; zero: not without reason.
    interval: u64,
    attempts: u64,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Timers {
            repeat: NEVER,
            keepalive: NEVER,
            again: false,
            silence: NEVER,
            forget: NEVER,
            persistent: NEVER,
            interval: 0,
            attempts: 0,
        }
    }

    /// Sets how often the peer hears of us at least, in nanoseconds.
    pub(crate) fn set_interval(&mut self, now: u64, interval: u64) {
        self.interval = interval;
        self.persistent = NEVER;
        if interval > 0 {
            self.persistent = now;
        }
    }

    /// The peer was told that we are there. Of what came while it was to be told, it is told again.
    pub(crate) fn told(&mut self, now: u64) {
        if core::mem::take(&mut self.again) {
            self.keepalive = now + KEEPALIVE;
        }
    }

    /// A message was sent, whatever it is.
    pub(crate) fn sent(&mut self, now: u64) {
        self.keepalive = NEVER;
        self.passed(now);
    }

    /// A message was received that is the peer's, whatever it is.
    pub(crate) fn received(&mut self, now: u64) {
        self.silence = NEVER;
        self.passed(now);
    }

    fn passed(&mut self, now: u64) {
        if self.interval > 0 {
            self.persistent = now.saturating_add(self.interval);
        }
    }

    /// A packet was sent.
    pub(crate) fn sent_packet(&mut self, now: u64) {
        if self.silence == NEVER {
            self.silence = now + KEEPALIVE + REKEY_TIMEOUT + jitter();
        }
    }

    /// A packet was received.
    pub(crate) fn received_packet(&mut self, now: u64) {
        match self.keepalive {
            NEVER => self.keepalive = now + KEEPALIVE,
            _ => self.again = true,
        }
    }

    /// There is reason for a handshake, other than that none was answered.
    pub(crate) fn wanted(&mut self) {
        self.attempts = 0;
    }

    /// A handshake was begun.
    pub(crate) fn began(&mut self, now: u64) {
        self.repeat = now + REKEY_TIMEOUT + jitter();
    }

    /// Whether a handshake is under way.
    pub(crate) fn is_beginning(&self) -> bool {
        self.repeat != NEVER
    }

    /// Both ends know that there is a session.
    pub(crate) fn completed(&mut self) {
        self.repeat = NEVER;
        self.attempts = 0;
    }

    /// There are new keys.
    pub(crate) fn derived(&mut self, now: u64) {
        self.forget = now + 3 * REJECT_AFTER;
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> u64 {
        let all = [self.repeat, self.keepalive, self.silence, self.forget];
        all.into_iter().fold(self.persistent, u64::min)
    }

    /// Takes one that is due.
    pub(crate) fn take(&mut self, now: u64) -> Option<Due> {
        let is_due = |time: &mut u64| {
            let due = *time <= now;
            if due {
                *time = NEVER;
            }
            due
        };
        if is_due(&mut self.repeat) {
            self.attempts += 1;
            if self.attempts <= ATTEMPTS {
                return Some(Due::Repeat);
            }
            self.keepalive = NEVER;
            if self.forget == NEVER {
                self.derived(now);
            }
            return Some(Due::GiveUp);
        }
        if is_due(&mut self.silence) {
            return Some(Due::Silence);
        }
        if is_due(&mut self.forget) {
            return Some(Due::Forget);
        }
        if is_due(&mut self.keepalive) {
            return Some(Due::Keepalive);
        }
        if is_due(&mut self.persistent) {
            // It is sent once there is a session, which sets the time anew; until then one is asked for each time.
            self.passed(now);
            return Some(Due::Keepalive);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000_000_000;

    #[test]
    fn who_has_nothing_to_expect_is_not_woken() {
        let mut timers = Timers::new();
        assert_eq!(timers.next(), NEVER);
        timers.sent(START);
        timers.received(START);
        assert_eq!(timers.next(), NEVER);
        assert_eq!(timers.take(u64::MAX - 1), None);
    }

    #[test]
    fn a_handshake_is_repeated_for_a_while_and_given_up() {
        let mut timers = Timers::new();
        timers.began(START);
        let mut repeats = 0;
        let now = loop {
            let now = timers.next();
            match timers.take(now) {
                Some(Due::Repeat) => timers.began(now),
                last => {
                    assert_eq!(last, Some(Due::GiveUp));
                    break now;
                }
            }
            repeats += 1;
        };
        assert_eq!(repeats, ATTEMPTS);
        let span = now - START;
        assert!(
            (REKEY_ATTEMPT..REKEY_ATTEMPT + 3 * REKEY_TIMEOUT).contains(&span),
            "{span}"
        );
        assert!(!timers.is_beginning());
        assert_eq!(timers.next(), now + 3 * REJECT_AFTER);
    }

    #[test]
    fn who_only_receives_says_that_it_is_there_and_who_only_sends_asks() {
        let mut timers = Timers::new();
        timers.received_packet(START);
        timers.received_packet(START + 1);
        assert_eq!(timers.take(START + KEEPALIVE), Some(Due::Keepalive));
        timers.sent(START + KEEPALIVE);
        timers.told(START + KEEPALIVE);
        // For the second.
        assert_eq!(timers.take(START + 2 * KEEPALIVE), Some(Due::Keepalive));
        timers.told(START + 2 * KEEPALIVE);
        assert_eq!(timers.next(), NEVER);
        timers.received_packet(START);
        timers.sent(START);
        assert_eq!(timers.next(), NEVER);
        timers.sent_packet(START);
        assert_eq!(timers.take(timers.next()), Some(Due::Silence));
        timers.sent_packet(START);
        timers.received(START);
        assert_eq!(timers.next(), NEVER);
    }
}
