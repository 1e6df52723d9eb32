//! Loss, and how much may be under way: what smoltcp has of it waits for a second at least, knows nothing of selective
//! acknowledgements, and takes what was overtaken for lost. So here it is done in its place, for connections that
//! leave this kernel.
//!
//! smoltcp keeps the bytes. It hears of a window that is never larger than what may leave, and where something is
//! missing it is made to send again all that is not confirmed, of which [`Outgoing`](crate::outgoing) lets pass what
//! is missing. What is missing is told by time (RFC 8985, RACK-TLP): what left before something that is there, by longer than
//! packets of this way overtake each other; what nobody answers is asked for with a probe, and then with a timeout
//! (RFC 6298). A peer without selective acknowledgements repeats itself (RFC 6582).

mod congestion;
mod round_trip;
mod scoreboard;
#[cfg(test)]
mod tests;

use smoltcp::wire::{TcpOption, TcpPacket, TcpSeqNumber};

use crate::window::options;
use congestion::Congestion;
use round_trip::RoundTrip;
use scoreboard::{Departure, News, Scoreboard, between};

/// How many segments that were overtaken, or acknowledgements that were repeated, tell of a loss.
const ENOUGH: usize = 3;
/// How long an acknowledgement of one segment may wait (RFC 8985 § 7.2), and the least time before a probe, in nanoseconds.
const PEER_DELAY: u64 = 200_000_000;
const LEAST_PROBE: u64 = 10_000_000;
/// How far smoltcp's clock is turned on to have its timer, a minute at most, go off.
const JUMP: u64 = 120_000_000_000;

/// What a sender knows of its way.
pub(crate) struct Recovery {
    board: Scoreboard,
    congestion: Congestion,
    trips: RoundTrip,
    /// Bytes in a full segment.
    size: usize,
    /// What the peer's SYN said: how its windows are scaled, and whether it acknowledges selectively.
    scale: u8,
    selective: bool,
    /// The number that the peer takes nothing from.
    edge: TcpSeqNumber,
    /// When our SYN left, if it did once and was not answered.
    began: Option<u64>,
    /// Of all that got there, the one that left last, and how long it took.
    last: Departure,
    took: u64,
    /// Packets overtake each other on this way, and by how much longer than the usual time what was overtaken took.
    late: Option<u64>,
    /// Till what left before something was lost is confirmed; and from where on things were missing then.
    until: Option<TcpSeqNumber>,
    since: TcpSeqNumber,
    /// How many bytes left again since, that were not there already.
    repeated: usize,
    /// How much was under way when something left last.
    used: usize,
    /// A segment may leave, be the window as it may.
    urgent: bool,
    /// What was confirmed when nothing was under way last.
    quiet: TcpSeqNumber,
    /// How often the peer repeated its acknowledgement.
    again: usize,
    /// When the peer's answer was last worth something, and how often it was waited for in vain since.
    heard_at: u64,
    times: u32,
    probed: bool,
    /// When what was overtaken is lost.
    look_at: u64,
    /// How often smoltcp's clock was turned on.
    jumps: u64,
}

impl Recovery {
    pub(crate) fn new() -> Self {
        let nothing = TcpSeqNumber(0);
        Recovery {
            board: Scoreboard::new(nothing),
            congestion: Congestion::default(),
            trips: RoundTrip::default(),
            size: 1,
            scale: 0,
            selective: false,
            edge: nothing,
            began: None,
            last: Departure::default(),
            took: 0,
            late: None,
            until: None,
            since: nothing,
            repeated: 0,
            used: 0,
            urgent: false,
            quiet: nothing,
            again: 0,
            heard_at: 0,
            times: 0,
            probed: false,
            look_at: u64::MAX,
            jumps: 0,
        }
    }

    /// Whether the peer acknowledges selectively, and takes such acknowledgements.
    pub(crate) fn is_selective(&self) -> bool {
        self.selective
    }

    // ---- what leaves ----

    /// Our SYN leaves; `first` is the number after it.
    pub(crate) fn begin(&mut self, first: TcpSeqNumber, now: u64) {
        // Of a SYN that left twice nobody knows which was answered.
        self.began = (self.board.sent() != first).then_some(now);
        self.board = Scoreboard::new(first);
    }

    /// Whether what follows up to `end` may leave.
    #[inline]
    fn may_leave(&self, end: TcpSeqNumber) -> bool {
        let len = between(self.board.sent(), end);
        self.board.under_way() + len <= self.congestion.window() && end <= self.edge
    }

    /// Notes that what begins at `start` and ends before `end` leaves, if it follows what left before, and may.
    #[inline]
    pub(crate) fn leaves(&mut self, start: TcpSeqNumber, end: TcpSeqNumber, now: u64) -> bool {
        let leaves = start == self.board.sent() && self.may_leave(end);
        if leaves {
            self.wait_from(now);
            self.board.leave(end, now);
            self.used = self.board.under_way();
        }
        leaves
    }

    /// Who has nothing to wait for begins to.
    fn wait_from(&mut self, now: u64) {
        if self.board.under_way() == 0 {
            if now - self.heard_at > self.trips.timeout(0) && self.until.is_none() {
                self.congestion.rest(self.size);
            }
            self.heard_at = now;
            self.quiet = self.board.confirmed();
        }
    }

    /// Notes that a first part of what is between these numbers leaves, if there is one that is to: from where, and up to where.
    #[cold]
    pub(crate) fn take(
        &mut self,
        from: TcpSeqNumber,
        until: TcpSeqNumber,
        now: u64,
    ) -> Option<(TcpSeqNumber, TcpSeqNumber)> {
        self.board.owe(until);
        let (start, end) = self.board.owed(from, until)?;
        if start >= self.edge {
            // A probe of a closed window, which takes it or not.
            return Some((start, end));
        }
        if !self.may_repeat() {
            return None;
        }
        let segments = (self.room() / self.size).max(1);
        let len = between(start, end).min(segments * self.size);
        self.urgent = false;
        self.wait_from(now);
        if self.board.leave_late(start, start + len, now) {
            self.repeated += len;
        }
        self.used = self.board.under_way();
        Some((start, start + len))
    }

    /// How many more bytes may be under way.
    fn room(&self) -> usize {
        let window = self.congestion.window();
        window.saturating_sub(self.board.under_way())
    }

    /// Whether there is room for a part of what is missing.
    fn may_repeat(&self) -> bool {
        self.urgent || self.room() >= self.board.missing().min(self.size)
    }

    /// Whether smoltcp is to send again all that is not confirmed: what its clock is to show then.
    #[inline]
    pub(crate) fn repeats(&mut self, now: u64) -> Option<u64> {
        if self.board.missing() == 0 {
            return None;
        }
        let open = self.edge > self.board.confirmed();
        (open && self.may_repeat()).then(|| {
            self.jumps += 1;
            now + self.jumps * JUMP
        })
    }

    // ---- what arrives ----

    /// Looks at a segment that arrived, and that smoltcp will take, and lowers its window to what may leave.
    #[inline]
    pub(crate) fn arriving(&mut self, bytes: &mut [u8], size: usize, now: u64) {
        let segment = TcpPacket::new_unchecked(&*bytes);
        self.size = size;
        if segment.syn() {
            self.meet(&segment);
        }
        let number = match segment.ack() {
            true => segment.ack_number(),
            false => self.board.confirmed(),
        };
        if number > self.board.sent() || segment.rst() {
            return;
        }
        let scale = if segment.syn() { 0 } else { self.scale };
        let edge = number + (usize::from(segment.window_len()) << scale);
        let empty = segment.segment_len() == 0;
        let old = between(number, self.board.confirmed());
        if old > 0 {
            // It was overtaken. What it tells of is there; and what it carries shall be, if it is hardly a guess (RFC 5961 § 5):
            // smoltcp would take no notice.
            self.hear(&segment, number, false, now);
            if empty || number < self.quiet || old > self.congestion.window() {
                return;
            }
        } else {
            let repeats = edge == self.edge && empty;
            self.edge = edge;
            self.hear(&segment, number, repeats, now);
        }
        let confirmed = self.board.confirmed();
        let mut segment = TcpPacket::new_unchecked(bytes);
        if old > 0 {
            segment.set_ack_number(confirmed);
        }
        segment.set_window_len(self.window(scale));
    }

    #[cold]
    fn meet(&mut self, segment: &TcpPacket<&[u8]>) {
        self.congestion = Congestion::new(self.size);
        self.scale = 0;
        self.selective = false;
        for option in options(segment.options()) {
            match option {
                TcpOption::WindowScale(scale) => self.scale = scale.min(14),
                TcpOption::SackPermitted => self.selective = true,
                _ => {}
            }
        }
    }

    /// The window that smoltcp is to hear of: what left, and what may still, but no more than the peer takes.
    fn window(&self, scale: u8) -> u16 {
        let confirmed = self.board.confirmed();
        let left = between(confirmed, self.board.sent());
        let more = self.room().saturating_sub(self.board.missing());
        // Without a whole unit to spare what is sent again has to fit, but what is new does not.
        let least = match self.board.missing() {
            0 => 1,
            _ => left.div_ceil(1 << scale),
        };
        let units = ((left + more) >> scale).max(least);
        let most = between(confirmed, self.edge) >> scale;
        u16::try_from(units.min(most)).unwrap_or(u16::MAX)
    }

    /// Learns from an acknowledgement, which may say the same as the last.
    fn hear(&mut self, segment: &TcpPacket<&[u8]>, number: TcpSeqNumber, repeats: bool, now: u64) {
        if let Some(began) = self.began.take_if(|_| segment.ack()) {
            self.trips.sample(now - began);
        }
        let bytes = between(self.board.confirmed(), number);
        let too_late = now.saturating_sub(self.trips.shortest());
        let mut news = News::default();
        self.board.confirm(number, too_late, &mut news);
        if self.selective && segment.header_len() > 20 {
            self.hear_selective(segment, number, too_late, &mut news);
        }
        if news.any {
            self.learn(&news, now);
        }
        if bytes > 0 {
            (self.times, self.probed) = (0, false);
            self.until = self.until.filter(|until| number < *until);
            if self.until.is_none() || self.congestion.starts_slowly() {
                self.congestion.grow(bytes, self.used, self.size);
            }
        }
        if !self.selective {
            self.count(bytes > 0, repeats);
        } else if self.board.has_gaps() || self.until.is_some() {
            self.look(now);
        }
    }

    fn hear_selective(
        &mut self,
        segment: &TcpPacket<&[u8]>,
        number: TcpSeqNumber,
        too_late: u64,
        news: &mut News,
    ) {
        for option in options(segment.options()) {
            let TcpOption::SackRange(ranges) = option else {
                continue;
            };
            let number_of = |it: u32| TcpSeqNumber(it.cast_signed());
            let ranges = ranges.map(|range| range.map(|it| (number_of(it.0), number_of(it.1))));
            let [first, second, _] = ranges;
            for range in ranges {
                let Some((from, until)) = range else { break };
                // The first may be inside the second (RFC 2883 § 4).
                let inside = second.is_some_and(|other| other.0 <= from && until <= other.1);
                if until <= number || inside && range == first {
                    self.hear_twice(from, until);
                } else {
                    self.board.tell(from, until, too_late, news);
                }
            }
        }
    }

    /// The peer got something twice (RFC 2883): if that is so of all that left again, nothing was lost (RFC 3708).
    fn hear_twice(&mut self, from: TcpSeqNumber, until: TcpSeqNumber) {
        if self.repeated == 0 || until <= self.since {
            return;
        }
        let usual = self.trips.usual().unwrap_or(0);
        let late = self.late.unwrap_or(0);
        self.late = Some(late.max(usual.min(late + usual / 4)));
        self.repeated = self.repeated.saturating_sub(between(from, until));
        if self.repeated == 0 {
            self.congestion.undo();
            self.until = None;
        }
    }

    fn learn(&mut self, news: &News, now: u64) {
        self.heard_at = now;
        if let Some(at) = news.overtaken {
            let usual = self.trips.usual().unwrap_or(0);
            let late = (now - at).saturating_sub(usual);
            self.late = self.late.max(Some(late));
        }
        if let Some(at) = news.timed {
            self.trips.sample(now - at);
        }
        if self.last.is_before(news.last) {
            self.last = news.last;
            self.took = now - news.last.at;
        }
    }

    /// Believes lost what was overtaken longer ago than is usual on this way (RFC 8985 § 6.2).
    fn look(&mut self, now: u64) {
        let usual = self.trips.usual().unwrap_or(0);
        let many = self.board.told() >= ENOUGH * self.size;
        let spare = self.trips.shortest() / 4;
        let patience = match self.late {
            Some(late) => (self.took.max(usual) + late.max(spare)) / 8 * 9,
            None if many || self.until.is_some() => self.took,
            None => self.took + spare,
        };
        let used = between(self.board.confirmed(), self.board.sent());
        let limit = now.saturating_sub(patience);
        let (found, next) = self.board.lose(self.last, limit);
        self.look_at = next.saturating_add(patience);
        if found {
            self.lost(used);
        }
    }

    /// Something was lost: that makes the window smaller, once till all is confirmed that left before.
    fn lost(&mut self, used: usize) {
        if self.until.is_none() {
            self.until = Some(self.board.sent());
            self.since = self.board.confirmed();
            self.repeated = 0;
            self.urgent = true;
            self.late = self.late.map(|late| late / 8 * 7);
            self.congestion.shrink(used, self.size);
        }
    }

    /// Counts acknowledgements of a peer that has no other way to say that something is missing.
    fn count(&mut self, new: bool, repeats: bool) {
        let used = between(self.board.confirmed(), self.board.sent());
        if new {
            self.again = 0;
        } else if repeats && used > 0 {
            self.again += 1;
        }
        // All there can be are enough (RFC 5827), and one that is new is, while something lost is not confirmed.
        let all = (self.again + 1) * self.size >= used;
        let enough = self.again == ENOUGH || repeats && self.again > 0 && all;
        if used > 0 && (new && self.until.is_some() || enough && self.until.is_none()) {
            let first = self.board.confirmed();
            let end = first + self.size.min(used);
            self.board.lose_between(first, end);
            self.lost(used);
            self.urgent = true;
        }
    }

    // ---- time ----

    /// When the peer's answer is overdue, and whether it is to be asked for with a probe then (RFC 8985 § 7.2).
    fn overdue(&self) -> (u64, bool) {
        let timeout = self.trips.timeout(self.times);
        let probes = !self.probed && self.times == 0 && self.until.is_none();
        let patience = match self.trips.usual() {
            Some(usual) if probes => {
                let alone = self.board.under_way() <= self.size;
                let delay = if alone { PEER_DELAY } else { 0 };
                (2 * usual + delay).max(LEAST_PROBE)
            }
            _ => timeout,
        };
        let probes = probes && patience < timeout;
        (self.heard_at + patience.min(timeout), probes)
    }

    /// Whether the peer owes an answer; it does not for what it has no room for.
    fn waits(&self) -> bool {
        let open = self.edge > self.board.confirmed();
        self.board.under_way() > 0 || self.board.missing() > 0 && open
    }

    /// When to [`tick`](Self::tick).
    #[inline]
    pub(crate) fn tick_at(&self) -> u64 {
        if !self.waits() {
            return u64::MAX;
        }
        self.look_at.min(self.overdue().0)
    }

    /// Finds out what is lost because its time is over.
    #[inline]
    pub(crate) fn tick(&mut self, now: u64) {
        if now >= self.tick_at() {
            self.go_without_answer(now);
        }
    }

    #[cold]
    fn go_without_answer(&mut self, now: u64) {
        if now >= self.look_at {
            self.look_at = u64::MAX;
            self.look(now);
        }
        let (overdue, probes) = self.overdue();
        if now < overdue || !self.waits() {
            return;
        }
        self.heard_at = now;
        let (first, end) = (self.board.confirmed(), self.board.sent());
        if probes {
            (self.probed, self.urgent) = (true, true);
            let len = self.size.min(between(first, end));
            self.board.lose_between(end - len, end);
            return;
        }
        self.times += 1;
        self.board.lose_all();
        self.lost(between(first, end));
        self.until = Some(end);
        self.congestion.close(self.size);
    }
}
