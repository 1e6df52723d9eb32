//! The spans of time of the protocol, in nanoseconds (whitepaper § 6.1), and the time stamps of its first message.

use crate::random;

const SECOND: u64 = 1_000_000_000;

/// After this, who began a session begins another.
pub(crate) const REKEY_AFTER: u64 = 120 * SECOND;
/// After this, a session is good for nothing.
pub(crate) const REJECT_AFTER: u64 = 180 * SECOND;
/// How long a handshake is tried.
pub(crate) const REKEY_ATTEMPT: u64 = 90 * SECOND;
/// How long an answer to a handshake is waited for.
pub(crate) const REKEY_TIMEOUT: u64 = 5 * SECOND;
/// After this, who has only received says that it is there.
pub(crate) const KEEPALIVE: u64 = 10 * SECOND;
/// How long a cookie is good, and the secret that cookies are made with.
pub(crate) const COOKIE: u64 = 120 * SECOND;
/// How long before its end a cookie is given up, since messages take time.
pub(crate) const COOKIE_MARGIN: u64 = 5 * SECOND;
/// Between two first messages that one peer may send.
pub(crate) const INITIATION_GAP: u64 = SECOND / 50;
/// How long one is under load after it was.
pub(crate) const LOAD: u64 = SECOND;

/// After so many packets, who began a session begins another.
pub(crate) const REKEY_AFTER_MESSAGES: u64 = 1 << 60;
/// After so many, a session is good for nothing.
pub(crate) const REJECT_AFTER_MESSAGES: u64 = u64::MAX - (1 << 13);

/// Up to a third of a second, so that peers do not do all things at the same time.
pub(crate) fn jitter() -> u64 {
    u64::from(u32::from_ne_bytes(random())) % (SECOND / 3)
}

/// A time: TAI64N, which orders as its bytes do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) [u8; 12]);

impl Timestamp {
    /// The second 1970-01-01T00:00:10 TAI, which is that of the epoch.
    const EPOCH: u64 = (1 << 62) + 10;

    /// From nanoseconds since the epoch. What is finer than the gap between two messages is left out: it would tell
    /// others about this machine.
    pub(crate) fn new(wall: u64) -> Self {
        let wall = wall - wall % INITIATION_GAP;
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&(Self::EPOCH + wall / SECOND).to_be_bytes());
        bytes[8..].copy_from_slice(&((wall % SECOND) as u32).to_be_bytes());
        Timestamp(bytes)
    }

    /// One that is later than this, by as little as counts.
    pub(crate) fn next(self) -> Self {
        let mut wide = [0; 16];
        wide[4..].copy_from_slice(&self.0);
        let next = u128::from_be_bytes(wide).wrapping_add(1).to_be_bytes();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&next[4..]);
        Timestamp(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_order_as_their_bytes() {
        let times = [0, 1, 49, 50, 85_000_000_000];
        let stamps = times.map(|time| Timestamp::new(time * INITIATION_GAP));
        assert!(stamps.is_sorted());
        assert!(stamps[0] < stamps[1]);
        assert!(stamps[0].next() > stamps[0] && stamps[0].next() < stamps[1]);
    }

    #[test]
    fn a_time_of_day_is_rounded() {
        let stamp = Timestamp::new(1_000_000_000_123_456_789);
        assert_eq!(stamp.0[..8], (0x4000_0000_3b9a_ca0a_u64).to_be_bytes());
        assert_eq!(stamp.0[8..], 120_000_000_u32.to_be_bytes());
    }
}
