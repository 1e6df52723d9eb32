//! A word that a member sleeps at until another wakes it, in whatever process.
//!
//! The word counts the sleeps, and says in its last bits how far the last one is. Who sleeps is woken by the first
//! to ring; that this was done is said after it, so that one who ends in between leaves it to the next.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const STAGE: u32 = 3;
const ASLEEP: u32 = 1;
const WOKEN: u32 = 2;

/// Sleeps, unless `awake` says that there is cause not to. It may end without any.
pub(super) fn sleep(bell: &AtomicU32, awake: impl FnOnce() -> bool) {
    let awaken = (bell.load(SeqCst) & !STAGE).wrapping_add(STAGE + 1);
    let asleep = awaken | ASLEEP;
    bell.store(asleep, SeqCst);
    // Whoever brings something says so first and looks here then; we do it the other way round.
    if !awake() {
        // SAFETY: the word lives as long as the borrow; there is no time limit. That it is another process's too
        // is why the operation is not a private one.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                bell.as_ptr(),
                libc::FUTEX_WAIT,
                asleep,
                ptr::null::<libc::timespec>(),
            )
        };
    }
    bell.store(awaken, SeqCst);
}

/// Wakes who sleeps there, if somebody does and is not woken already.
pub(super) fn ring(bell: &AtomicU32) {
    let now = bell.load(SeqCst);
    if now & STAGE == ASLEEP {
        // SAFETY: the word lives as long as the borrow.
        unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, 1) };
        // Unless that one has slept again meanwhile.
        let _ = bell.compare_exchange(now, now & !STAGE | WOKEN, SeqCst, SeqCst);
    }
}
