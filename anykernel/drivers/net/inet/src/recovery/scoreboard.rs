//! What is known of the bytes that left and are not confirmed: when each part of them left, and whether it is under
//! way, the peer told of it (RFC 2018), or it is missing and is to leave (RFC 6675 § 3, RFC 8985 § 5).
//!
//! Knows nothing of how long is too long, nor of how much may leave.

use alloc::vec::Vec;

use smoltcp::wire::TcpSeqNumber;

/// How many parts are told apart. A peer that tells of more, which takes ill will, is not believed.
const MOST: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    UnderWay,
    Told,
    Missing,
}

/// A part: from the end of the one before up to `end`.
#[derive(Clone, Copy)]
struct Part {
    end: TcpSeqNumber,
    /// When it left last, in nanoseconds, zero if it has yet to; and whether that was not the first time.
    left_at: u64,
    again: bool,
    state: State,
}

impl Part {
    fn departure(&self) -> Departure {
        Departure {
            at: self.left_at,
            end: self.end,
        }
    }
}

/// What left and is not confirmed.
pub(super) struct Scoreboard {
    parts: Vec<Part>,
    /// All before this number is confirmed.
    confirmed: TcpSeqNumber,
    /// The number after the last byte that the peer has.
    highest: TcpSeqNumber,
    /// Bytes that are under way, and that are to leave.
    under_way: usize,
    missing: usize,
}

/// What came out about parts that got there.
#[derive(Default)]
pub(super) struct News {
    /// Whether any did.
    pub(super) any: bool,
    /// Of all that got there, the one that left last.
    pub(super) last: Departure,
    /// When the last of those left that left once, whose way can be timed (Karn's rule, RFC 6298 § 3).
    pub(super) timed: Option<u64>,
    /// When the first of those left that were overtaken.
    pub(super) overtaken: Option<u64>,
}

/// When something left, and the number after it; zero, if nothing did.
#[derive(Clone, Copy, Default)]
pub(super) struct Departure {
    pub(super) at: u64,
    pub(super) end: TcpSeqNumber,
}

impl Departure {
    /// Whether it was before another. What left at the same time did so in the order of its numbers.
    pub(super) fn is_before(self, other: Departure) -> bool {
        self.at < other.at || self.at == other.at && self.end < other.end
    }
}

impl News {
    /// Notes that a part is there. What left again after `too_late` cannot be: it was there the first time.
    fn add(&mut self, part: &Part, highest: TcpSeqNumber, too_late: u64) {
        if part.state == State::Told {
            return;
        }
        self.any = true;
        if !part.again {
            self.timed = self.timed.max(Some(part.left_at));
            if part.end < highest {
                let first = self.overtaken.unwrap_or(u64::MAX);
                self.overtaken = Some(first.min(part.left_at));
            }
        }
        let unsaid = part.again && part.left_at > too_late;
        if !unsaid && self.last.is_before(part.departure()) {
            self.last = part.departure();
        }
    }
}

/// Bytes between two numbers; none, if they are the other way round.
pub(super) fn between(from: TcpSeqNumber, until: TcpSeqNumber) -> usize {
    until.0.wrapping_sub(from.0).max(0) as usize
}

impl Scoreboard {
    /// Where nothing left yet, from this number on.
    pub(super) fn new(first: TcpSeqNumber) -> Self {
        Scoreboard {
            parts: Vec::new(),
            confirmed: first,
            highest: first,
            under_way: 0,
            missing: 0,
        }
    }

    pub(super) fn confirmed(&self) -> TcpSeqNumber {
        self.confirmed
    }

    /// The number after all that left.
    pub(super) fn sent(&self) -> TcpSeqNumber {
        self.parts.last().map_or(self.confirmed, |part| part.end)
    }

    /// Bytes that are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Bytes that are to leave.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// Bytes that the peer told of.
    pub(super) fn told(&self) -> usize {
        between(self.confirmed, self.sent()) - self.under_way - self.missing
    }

    /// Whether the peer told of anything behind what it confirmed.
    pub(super) fn has_gaps(&self) -> bool {
        self.highest > self.confirmed
    }

    /// Notes that what follows up to `end` leaves.
    #[inline]
    pub(super) fn leave(&mut self, end: TcpSeqNumber, now: u64) {
        self.under_way += between(self.sent(), end);
        let many = self.parts.len() >= MOST;
        match self.parts.last_mut() {
            // What leaves in a turn is one part.
            Some(last)
                if last.state == State::UnderWay
                    && (many || last.left_at == now && !last.again) =>
            {
                last.end = end;
                last.left_at = now;
                last.again |= many;
            }
            _ => self.parts.push(Part {
                end,
                left_at: now,
                again: false,
                state: State::UnderWay,
            }),
        }
    }

    /// Notes that what follows up to `end` is to leave, if anything does.
    pub(super) fn owe(&mut self, end: TcpSeqNumber) {
        let len = between(self.sent(), end);
        self.missing += len;
        match self.parts.last_mut() {
            _ if len == 0 => {}
            Some(last) if last.left_at == 0 => last.end = end,
            _ => self.parts.push(Part {
                end,
                left_at: 0,
                again: false,
                state: State::Missing,
            }),
        }
    }

    /// The first bytes between these numbers that are to leave.
    pub(super) fn owed(
        &self,
        from: TcpSeqNumber,
        until: TcpSeqNumber,
    ) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        let mut start = self.confirmed;
        for part in &self.parts {
            let range = (start.max(from), part.end.min(until));
            if part.state == State::Missing && range.0 < range.1 {
                return Some(range);
            }
            start = part.end;
        }
        None
    }

    /// Notes that a part of what is missing leaves, between these numbers, and whether it had before.
    pub(super) fn leave_late(&mut self, from: TcpSeqNumber, until: TcpSeqNumber, now: u64) -> bool {
        self.split(until);
        let index = self.split(from);
        let part = &mut self.parts[index];
        part.again = part.left_at > 0;
        part.state = State::UnderWay;
        part.left_at = now;
        let again = part.again;
        self.count();
        again
    }

    /// All before `number` is there.
    #[inline]
    pub(super) fn confirm(&mut self, number: TcpSeqNumber, too_late: u64, news: &mut News) {
        let mut done = 0;
        for part in &self.parts {
            if self.confirmed >= number {
                break;
            }
            let end = part.end.min(number);
            let len = between(self.confirmed, end);
            match part.state {
                State::UnderWay => self.under_way -= len,
                State::Missing => self.missing -= len,
                State::Told => {}
            }
            news.add(part, self.highest, too_late);
            self.confirmed = end;
            done += usize::from(end == part.end);
        }
        self.parts.copy_within(done.., 0);
        self.parts.truncate(self.parts.len() - done);
        self.highest = self.highest.max(self.confirmed);
    }

    /// What is between these numbers is there, says the peer.
    pub(super) fn tell(
        &mut self,
        from: TcpSeqNumber,
        until: TcpSeqNumber,
        too_late: u64,
        news: &mut News,
    ) {
        let inside = self.confirmed <= from && from < until && until <= self.sent();
        if !inside || self.parts.len() >= MOST {
            return;
        }
        for index in self.split(from)..self.split(until) {
            let part = &mut self.parts[index];
            news.add(part, self.highest, too_late);
            part.state = State::Told;
        }
        self.highest = self.highest.max(until);
        self.count();
    }

    /// Believes missing what left before `last` and not after `limit`. Whether anything is, and when the first left that may
    /// be next.
    pub(super) fn lose(&mut self, last: Departure, limit: u64) -> (bool, u64) {
        let before = self.missing;
        let mut next = u64::MAX;
        for part in &mut self.parts {
            if part.state != State::UnderWay || !part.departure().is_before(last) {
                continue;
            }
            if part.left_at <= limit {
                part.state = State::Missing;
            } else {
                next = next.min(part.left_at);
            }
        }
        self.count();
        (self.missing > before, next)
    }

    /// Believes missing what is under way between these numbers.
    pub(super) fn lose_between(&mut self, from: TcpSeqNumber, until: TcpSeqNumber) {
        for index in self.split(from)..self.split(until) {
            let part = &mut self.parts[index];
            if part.state == State::UnderWay {
                part.state = State::Missing;
            }
        }
        self.count();
    }

    /// Believes missing all that is under way; and what the peer told of, if it forgot that (RFC 2018 § 8): it would have
    /// confirmed the first part.
    pub(super) fn lose_all(&mut self) {
        let first = self.parts.first();
        let forgot = first.is_some_and(|part| part.state == State::Told);
        for part in &mut self.parts {
            if forgot || part.state == State::UnderWay {
                part.state = State::Missing;
            }
        }
        self.count();
    }

    /// Counts what is under way and what is missing.
    fn count(&mut self) {
        (self.under_way, self.missing) = (0, 0);
        let mut start = self.confirmed;
        for part in &self.parts {
            let len = between(start, part.end);
            match part.state {
                State::UnderWay => self.under_way += len,
                State::Missing => self.missing += len,
                State::Told => {}
            }
            start = part.end;
        }
    }

    /// Has a part begin at this number, which is none before what is confirmed, and returns the part's index.
    fn split(&mut self, number: TcpSeqNumber) -> usize {
        let mut start = self.confirmed;
        for index in 0..self.parts.len() {
            let part = self.parts[index];
            if start >= number {
                return index;
            }
            if part.end > number {
                self.parts.insert(
                    index,
                    Part {
                        end: number,
                        ..part
                    },
                );
                return index + 1;
            }
            start = part.end;
        }
        self.parts.len()
    }
}
