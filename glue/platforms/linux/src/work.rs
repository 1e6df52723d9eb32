//! Work that nobody waits for: a pool of threads that all kernels of the process share.
//!
//! There is no thread before there is something to do, and none when the last kernel is gone. Of the
//! threads one, the **leader**, sleeps until the earliest deadline or until something it looks after has news; what is
//! due then it does itself, so that frames are processed on the processor the interrupt woke, and only
//! if more kernels than one have work does it wake a **follower** to help. Waking a thread on another
//! processor can cost 40 µs on a virtual machine, so each is avoided that can be: a request wakes the
//! leader only if it is earlier than what the leader waits for. With nothing due nobody wakes up.

mod numbered;
mod pool;
mod reactor;
mod worker;

use hypercall::{Errno, Upcall};

use crate::Platform;
pub(crate) use pool::{close_link, find_link, open_link, reactor};
pub(crate) use reactor::{Others, Reactor, control, epoll};
pub(crate) use worker::bring;

/// Starts a thread of a link's own, or of disks.
pub(crate) fn spawn(name: &str, body: Box<dyn FnOnce() + Send>) -> Result<(), Errno> {
    let thread = worker::quietly(name, body);
    let number = |error: std::io::Error| error.raw_os_error().unwrap_or(libc::EAGAIN);
    thread
        .map(drop)
        .map_err(|error| Errno::from_number(number(error)))
}

impl hypercall::Work for Platform {
    fn attach(run: Upcall) -> u64 {
        pool::lock().attach(run)
    }

    fn request(handle: u64, deadline: u64) {
        let mut pool = pool::lock();
        let wake = pool.request(handle, deadline);
        drop(pool);
        wake.deliver();
    }

    fn detach(handle: u64) {
        pool::detach(handle);
    }

    fn wait(_deadline: u64) {
        unreachable!("linux: work::wait is for platforms without threads; this one has park");
    }
}

#[cfg(test)]
pub(crate) mod tests;
