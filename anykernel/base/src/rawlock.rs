//! A lock that a thread of the host waits for by parking: what is under `sync/mp.rs`, and the virtual
//! processor of a kernel that has one.
//!
//! Knows nothing of instances: whether a lock's holder died is asked one level up.

use alloc::vec::Vec;

use crate::atomic::{AtomicU32, Ordering, spin};
use crate::spin::Spin;

/// Spins before a waiter parks.
const SPINS: u32 = if cfg!(loom) { 1 } else { 64 };

const FREE: u32 = 0;
const HELD: u32 = 1;
const WANTED: u32 = 2;

/// See the module.
pub(crate) struct RawLock {
    state: AtomicU32,
    waiters: Spin<Vec<u64>>,
}

impl RawLock {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        RawLock {
            state: AtomicU32::new(FREE),
            waiters: Spin::new(Vec::new()),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        RawLock {
            state: AtomicU32::new(FREE),
            waiters: Spin::new(Vec::new()),
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        self.state
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[inline]
    pub(crate) fn lock(&self) {
        if !self.try_lock() {
            self.lock_contended();
        }
    }

    #[cold]
    fn lock_contended(&self) {
        if cfg!(not(feature = "threads")) {
            // The only thread there is has it already.
            panic!("a lock is taken twice, or was held across a wait");
        }
        for _ in 0..SPINS {
            if self.state.load(Ordering::Relaxed) == FREE && self.try_lock() {
                return;
            }
            spin();
        }
        let me = crate::host::token();
        loop {
            // The order decides: whoever releases after the swap finds us in the list.
            self.waiters.with(|waiters| {
                if !waiters.contains(&me) {
                    waiters.push(me);
                }
            });
            if self.state.swap(WANTED, Ordering::Acquire) == FREE {
                self.waiters
                    .with(|waiters| waiters.retain(|token| *token != me));
                return;
            }
            crate::host::park(u64::MAX);
        }
    }

    #[inline]
    pub(crate) fn unlock(&self) {
        if self.state.swap(FREE, Ordering::Release) == WANTED {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        let next = self
            .waiters
            .with(|waiters| (!waiters.is_empty()).then(|| waiters.remove(0)));
        if let Some(token) = next {
            crate::host::unpark(token);
        }
    }
}
