//! The platform of a host in C, as far as that is Rust: panics.
//!
//! All other groups are functions `rumpuser_*` of whoever links the archive; the generator declares them,
//! in Rust and in the header `rump/rumpuser.h`. This crate knows nothing of that host: no operating
//! system, no C library.
//!
//! There is nobody to unwind to, so a panic is not contained: it is reported in a line on the console and
//! ends the machine.
#![no_std]
// The compiler's own names have no safe form.
#![allow(unsafe_code)]

#[cfg(test)]
extern crate sim as _;

#[cfg(any(rump_bare, test))]
mod line;
#[cfg(rump_bare)]
mod runtime;

use hypercall::{Upcall, power};

/// The host.
pub struct Platform;

/// The exit code of a machine that a panic ended, as of a program in Rust.
const PANICKED: i32 = 101;

impl hypercall::Fault for Platform {
    #[inline(always)]
    fn catch(run: Upcall) -> bool {
        run.call();
        false
    }

    #[inline(always)]
    fn panicking() -> bool {
        false
    }

    #[cold]
    fn raise() -> ! {
        power::halt(PANICKED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use hypercall::Fault;

    #[test]
    fn catch_is_a_call() {
        static CALLED: AtomicUsize = AtomicUsize::new(0);
        extern "C-unwind" fn run(cookie: usize) {
            CALLED.store(cookie, Relaxed);
        }
        assert!(!Platform::catch(Upcall::new(run, 7)));
        assert_eq!(CALLED.load(Relaxed), 7);
    }

    #[test]
    #[should_panic = "halted with code 101"]
    fn raise_ends_the_machine() {
        Platform::raise();
    }
}
