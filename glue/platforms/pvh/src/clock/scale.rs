//! A ratio of frequencies, for multiplying without a division.

use core::sync::atomic::{AtomicU64, Ordering};

/// A ratio, times 2³².
pub(super) struct Scale(AtomicU64);

impl Scale {
    /// Makes everything zero.
    pub(super) const fn unset() -> Scale {
        Scale(AtomicU64::new(0))
    }

    /// Makes it `to` for each `from`, which is not zero.
    pub(super) fn set(&self, to: u64, from: u64) {
        let ratio = (u128::from(to) << 32) / u128::from(from);
        self.0
            .store(u64::try_from(ratio).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn apply(&self, value: u64) -> u64 {
        let product = u128::from(value) * u128::from(self.0.load(Ordering::Relaxed));
        (product >> 32) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_up_and_down() {
        let scale = Scale::unset();
        assert_eq!(scale.apply(5), 0);
        scale.set(1_000_000_000, 3_000_000_000);
        // A year, to within a part in a milliard.
        let year = 31_557_600_000_000_000u64;
        assert!(scale.apply(year * 3).abs_diff(year) < year >> 30);
        scale.set(3_000_000_000, 1_000_000_000);
        assert_eq!(scale.apply(7), 21);
    }
}
