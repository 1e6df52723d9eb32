//! The entry points that every library exports.

/// Defines the fixed entry points of a library around a tailored kernel's table, a
/// `&'static base::System`.
#[macro_export]
macro_rules! entry_points {
    ($system:expr) => {
        /// Boots the default kernel, if that was not done. Returns 0 or an error number.
        #[unsafe(no_mangle)]
        extern "C" fn rump_init() -> i32 {
            $crate::init($system)
        }

        /// Boots another kernel. `params` is null or a list like `"log-level=debug tcp-buffer=1MiB"`.
        /// Returns null on failure, with `errno` set and the reason on the console.
        ///
        /// # Safety
        ///
        /// `params` is null or a string.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn rump_boot(params: *const u8) -> *mut $crate::RawKernel {
            // SAFETY: this function's contract.
            unsafe { $crate::boot($system, params) }
        }

        /// Has the calling thread's system calls go to `kernel`, or to the default kernel if it is
        /// null. Returns 0 or an error number.
        ///
        /// # Safety
        ///
        /// `kernel` is null or came from `rump_boot` and was not shut down.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn rump_enter(kernel: *mut $crate::RawKernel) -> i32 {
            // SAFETY: this function's contract.
            unsafe { $crate::enter(kernel) }
        }

        /// Has the calling thread's system calls go to the default kernel again.
        #[unsafe(no_mangle)]
        extern "C" fn rump_leave() {
            $crate::leave();
        }

        /// Ends a kernel, and the life of its handle. Threads that are bound to it get `EIO` from now
        /// on. Null ends the default kernel.
        ///
        /// # Safety
        ///
        /// `kernel` is null or came from `rump_boot` and was not shut down.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn rump_shutdown(kernel: *mut $crate::RawKernel) {
            // SAFETY: this function's contract.
            unsafe { $crate::shutdown(kernel) }
        }

        /// Does all work of the calling thread's kernel that is due, and stores when there is more,
        /// in nanoseconds of the monotonic clock (`UINT64_MAX`: nothing foreseen). For hosts without
        /// threads. Returns 0 or an error number.
        ///
        /// # Safety
        ///
        /// `next` is null or good for writing.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn rump_poll(next: *mut u64) -> i32 {
            // SAFETY: this function's contract.
            unsafe { $crate::poll(next) }
        }

        /// The monotonic clock of the host, in nanoseconds: what `rump_poll` counts in.
        #[unsafe(no_mangle)]
        extern "C" fn rump_now() -> u64 {
            $crate::now()
        }

        /// Makes a process, with a copy of the caller's descriptors (`RUMP_RFFDG`) or with none
        /// (`RUMP_RFCFDG`), and binds the calling thread to it. Returns 0 or an error number.
        #[unsafe(no_mangle)]
        extern "C" fn rump_pub_lwproc_rfork(flags: i32) -> i32 {
            $crate::lwproc_rfork(flags)
        }

        /// Binds the calling thread to a process that there is. Returns 0 or an error number.
        #[unsafe(no_mangle)]
        extern "C" fn rump_pub_lwproc_newlwp(pid: i32) -> i32 {
            $crate::lwproc_newlwp(pid)
        }

        /// Binds the calling thread to `lwp`, or, if it is null, to the default kernel's initial process.
        ///
        /// # Safety
        ///
        /// `lwp` is null or came from `rump_pub_lwproc_curlwp` and was not released.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn rump_pub_lwproc_switch(lwp: *mut $crate::RawLwp) {
            // SAFETY: this function's contract.
            unsafe { $crate::lwproc_switch(lwp) }
        }

        /// Ends the lwp the calling thread is bound to; with the last one of a process, the process.
        #[unsafe(no_mangle)]
        extern "C" fn rump_pub_lwproc_releaselwp() {
            $crate::lwproc_releaselwp();
        }

        /// The lwp the calling thread is bound to; null if it acts in the default kernel's initial
        /// process for want of one.
        #[unsafe(no_mangle)]
        extern "C" fn rump_pub_lwproc_curlwp() -> *mut $crate::RawLwp {
            $crate::lwproc_curlwp()
        }
    };
}
