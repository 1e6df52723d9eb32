//! Threads that wait for devices, for all disks of the process. There is none before something waits, and none when
//! the last disk is closed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use hypercall::Errno;

use crate::work;

/// As many operations wait at a time: enough to keep one device busy.
const MOST_THREADS: usize = 8;

/// What a thread does.
type Job = Box<dyn FnOnce() + Send>;

struct Workers {
    disks: usize,
    /// Threads of an earlier era end as soon as they notice.
    era: u64,
    jobs: VecDeque<Job>,
    /// Threads that have nothing to do.
    idle: usize,
    threads: Vec<JoinHandle<()>>,
}

static WORKERS: Mutex<Workers> = Mutex::new(Workers {
    disks: 0,
    era: 0,
    jobs: VecDeque::new(),
    idle: 0,
    threads: Vec::new(),
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

/// A disk is closed, and has nothing under way. With the last one the threads end.
pub(super) fn disk_closed() {
    let mut all = workers();
    all.disks -= 1;
    if all.disks > 0 {
        return;
    }
    all.era += 1;
    let threads = std::mem::take(&mut all.threads);
    drop(all);
    NEWS.notify_all();
    for thread in threads {
        // All jobs are done. One that panicked has said so.
        let _ = thread.join();
    }
}

/// Has a job done soon, of a disk that is open.
pub(super) fn run(job: Job) -> Result<(), Errno> {
    let mut all = workers();
    if all.jobs.len() >= all.idle && all.threads.len() < MOST_THREADS {
        let era = all.era;
        match work::spawn("rump-disk", Box::new(move || serve(era))) {
            Ok(thread) => all.threads.push(thread),
            // Those that there are do it later.
            Err(errno) if all.threads.is_empty() => return Err(errno),
            Err(_) => {}
        }
    }
    all.jobs.push_back(job);
    drop(all);
    NEWS.notify_one();
    Ok(())
}

/// A thread's life.
fn serve(era: u64) {
    let mut all = workers();
    while all.era == era {
        match all.jobs.pop_front() {
            Some(job) => {
                drop(all);
                job();
                all = workers();
            }
            None => {
                all.idle += 1;
                all = NEWS.wait(all).unwrap_or_else(PoisonError::into_inner);
                all.idle -= 1;
            }
        }
    }
}
