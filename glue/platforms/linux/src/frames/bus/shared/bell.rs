//! A word that a member sleeps at until another wakes it, in whatever process.
//!
//! The word counts the sleeps, and says in its last bits how far the last one is. Whoever rings changes the word
//! before the wake-up, so that one who is about to sleep does not, and once more after it: if one ends in between,
//! the next does it again.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const STAGE: u32 = 3;
const ASLEEP: u32 = 1;
const WAKING: u32 = 2;
const WOKEN: u32 = 3;

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
    let mut now = bell.load(SeqCst);
    if now & STAGE == ASLEEP {
        let waking = now & !STAGE | WAKING;
        now = match bell.compare_exchange(now, waking, SeqCst, SeqCst) {
            Ok(_) => waking,
            Err(other) => other,
        };
    }
    if now & STAGE == WAKING {
        // SAFETY: the word lives as long as the borrow.
        unsafe { libc::syscall(libc::SYS_futex, bell.as_ptr(), libc::FUTEX_WAKE, 1) };
        // Unless that one has slept again meanwhile.
        let _ = bell.compare_exchange(now, now & !STAGE | WOKEN, SeqCst, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicU32};
    use std::thread;

    use super::{STAGE, WAKING, ring, sleep};

    #[test]
    fn no_ring_is_lost() {
        let (bell, news) = (AtomicU32::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..50_000 {
                    while !news.swap(false, SeqCst) {
                        sleep(&bell, || news.load(SeqCst));
                    }
                }
            });
            for _ in 0..50_000 {
                news.store(true, SeqCst);
                ring(&bell);
                while news.load(SeqCst) {
                    thread::yield_now();
                }
            }
        });
    }

    #[test]
    fn who_ends_while_waking_leaves_it_to_the_next() {
        let (bell, news) = (AtomicU32::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !news.load(SeqCst) {
                    sleep(&bell, || news.load(SeqCst));
                }
            });
            while bell.load(SeqCst) & STAGE == 0 {
                thread::yield_now();
            }
            bell.fetch_update(SeqCst, SeqCst, |now| Some(now & !STAGE | WAKING))
                .unwrap();
            news.store(true, SeqCst);
            ring(&bell);
        });
    }
}
