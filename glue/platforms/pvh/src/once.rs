//! A value that boot sets and everybody reads.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU8, Ordering};

const UNSET: u8 = 0;
const BEING_SET: u8 = 1;
const SET: u8 = 2;

/// A place for a value, empty at first.
pub(crate) struct Once<T> {
    state: AtomicU8,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written by whoever changed the state first, and shared once the state says so.
unsafe impl<T: Send + Sync> Sync for Once<T> {}

impl<T> Once<T> {
    pub(crate) const fn new() -> Once<T> {
        Once {
            state: AtomicU8::new(UNSET),
            value: UnsafeCell::new(None),
        }
    }

    /// Sets the value. A second one is dropped.
    pub(crate) fn set(&self, value: T) {
        let first =
            self.state
                .compare_exchange(UNSET, BEING_SET, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() {
            // SAFETY: nobody else is past the line above, and nobody reads yet.
            unsafe { *self.value.get() = Some(value) };
            self.state.store(SET, Ordering::Release);
        }
    }

    /// The value, once it is set.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        if self.state.load(Ordering::Acquire) != SET {
            return None;
        }
        // SAFETY: it is set, and never changes again.
        unsafe { (*self.value.get()).as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays() {
        let once = Once::new();
        assert_eq!(once.get(), None);
        once.set(1);
        once.set(2);
        assert_eq!(once.get(), Some(&1));
    }
}
