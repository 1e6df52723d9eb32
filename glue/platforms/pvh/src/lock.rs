//! The platform's lock: held for a few instructions, by a processor rather than a thread.
//!
//! Interrupts are off wherever Rust runs, so nothing can come between a lock and its release on one
//! processor, and no handler ever wants one. With one processor it is never contended.

use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// A value that one processor at a time has.
pub(crate) struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: a guard is the only way to the value and excludes others.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Lock<T> {
        Lock {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            while self.held.load(Ordering::Relaxed) {
                spin_loop();
            }
        }
    }

    /// Takes the lock if nobody has it.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let free = !self.held.swap(true, Ordering::Acquire);
        // Made only if it is ours: a guard that drops releases.
        free.then(|| Guard { lock: self })
    }
}

impl<T> Lock<T> {
    /// Releases the lock on behalf of whoever has it.
    ///
    /// # Safety
    ///
    /// The guard was forgotten, and the right to the value passed to the caller.
    pub(crate) unsafe fn release(&self) {
        self.held.store(false, Ordering::Release);
    }
}

/// The right to a [`Lock`]'s value, until it drops.
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard has the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has the lock.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.held.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        static COUNT: Lock<u64> = Lock::new(0);
        const ROUNDS: u64 = 100_000;
        let held = COUNT.lock();
        assert!(COUNT.try_lock().is_none() && COUNT.try_lock().is_none());
        drop(held);
        let count = || (0..ROUNDS).for_each(|_| *COUNT.lock() += 1);
        std::thread::scope(|scope| {
            scope.spawn(count);
            scope.spawn(count);
        });
        assert_eq!(*COUNT.lock(), 2 * ROUNDS);
    }
}
