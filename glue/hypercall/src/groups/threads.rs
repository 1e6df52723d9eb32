//! Waiting and waking.

use crate::{Upcall, group};

group! {
    /// The host's threads, as far as a kernel needs them: to wait, to end another's wait, and for
    /// applications that want more of them.
    ///
    /// A thread has one permit. `unpark` gives it, `park` takes it; a permit that is already there
    /// is not counted twice. Wake-ups without cause are allowed.
    pub trait Threads as threads {
        /// The calling thread's token, never zero. It stays good for `unpark` after the thread's end.
        fn current() -> u64;
        /// Waits for the permit until `deadline`, in nanoseconds of the monotonic clock
        /// (`u64::MAX`: for ever). `true` if the permit was there, `false` if time was up.
        fn park(deadline: u64) -> bool;
        /// Gives the permit to the thread of this token.
        fn unpark(token: u64);
        /// A number for the processor the caller runs on now, for guessing whether another thread
        /// runs beside it. `u32::MAX` where the host has one processor: waiting by spinning is
        /// senseless then.
        fn cpu() -> u32;
        /// Lets other threads run first.
        fn relax();
        /// Starts a thread that calls `run`, once, and ends. Zero, or a negated error number.
        fn spawn(run: Upcall) -> i64;
    }
}
