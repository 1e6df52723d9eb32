//! Threads that wait for devices, for all disks of the process. There is none before something waits, and none when
//! the last disk is closed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hypercall::Errno;

use super::{Waiting, ring};
use crate::work;

/// As many operations wait at a time: enough to keep one device busy.
const MOST_THREADS: usize = 8;

struct Workers {
    disks: usize,
    /// Threads of an earlier era end as soon as they notice.
    era: u64,
    waiting: VecDeque<Waiting>,
    /// Threads of this era, and those of them that have nothing to do.
    threads: usize,
    idle: usize,
}

static WORKERS: Mutex<Workers> = Mutex::new(Workers {
    disks: 0,
    era: 0,
    waiting: VecDeque::new(),
    threads: 0,
    idle: 0,
});
/// Where idle threads wait.
static NEWS: Condvar = Condvar::new();

fn workers() -> MutexGuard<'static, Workers> {
    WORKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A disk is open: there may be threads.
pub(super) fn disk_opened() {
    workers().disks += 1;
}

/// A disk is closed, and has nothing under way. With the last one the threads end, which nobody waits for: one may be in
/// a kernel.
pub(super) fn disk_closed() {
    let mut all = workers();
    all.disks -= 1;
    if all.disks == 0 {
        all.era += 1;
        (all.threads, all.idle) = (0, 0);
        NEWS.notify_all();
        ring::end();
    }
}

/// Has an operation done soon, of a disk that is open; or says why not, and gives it back.
pub(super) fn run(waiting: Waiting) -> Result<(), (Errno, Waiting)> {
    let mut all = workers();
    if all.waiting.len() >= all.idle && all.threads < MOST_THREADS {
        let era = all.era;
        match work::spawn("rump-disk", Box::new(move || serve(era))) {
            Ok(()) => all.threads += 1,
            // Those that there are do it later.
            Err(errno) if all.threads == 0 => return Err((errno, waiting)),
            Err(_) => {}
        }
    }
    all.waiting.push_back(waiting);
    drop(all);
    NEWS.notify_one();
    Ok(())
}

/// A thread's life.
fn serve(era: u64) {
    let mut all = workers();
    while all.era == era {
        match all.waiting.pop_front() {
            Some(waiting) => {
                drop(all);
                waiting.finish();
                all = workers();
            }
            None => {
                all.idle += 1;
                all = NEWS.wait(all).unwrap_or_else(PoisonError::into_inner);
                if all.era == era {
                    all.idle -= 1;
                }
            }
        }
    }
}
