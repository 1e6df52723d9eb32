//! A lock that is held for a few instructions: the leaf lock of the multi-processor build, and the
//! lock of what stays shared between threads in every build.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;

use crate::atomic::{AtomicBool, Ordering, spin};

/// Spins before a waiter asks the host to let others run.
const SPINS: u32 = if cfg!(loom) { 1 } else { 64 };

/// A value behind a lock that is held for a few instructions and never while waiting.
pub struct Spin<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `with` is the only way to the value and excludes others.
unsafe impl<T: Send> Send for Spin<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Spin<T> {}

impl<T> Spin<T> {
    /// A lock around `value`.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Spin {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// A lock around `value`.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Spin {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `f` with the value. `f` must not wait, and must not come back here.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        /// Releases also when `f` panics: the panic is answered above, not by spinning for ever.
        struct Release<'a>(&'a AtomicBool);
        impl Drop for Release<'_> {
            #[inline]
            fn drop(&mut self) {
                self.0.store(false, Ordering::Release);
            }
        }
        self.acquire();
        let _release = Release(&self.held);
        // SAFETY: the flag is ours until `_release` drops.
        f(unsafe { &mut *self.value.get() })
    }

    /// Takes the lock, for [`release`](Self::release) to give it back.
    #[inline]
    pub(crate) fn acquire(&self) {
        while self
            .held
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            self.wait();
        }
    }

    /// Gives back the lock, which the caller took.
    #[cfg_attr(
        feature = "up",
        expect(dead_code, reason = "there is nobody to share with")
    )]
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    #[cold]
    fn wait(&self) {
        for _ in 0..SPINS {
            if !self.held.load(Ordering::Relaxed) {
                return;
            }
            spin();
        }
        crate::host::relax();
    }
}
