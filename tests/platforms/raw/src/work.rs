//! Work of one kernel, done where it waits.

use core::sync::atomic::{AtomicU64, Ordering};

use alloc::boxed::Box;
use hypercall::{Clock, Upcall};

use crate::Platform;
use crate::system;

/// A kernel that is attached, and when it wants to be called.
struct Kernel {
    run: Upcall,
    deadline: AtomicU64,
}

/// The one kernel: its address, zero while there is none.
static KERNEL: AtomicU64 = AtomicU64::new(0);

fn kernel() -> Option<&'static Kernel> {
    let address = KERNEL.load(Ordering::Acquire);
    // SAFETY: only `attach` stores there, the address of what it leaked.
    unsafe { (address as *const Kernel).as_ref() }
}

impl hypercall::Work for Platform {
    fn attach(run: Upcall) -> u64 {
        let deadline = AtomicU64::new(u64::MAX);
        let kernel: &'static Kernel = Box::leak(Box::new(Kernel { run, deadline }));
        let handle = core::ptr::from_ref(kernel) as u64;
        KERNEL.store(handle, Ordering::Release);
        handle
    }

    fn request(_handle: u64, deadline: u64) {
        if let Some(kernel) = kernel() {
            kernel.deadline.fetch_min(deadline, Ordering::Relaxed);
        }
    }

    fn detach(_handle: u64) {
        KERNEL.store(0, Ordering::Release);
    }

    fn wait(deadline: u64) {
        let wanted = kernel().map_or(u64::MAX, |kernel| kernel.deadline.load(Ordering::Relaxed));
        let until = wanted.min(deadline);
        if until == u64::MAX {
            system::write(b"raw: everything waits, and nothing will come\n");
            system::exit(101);
        }
        let now = Platform::monotonic();
        if until > now {
            system::sleep(until - now);
        }
        if let Some(kernel) = kernel()
            && wanted <= Platform::monotonic()
        {
            kernel.deadline.store(u64::MAX, Ordering::Relaxed);
            kernel.run.call();
        }
    }
}
