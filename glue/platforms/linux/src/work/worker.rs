//! A thread of the pool.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use hypercall::{Console, Threads, Upcall};

use super::pool::{self, FOLLOWERS, Leader, Pool};
use crate::Platform;

type Guard = MutexGuard<'static, Pool>;

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
    static IS_BRINGER: Cell<bool> = const { Cell::new(false) };
}

/// Calls into kernels that a link's own thread makes before it looks at its link again.
const CALLS_AT_ONCE: usize = 16;

/// Whether the calling thread is one of the pool.
pub(super) fn is_current() -> bool {
    IS_WORKER.try_with(Cell::get).unwrap_or(false)
}

/// Whether the calling thread is about to do itself what it asks for.
pub(super) fn is_bringer() -> bool {
    IS_BRINGER.try_with(Cell::get).unwrap_or(false)
}

/// Starts a thread of the pool.
pub(super) fn spawn(era: u64) -> Option<JoinHandle<()>> {
    match quietly("rump-work", Box::new(move || work(era))) {
        Ok(thread) => Some(thread),
        Err(error) => {
            let text = format!("linux: no thread for timers and received frames: {error}\n");
            Platform::write(text.as_str().into());
            None
        }
    }
}

/// Starts a thread. It takes no signals: those are for the program's own threads.
pub(super) fn quietly(
    name: &str,
    body: Box<dyn FnOnce() + Send>,
) -> std::io::Result<JoinHandle<()>> {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the places are good for a set each; the first call fills the one, the second the other.
    // A new thread inherits the mask, so there is no moment in which it takes a signal.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let thread = Builder::new().name(name.into()).spawn(body);
    // SAFETY: `before` was filled in above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    thread
}

/// Has a thread that is a link's own tell of news, and do what comes of it: waking another would take longer.
pub(crate) fn bring(news: impl FnOnce()) {
    IS_BRINGER.set(true);
    news();
    IS_BRINGER.set(false);
    for _ in 0..CALLS_AT_ONCE {
        let Some((handle, run, wake)) = pool::lock().next_call() else {
            break;
        };
        wake.deliver();
        call(run);
        let wake = pool::lock().call_ended(handle);
        wake.deliver();
    }
    let wake = pool::lock().leave_rest();
    wake.deliver();
}

fn work(era: u64) {
    IS_WORKER.set(true);
    let mut pool = pool::lock();
    while pool.era == era {
        pool = if let Some((handle, run, wake)) = pool.next_call() {
            drop(pool);
            wake.deliver();
            call(run);
            let wake = pool::lock().call_ended(handle);
            wake.deliver();
            pool::lock()
        } else if pool.leader == Leader::None {
            lead(pool, era)
        } else {
            follow(pool, era)
        };
    }
}

/// Enters a kernel. Kernels contain their panics; one that comes through all the same must not take
/// the pool with it, on which others depend.
fn call(upcall: Upcall) {
    let _ = catch_unwind(AssertUnwindSafe(|| upcall.call()));
}

/// Sleeps until something is due, and passes on the news there are.
fn lead(mut pool: Guard, era: u64) -> Guard {
    let (until, reactor) = pool.fall_asleep();
    let mut happened = Vec::new();
    let mut others = None;
    match reactor {
        Some(reactor) => {
            drop(pool);
            if reactor.wait(until, &mut happened) {
                others = reactor.others().cloned();
            }
            pool = pool::lock();
        }
        None => {
            drop(pool);
            // Whoever wakes this thread does so after the lock was free.
            Platform::park(until);
            pool = pool::lock();
        }
    }
    if pool.era != era {
        return pool;
    }
    if !happened.is_empty() || others.is_some() {
        // What is told makes kernels ask for a call; this thread is the one to do it.
        pool.leader = Leader::Awake;
        let links = pool.links(&happened);
        drop(pool);
        for (link, events) in links {
            link.happened(events);
        }
        if let Some(others) = others {
            others.happened();
        }
        pool = pool::lock();
        if pool.era != era {
            return pool;
        }
    }
    pool.leader = Leader::None;
    pool
}

/// Waits to be called for help.
fn follow(mut pool: Guard, era: u64) -> Guard {
    pool.idle += 1;
    while pool.era == era && pool.called == 0 {
        pool = FOLLOWERS.wait(pool).unwrap_or_else(PoisonError::into_inner);
    }
    if pool.era == era {
        pool.called -= 1;
    }
    pool
}
