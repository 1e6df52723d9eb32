//! What arrives a second time, so that the peer can be told (RFC 2883): who sent again what was only late learns by it
//! that nothing was lost. smoltcp tells what it has, but not that it had it.

use alloc::vec::Vec;

use smoltcp::wire::TcpSeqNumber;

/// How many parts that came early are remembered, more than smoltcp keeps.
const MOST: usize = 64;

/// A range of bytes, in the form that an option has it.
pub(crate) type Range = (u32, u32);

/// What is known of data that arrived.
#[derive(Default)]
pub(crate) struct Twice {
    /// What came before something in front of it.
    early: Vec<(TcpSeqNumber, TcpSeqNumber)>,
    /// What came twice, and is to be told.
    told: Option<Range>,
}

impl Twice {
    /// Notes data that arrives between these numbers, of which all before `expected` is there.
    #[inline]
    pub(crate) fn arriving(
        &mut self,
        start: TcpSeqNumber,
        end: TcpSeqNumber,
        expected: TcpSeqNumber,
    ) {
        if start < end && (start != expected || !self.early.is_empty()) {
            self.compare(start, end, expected);
        }
    }

    #[cold]
    fn compare(&mut self, start: TcpSeqNumber, end: TcpSeqNumber, expected: TcpSeqNumber) {
        self.early.retain(|early| early.1 > expected);
        let mut had = start < expected;
        for early in &self.early {
            had |= early.0 <= start && end <= early.1;
        }
        if had {
            let end = if start < expected {
                end.min(expected)
            } else {
                end
            };
            self.told = Some((start.0.cast_unsigned(), end.0.cast_unsigned()));
        } else if start > expected {
            let many = self.early.len() >= MOST;
            match self.early.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ if many => {}
                _ => self.early.push((start, end)),
            }
        }
    }

    /// Whether there is something to tell.
    pub(crate) fn is_known(&self) -> bool {
        self.told.is_some()
    }

    /// What is to be told, once, beside what is acknowledged: all before a number, and a range. What is in neither smoltcp had
    /// no place for, and who was told of it would never send it again.
    pub(crate) fn take(
        &mut self,
        all: Option<TcpSeqNumber>,
        range: Option<Range>,
    ) -> Option<Range> {
        let (start, end) = self.told.take()?;
        let number = |it: u32| TcpSeqNumber(it.cast_signed());
        let before = all.is_some_and(|all| number(end) <= all);
        let inside = range.is_some_and(|range| {
            number(range.0) <= number(start) && number(end) <= number(range.1)
        });
        (before || inside).then_some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told after these segments, where all before 1000 is there.
    fn told(segments: &[(i32, i32)]) -> Option<Range> {
        let mut twice = Twice::default();
        for (start, end) in segments {
            twice.told = None;
            let [start, end, expected] = [*start, *end, 1000].map(TcpSeqNumber);
            twice.arriving(start, end, expected);
        }
        twice.told
    }

    #[test]
    fn what_is_there_is_told() {
        assert_eq!(told(&[(1000, 1100)]), None);
        assert_eq!(told(&[(900, 1000)]), Some((900, 1000)));
        assert_eq!(told(&[(900, 1100)]), Some((900, 1000)));
    }

    #[test]
    fn what_came_early_is_told_till_it_is_in_order() {
        assert_eq!(told(&[(1100, 1200), (1200, 1300)]), None);
        assert_eq!(told(&[(1100, 1200), (1100, 1200)]), Some((1100, 1200)));
        assert_eq!(
            told(&[(1100, 1200), (1200, 1300), (1150, 1250)]),
            Some((1150, 1250))
        );
        let mut twice = Twice::default();
        let [a, b, c] = [1000, 1100, 1200].map(TcpSeqNumber);
        twice.arriving(b, c, a);
        twice.arriving(c, c + 100, c);
        assert!(twice.early.is_empty() && !twice.is_known());
    }

    #[test]
    fn what_was_not_kept_is_not_told() {
        let take = |ranges: Option<Range>| {
            let mut twice = Twice::default();
            let [start, end, expected] = [1100, 1200, 1000].map(TcpSeqNumber);
            twice.arriving(start, end, expected);
            twice.arriving(start, end, expected);
            twice.take(Some(expected), ranges)
        };
        assert_eq!(take(None), None);
        assert_eq!(take(Some((1150, 1300))), None);
        assert_eq!(take(Some((1050, 1300))), Some((1100, 1200)));
    }

    #[test]
    fn a_peer_cannot_have_much_remembered() {
        let many: Vec<_> = (0..1000)
            .map(|at| (2000 + 10 * at, 2001 + 10 * at))
            .collect();
        let mut twice = Twice::default();
        for (start, end) in many {
            twice.arriving(TcpSeqNumber(start), TcpSeqNumber(end), TcpSeqNumber(1000));
        }
        assert_eq!(twice.early.len(), MOST);
    }
}
