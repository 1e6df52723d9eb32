//! Tests of a sender that knows its way, with a peer made by hand.

use super::*;
use alloc::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{IpAddress, TcpControl, TcpRepr};

const MS: u64 = 1_000_000;
const SIZE: usize = 1000;
/// The number after our SYN, close to where numbers begin again.
const FIRST: TcpSeqNumber = TcpSeqNumber(-5000);
const SCALE: u8 = 3;

/// A sender, at a time.
struct Sender {
    recovery: Recovery,
    now: u64,
}

impl Sender {
    /// Which met its peer, who answers after 100 ms.
    fn new(selective: bool) -> Self {
        let mut sender = Sender {
            recovery: Recovery::new(),
            now: 1000 * MS,
        };
        sender.recovery.begin(FIRST, sender.now);
        sender.now += 100 * MS;
        let mut syn = plain(0);
        syn.control = TcpControl::Syn;
        syn.window_len = 60_000;
        syn.window_scale = Some(SCALE);
        syn.sack_permitted = selective;
        // A window is not scaled here, and ten segments may leave.
        assert_eq!(sender.hear(syn), 10_000);
        sender
    }

    /// Has segments of so many bytes leave, a millisecond apart: how many of them may.
    fn send(&mut self, lens: &[usize]) -> usize {
        let may = lens.iter().take_while(|len| {
            self.now += MS;
            let start = self.recovery.board.sent();
            self.recovery.leaves(start, start + **len, self.now)
        });
        may.count()
    }

    /// Has a segment arrive, and returns the window that smoltcp hears of, in bytes.
    fn hear(&mut self, segment: TcpRepr<'_>) -> usize {
        let here = IpAddress::v4(10, 0, 0, 1);
        let mut bytes = alloc::vec![0; segment.buffer_len()];
        let mut packet = TcpPacket::new_unchecked(&mut bytes[..]);
        segment.emit(&mut packet, &here, &here, &ChecksumCapabilities::ignored());
        self.recovery.arriving(&mut bytes, SIZE, self.now);
        let window = TcpPacket::new_unchecked(&bytes[..]).window_len();
        let scale = if segment.control == TcpControl::Syn {
            0
        } else {
            SCALE
        };
        usize::from(window) << scale
    }

    /// The same of an acknowledgement after a time, with these ranges beside it.
    fn acknowledge(&mut self, after: u64, number: usize, ranges: &[(usize, usize)]) -> usize {
        self.now += after;
        let mut segment = plain(number);
        for (place, (from, until)) in segment.sack_ranges.iter_mut().zip(ranges) {
            let [from, until] = [from, until].map(|it| (FIRST + *it).0.cast_unsigned());
            *place = Some((from, until));
        }
        self.hear(segment)
    }

    /// What leaves again, of what smoltcp is made to send: from where to where.
    fn repeats(&mut self) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        if self.recovery.repeats(self.now).is_none() {
            return all;
        }
        let (mut place, end) = (FIRST, self.recovery.board.sent());
        while let Some((from, until)) = self.recovery.take(place, end, self.now) {
            all.push((from - FIRST, until - FIRST));
            place = until;
        }
        all
    }

    /// Waits until there is something to look for: how long that is.
    fn wait(&mut self) -> u64 {
        let waited = self.recovery.tick_at() - self.now;
        self.now += waited;
        self.recovery.tick(self.now);
        waited
    }

    fn window(&self) -> usize {
        self.recovery.congestion.window()
    }
}

/// An acknowledgement of so many bytes, with a large window.
fn plain(number: usize) -> TcpRepr<'static> {
    TcpRepr {
        ack_number: Some(FIRST + number),
        window_len: 60_000,
        ..crate::emit::plain_segment(1, 2)
    }
}

#[test]
fn smoltcp_hears_of_what_may_leave() {
    let mut sender = Sender::new(true);
    assert_eq!(sender.send(&[SIZE; 12]), 10);
    // Both that got there make room for two, and for two more.
    assert_eq!(sender.acknowledge(90 * MS, 2000, &[]), 12_000);
    assert_eq!(sender.send(&[SIZE; 5]), 4);
    // The peer's own window is kept to.
    let mut small = plain(4000);
    small.window_len = 5;
    assert_eq!(sender.hear(small), 5 << SCALE);
}

#[test]
fn three_segments_behind_it_tell_of_a_loss_and_one_in_time() {
    let mut sender = Sender::new(true);
    assert_eq!(sender.send(&[SIZE; 10]), 10);
    assert_eq!(sender.acknowledge(91 * MS, 0, &[(1000, 2000)]), 11_000);
    assert_eq!((sender.repeats(), sender.window()), (Vec::new(), 10_000));
    sender.acknowledge(MS, 0, &[(1000, 3000)]);
    sender.acknowledge(MS, 0, &[(1000, 4000)]);
    assert_eq!(sender.repeats(), [(0, 1000)]);
    assert_eq!(sender.window(), 5000);
    // It is said no more than once.
    sender.acknowledge(MS, 0, &[(1000, 5000)]);
    assert_eq!((sender.repeats(), sender.window()), (Vec::new(), 5000));

    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 2]);
    sender.acknowledge(99 * MS, 0, &[(1000, 2000)]);
    assert_eq!(sender.repeats(), []);
    // Another quarter of the usual time, after the time that the second took.
    assert_eq!(sender.wait() / MS, 23);
    assert_eq!(sender.repeats(), [(0, 1000)]);
}

#[test]
fn what_is_lost_twice_is_found_by_what_left_after_it() {
    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 10]);
    sender.acknowledge(91 * MS, 0, &[(1000, 6000)]);
    assert_eq!(sender.repeats(), [(0, 1000)]);
    sender.acknowledge(4 * MS, 0, &[(1000, 10_000)]);
    assert_eq!(sender.send(&[SIZE; 2]), 2);
    // The second time it is lost, too: what left after it is there.
    sender.acknowledge(100 * MS, 0, &[(1000, 11_000)]);
    assert_eq!(sender.repeats(), [(0, 1000)]);
    assert_eq!(sender.window(), 5000);
}

#[test]
fn who_learns_that_nothing_was_lost_goes_on_as_before() {
    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 10]);
    sender.acknowledge(91 * MS, 0, &[(1000, 5000)]);
    assert_eq!(
        (sender.repeats(), sender.window()),
        (alloc::vec![(0, 1000)], 5000)
    );
    sender.acknowledge(5 * MS, 5000, &[]);
    sender.acknowledge(95 * MS, 5000, &[(0, 1000)]);
    assert!(sender.window() >= 10_000);
    // From now on it waits for longer than that.
    sender.acknowledge(MS, 10_000, &[]);
    assert_eq!(sender.send(&[SIZE; 5]), 5);
    sender.acknowledge(96 * MS, 10_000, &[(11_000, 15_000)]);
    assert_eq!(sender.repeats(), []);
    assert!(sender.wait() > 20 * MS);
    assert_eq!(sender.repeats(), [(10_000, 11_000)]);
}

#[test]
fn who_hears_nothing_asks_and_then_waits_twice_as_long_each_time() {
    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 4]);
    // A probe with the last segment, and then what is not confirmed: first one segment.
    assert_eq!(
        (sender.wait(), sender.repeats()),
        (197 * MS, alloc::vec![(3000, 4000)])
    );
    assert_eq!(sender.window(), 10_000);
    assert_eq!(
        (sender.wait(), sender.repeats()),
        (300 * MS, alloc::vec![(0, 1000)])
    );
    assert_eq!(sender.window(), 1000);
    let waits = [0; 9].map(|_| {
        let wait = sender.wait() / MS;
        assert_eq!(sender.repeats(), [(0, 1000)]);
        wait
    });
    assert_eq!(
        waits,
        [600, 1200, 2400, 4800, 9600, 19_200, 38_400, 60_000, 60_000]
    );
    // Who is heard again is asked for the rest, twice as much each time.
    sender.acknowledge(MS, 1000, &[]);
    assert_eq!(sender.repeats(), [(1000, 2000), (2000, 3000)]);
}

#[test]
fn a_peer_that_forgot_what_it_told_of_gets_it_again() {
    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 3]);
    sender.acknowledge(100 * MS, 0, &[(0, 3000)]);
    assert_eq!(sender.recovery.tick_at(), u64::MAX);
    assert_eq!(sender.send(&[SIZE; 1]), 1);
    sender.wait();
    sender.wait();
    assert_eq!(sender.repeats(), [(0, 1000)]);
}

#[test]
fn a_peer_without_ranges_repeats_itself() {
    let mut sender = Sender::new(false);
    sender.send(&[SIZE; 10]);
    sender.acknowledge(91 * MS, 1000, &[]);
    sender.acknowledge(MS, 1000, &[]);
    sender.acknowledge(MS, 1000, &[]);
    assert_eq!(sender.repeats(), []);
    sender.acknowledge(MS, 1000, &[]);
    assert_eq!(
        (sender.repeats(), sender.window()),
        (alloc::vec![(1000, 2000)], 4500)
    );
    // What was lost beside it is found by what is confirmed then, in the same recovery.
    sender.acknowledge(100 * MS, 4000, &[]);
    assert_eq!(
        (sender.repeats(), sender.window()),
        (alloc::vec![(4000, 5000)], 4500)
    );
    sender.acknowledge(100 * MS, 10_000, &[]);
    assert_eq!(sender.repeats(), []);
    // All there can be are enough.
    sender.send(&[SIZE; 2]);
    sender.acknowledge(100 * MS, 10_000, &[]);
    assert_eq!(sender.repeats(), [(10_000, 11_000)]);
}

#[test]
fn a_closed_window_is_probed_as_often_as_smoltcp_likes() {
    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 2]);
    let mut closed = plain(2000);
    closed.window_len = 0;
    assert_eq!(sender.hear(closed), 0);
    let end = FIRST + 2001;
    assert!(!sender.recovery.leaves(FIRST + 2000, end, sender.now));
    for _ in 0..3 {
        let probe = sender.recovery.take(FIRST + 2000, end, sender.now);
        assert_eq!(probe, Some((FIRST + 2000, end)));
    }
    assert_eq!(sender.recovery.tick_at(), u64::MAX);
    // It opens, and what was probed with leaves with the rest.
    sender.acknowledge(MS, 2000, &[]);
    assert_eq!(sender.repeats(), [(2000, 2001)]);
}

#[test]
fn a_peer_that_tells_of_single_bytes_or_of_nonsense_is_not_believed_for_long() {
    let mut sender = Sender::new(true);
    sender.send(&[SIZE; 10]);
    for at in 0..4000 {
        sender.acknowledge(0, 0, &[(2 * at + 1, 2 * at + 2)]);
    }
    assert!(sender.recovery.board.told() < 1000);
    for (from, until) in [(9000, 11_000), (20_000, 30_000), (5000, 5000), (7000, 6000)] {
        let before = sender.recovery.board.told();
        sender.acknowledge(0, 0, &[(from, until)]);
        assert_eq!(sender.recovery.board.told(), before);
    }
    sender.acknowledge(0, 10_000, &[]);
    let board = &sender.recovery.board;
    assert_eq!(
        (board.under_way(), board.missing(), board.told()),
        (0, 0, 0)
    );
}
