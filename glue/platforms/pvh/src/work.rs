//! Work that nobody waits for: a pool of threads that all kernels share.
//!
//! There is no thread before there is something to do, and never more than processors or kernels. A worker
//! with nothing to do waits; one of those that wait does so until the earliest time that was asked for. A
//! request wakes one only if that would be late otherwise.

mod pool;

use hypercall::{Threads, Upcall};

use crate::Platform;
use pool::POOL;

impl hypercall::Work for Platform {
    fn attach(run: Upcall) -> u64 {
        POOL.lock().attach(run)
    }

    fn request(handle: u64, deadline: u64) {
        let mut pool = POOL.lock();
        if pool.request(handle, deadline) {
            let help = pool.help();
            drop(pool);
            help.deliver();
        }
    }

    fn detach(handle: u64) {
        while !POOL.lock().detach(handle, Platform::current()) {
            Platform::park(u64::MAX);
        }
    }

    fn wait(_deadline: u64) {
        unreachable!("pvh: work::wait is for platforms without threads; this one has park");
    }
}
