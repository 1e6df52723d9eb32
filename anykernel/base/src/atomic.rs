//! The atomics that locks and waits are made of; loom's when they are model-checked.

#[cfg(not(loom))]
use core::sync::atomic;
#[cfg(loom)]
use loom::sync::atomic;

pub(crate) use atomic::{AtomicBool, AtomicU32, Ordering};

/// One turn of a loop that waits for another processor.
#[inline]
pub(crate) fn spin() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}
