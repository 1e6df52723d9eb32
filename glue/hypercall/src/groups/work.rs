//! Work that nobody waits for.

use crate::{Upcall, group};

group! {
    /// Execution of the kernel when nobody calls it: timers, received frames, deferred work.
    ///
    /// A kernel attaches one upcall, which does all work that is due. Where there are threads, the
    /// platform has a process-wide pool that calls it: never two at a time for one kernel, never
    /// for a kernel that has nothing due. Where there are none, calls come from [`wait`](Work::wait)
    /// and from the host's own loop.
    pub trait Work as work {
        /// Makes a kernel known and returns its handle.
        fn attach(run: Upcall) -> u64;
        /// Asks for a call at `deadline`, in nanoseconds of the monotonic clock (zero: at once;
        /// `u64::MAX`: not before the next request). The earliest request since the last call
        /// counts. Callable from any context; nothing happens if the kernel was forgotten.
        fn request(handle: u64, deadline: u64);
        /// Forgets the kernel. When this returns, no call is under way and none will come. Not
        /// callable from the upcall itself.
        fn detach(handle: u64);
        /// Lets time pass until something was done for any kernel, or until `deadline`. For
        /// platforms without threads, where it stands for parking; others never get this call.
        fn wait(deadline: u64);
    }
}
