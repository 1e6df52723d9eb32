//! How long an answer takes, and how long to wait for one (RFC 6298), in nanoseconds.

/// The least and the most time that is waited for an answer, the least as Linux has it; and what is while none was timed.
const LEAST: u64 = 200_000_000;
const MOST: u64 = 60_000_000_000;
const FIRST: u64 = 1_000_000_000;

/// The times that answers took.
#[derive(Default)]
pub(super) struct RoundTrip {
    /// Their mean, if there was any, and how far they are from it.
    smooth: u64,
    variation: u64,
    /// The shortest.
    shortest: u64,
}

impl RoundTrip {
    /// An answer took so long.
    pub(super) fn sample(&mut self, took: u64) {
        let took = took.max(1);
        if self.smooth == 0 {
            (self.smooth, self.variation, self.shortest) = (took, took / 2, took);
            return;
        }
        self.variation = (3 * self.variation + self.smooth.abs_diff(took)) / 4;
        self.smooth = (7 * self.smooth + took) / 8;
        self.shortest = self.shortest.min(took);
    }

    /// What it takes usually, if that is known.
    pub(super) fn usual(&self) -> Option<u64> {
        (self.smooth > 0).then_some(self.smooth)
    }

    /// The least that it took.
    pub(super) fn shortest(&self) -> u64 {
        self.shortest
    }

    /// When what left at a time is believed lost, if there was no answer so often.
    pub(super) fn timeout(&self, times: u32) -> u64 {
        let once = match self.usual() {
            Some(usual) => (usual + 4 * self.variation).max(LEAST),
            None => FIRST,
        };
        (once << times.min(16)).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_time_waited_follows_what_answers_take() {
        let mut trips = RoundTrip::default();
        assert_eq!((trips.usual(), trips.timeout(0)), (None, FIRST));
        trips.sample(100 * MS);
        assert_eq!(trips.timeout(0), 300 * MS);
        for _ in 0..100 {
            trips.sample(100 * MS);
        }
        assert_eq!(trips.timeout(0), LEAST);
        trips.sample(20 * MS);
        assert_eq!((trips.usual(), trips.shortest()), (Some(90 * MS), 20 * MS));
    }

    #[test]
    fn without_answers_it_doubles_up_to_a_minute() {
        let trips = RoundTrip::default();
        let all = [0, 1, 5, 6, 99].map(|times| trips.timeout(times) / FIRST);
        assert_eq!(all, [1, 2, 32, 60, 60]);
    }
}
