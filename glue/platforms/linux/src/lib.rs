//! The platform Linux: every group of hypercalls, for kernels inside a process.
//!
//! The kernel's threads are the process's threads; what nobody waits for is done by a small pool
//! that all kernels of the process share (see `work`). Nothing here knows a component.
//!
//! State of a process lives here and nowhere else: the pool, the tables of sockets, disks and files, the list of threads' wait words,
//! the panic hook.
// System calls, thread-local words and the allocator have no safe form.
#![allow(unsafe_code)]

mod clock;
mod console;
mod directories;
mod disks;
mod fault;
mod frames;
mod memory;
mod paging;
mod params;
mod power;
mod random;
mod rings;
mod sockets;
mod threads;
mod tls;
mod work;

/// The platform, for the generated bindings.
pub struct Platform;

/// The error number of the system call that just failed.
fn last_errno() -> i32 {
    std::io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or(libc::EIO)
}
