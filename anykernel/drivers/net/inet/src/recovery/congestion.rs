//! How much may be under way at a time (RFC 5681, RFC 6928), in bytes.

/// The congestion window.
#[derive(Default)]
pub(super) struct Congestion {
    window: usize,
    /// Up to this it grows by all that is confirmed, from there on by a segment with each window.
    threshold: usize,
    /// Both, before they became smaller last.
    before: Option<(usize, usize)>,
}

impl Congestion {
    /// What a connection begins with, with segments of `size` bytes (RFC 6928 § 2).
    pub(super) fn new(size: usize) -> Self {
        Congestion {
            window: first(size),
            threshold: usize::MAX,
            before: None,
        }
    }

    /// Nothing was under way for so long that what was known of the way is old (RFC 5681 § 4.1).
    pub(super) fn rest(&mut self, size: usize) {
        self.threshold = self.threshold.max(self.window / 4 * 3);
        self.window = self.window.min(first(size));
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Whether it has yet to come to where it was found to be too large.
    pub(super) fn starts_slowly(&self) -> bool {
        self.window < self.threshold
    }

    /// So many bytes were confirmed while `used` were under way. A window that is not used says nothing about the way
    /// (RFC 7661).
    pub(super) fn grow(&mut self, bytes: usize, used: usize, size: usize) {
        if used < self.window / 2 {
            return;
        }
        self.window += match self.starts_slowly() {
            true => bytes,
            false => (size * bytes / self.window).max(1),
        };
    }

    /// Something was lost while `used` bytes were on the way.
    pub(super) fn shrink(&mut self, used: usize, size: usize) {
        self.before = Some((self.window, self.threshold));
        self.threshold = (used.min(self.window) / 2).max(2 * size);
        self.window = self.threshold;
    }

    /// And nothing arrives any more.
    pub(super) fn close(&mut self, size: usize) {
        self.window = size;
    }

    /// Nothing was lost.
    pub(super) fn undo(&mut self) {
        if let Some((window, threshold)) = self.before.take() {
            self.window = self.window.max(window);
            self.threshold = self.threshold.max(threshold);
        }
    }
}

/// What may leave before anything is known of the way.
fn first(size: usize) -> usize {
    (10 * size).min(14_600.max(2 * size))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1000;

    #[test]
    fn it_doubles_till_something_is_lost_and_grows_by_a_segment_then() {
        let mut congestion = Congestion::new(SIZE);
        assert_eq!(congestion.window(), 10 * SIZE);
        congestion.grow(10 * SIZE, 10 * SIZE, SIZE);
        assert_eq!(congestion.window(), 20 * SIZE);
        congestion.shrink(20 * SIZE, SIZE);
        assert_eq!(congestion.window(), 10 * SIZE);
        for _ in 0..10 {
            congestion.grow(SIZE, 10 * SIZE, SIZE);
        }
        assert_eq!(congestion.window() / 100, 109);
    }

    #[test]
    fn it_grows_only_where_it_is_used() {
        let mut congestion = Congestion::new(SIZE);
        congestion.grow(4 * SIZE, 4 * SIZE, SIZE);
        assert_eq!(congestion.window(), 10 * SIZE);
    }

    #[test]
    fn what_was_no_loss_leaves_it_as_it_was() {
        let mut congestion = Congestion::new(9000);
        assert_eq!(congestion.window(), 18_000);
        congestion.shrink(18_000, 9000);
        congestion.close(9000);
        assert!(congestion.starts_slowly());
        congestion.undo();
        congestion.undo();
        assert_eq!(congestion.window(), 18_000);
    }
}
