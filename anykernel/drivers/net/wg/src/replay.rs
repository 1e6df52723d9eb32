//! Which packets of a session were there before: a window over their counters (RFC 6479).

/// Bits of a word.
const WORD: u64 = 64;
/// Words of the ring. One of them is always being filled.
const WORDS: u64 = 32;
/// How far a packet may be behind the latest one.
const WINDOW: u64 = (WORDS - 1) * WORD;

/// The counters that were seen.
pub(crate) struct Window {
    /// One more than the latest.
    end: u64,
    seen: [u64; WORDS as usize],
}

impl Window {
    pub(crate) fn new() -> Self {
        Window {
            end: 0,
            seen: [0; WORDS as usize],
        }
    }

    /// Whether a counter can be new: cheap, to be asked before a packet is opened.
    pub(crate) fn may_be_new(&self, counter: u64) -> bool {
        if counter >= self.end {
            return counter < u64::MAX;
        }
        self.end - counter <= WINDOW && self.seen[Self::word(counter)] & Self::bit(counter) == 0
    }

    /// Notes the counter of a packet that was sealed by the peer; whether it is new.
    pub(crate) fn note(&mut self, counter: u64) -> bool {
        if !self.may_be_new(counter) {
            return false;
        }
        if counter >= self.end {
            let first = self.end.div_ceil(WORD);
            let last = counter / WORD;
            // What the ring held of long ago makes room.
            for word in first..=last.min(first.saturating_add(WORDS - 1)) {
                self.seen[(word % WORDS) as usize] = 0;
            }
            self.end = counter + 1;
        }
        self.seen[Self::word(counter)] |= Self::bit(counter);
        true
    }

    fn word(counter: u64) -> usize {
        (counter / WORD % WORDS) as usize
    }

    fn bit(counter: u64) -> u64 {
        1 << (counter % WORD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use net::testing::Numbers;

    #[test]
    fn each_counter_passes_once() {
        let mut window = Window::new();
        for counter in [0, 1, 9, 8, 7, WINDOW, 10] {
            assert!(window.note(counter), "{counter}");
            assert!(!window.note(counter), "{counter}");
        }
    }

    #[test]
    fn what_is_too_old_is_refused() {
        let mut window = Window::new();
        assert!(window.note(WINDOW * 2));
        assert!(!window.note(WINDOW));
        assert!(window.note(WINDOW + 1));
        assert!(!window.note(u64::MAX));
        assert!(window.note(u64::MAX - 1));
        assert!(!window.note(WINDOW * 2 + 1));
    }

    #[test]
    fn jumps_leave_nothing_behind() {
        // Against a set that remembers all.
        let mut numbers = Numbers(7);
        let mut window = Window::new();
        let (mut seen, mut latest) = (BTreeSet::new(), 0);
        for _ in 0..200_000 {
            let ahead = [1, 3, 70, 3000][numbers.below(4)];
            let counter = (latest + numbers.draw() % ahead).saturating_sub(numbers.draw() % 2500);
            let old = latest + 1 > counter + WINDOW;
            let expected = !old && !seen.contains(&counter);
            assert_eq!(window.note(counter), expected, "{counter} after {latest}");
            seen.insert(counter);
            latest = latest.max(counter);
        }
    }
}
