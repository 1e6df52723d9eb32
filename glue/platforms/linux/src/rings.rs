//! What all rings of `io_uring` have in common.

use std::io::{Error, Write, stderr};
use std::process;

use io_uring::IoUring;

/// Hands over what was put into a ring, and waits until so many operations have ended, if nothing interrupts that.
///
/// A ring that the system refuses to go on with ends the process: what it was told to write to would be somebody else's
/// memory by then.
pub(crate) fn submit_and_wait(ring: &IoUring, count: usize) {
    if let Err(error) = ring.submit_and_wait(count)
        && !is_passing(&error)
    {
        let why = format!("rump: io_uring does not end what it began: {error}\n");
        let _ = stderr().write_all(why.as_bytes());
        process::abort();
    }
}

/// Whether waiting again is all there is to do.
fn is_passing(error: &Error) -> bool {
    let passing = [libc::EAGAIN, libc::EBUSY, libc::EINTR];
    error.raw_os_error().is_some_and(|it| passing.contains(&it))
}
