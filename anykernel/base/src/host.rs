//! The host's threads, or their absence.

#[cfg(feature = "threads")]
mod with {
    use hypercall::{Upcall, threads};

    pub(crate) fn token() -> u64 {
        threads::current()
    }

    pub(crate) fn park(deadline: u64) {
        threads::park(deadline);
    }

    pub(crate) fn unpark(token: u64) {
        threads::unpark(token);
    }

    pub(crate) fn relax() {
        threads::relax();
    }

    pub(crate) fn spawn(run: Upcall) -> i64 {
        threads::spawn(run)
    }

    #[cfg(not(feature = "up"))]
    pub(crate) fn cpu() -> u32 {
        threads::cpu()
    }
}

#[cfg(not(feature = "threads"))]
mod with {
    pub(crate) fn token() -> u64 {
        1
    }

    /// Where there are no threads, waiting is letting the host's time pass.
    pub(crate) fn park(deadline: u64) {
        hypercall::work::wait(deadline);
    }

    pub(crate) fn unpark(_token: u64) {}

    pub(crate) fn relax() {
        // The only thread there is holds the lock it wants: see `sync`.
        panic!("a leaf lock is taken twice");
    }
}

pub(crate) use with::*;
