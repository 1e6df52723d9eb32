//! No place for a filter: nobody makes any in this kernel.

use super::Arrival;

/// The place of a socket for a filter.
#[derive(Clone, Default)]
pub struct FilterPlace(());

impl FilterPlace {
    /// Whether what arrives has to be [judged](Self::judge).
    #[inline(always)]
    pub fn is_used(&self) -> bool {
        false
    }

    /// Whether it stays as it is.
    pub fn is_locked(&self) -> bool {
        false
    }

    /// How many bytes are kept of what arrives: all.
    pub fn judge(&self, _arrival: &mut Arrival<'_>) -> usize {
        usize::MAX
    }
}
