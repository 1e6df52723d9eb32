//! A Linux process without a C library: a platform of images that needs no machine to run on.
//!
//! The tests of the generator boot it: it is small, and stands outside the tree as a platform of somebody
//! else's would. Memory is given and never taken back, there are no threads and no links, and the
//! command line is one argument, with parameters before `--` and the application's arguments behind it.
#![no_std]

extern crate alloc;

mod memory;
mod system;
mod work;

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

use hypercall::{Bytes, BytesMut, Upcall};

/// The host.
pub struct Platform;

/// What an image's program is.
pub type Main = fn(Vec<(String, String)>, Vec<String>) -> i32;

/// Starts an image with this function.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn raw_main(stack: *const usize) -> ! {
            // SAFETY: only the first instructions of the program call this, with the stack as it was.
            unsafe { $crate::start(stack, $main) }
        }
    };
}

/// Runs the program and ends the process.
///
/// # Safety
///
/// `stack` is what the system left there: the number of arguments, and pointers to them.
pub unsafe fn start(stack: *const usize, main: Main) -> ! {
    // SAFETY: as promised by the caller.
    let line = unsafe {
        match *stack {
            0 | 1 => c"",
            _ => CStr::from_ptr(*stack.add(2) as *const c_char),
        }
    };
    let line = line.to_str().unwrap_or_default();
    let mut words = line.split_whitespace().map(String::from);
    let params =
        words
            .by_ref()
            .take_while(|word| word != "--")
            .map(|word| match word.split_once('=') {
                Some((name, value)) => (name.into(), value.into()),
                None => (word, String::new()),
            });
    let params = params.collect();
    system::exit(main(params, words.collect()))
}

impl hypercall::Clock for Platform {
    fn monotonic() -> u64 {
        system::time(system::CLOCK_MONOTONIC)
    }

    fn wall() -> u64 {
        system::time(system::CLOCK_REALTIME)
    }
}

impl hypercall::Console for Platform {
    fn write(text: Bytes<'_>) {
        system::write(text.as_slice());
    }
}

impl hypercall::Random for Platform {
    fn fill(mut buffer: BytesMut<'_>) {
        system::random(buffer.as_mut_slice());
    }

    fn stir(_seed: Bytes<'_>) {}
}

impl hypercall::Params for Platform {
    fn get(_name: Bytes<'_>, _value: BytesMut<'_>) -> i64 {
        -1
    }
}

impl hypercall::Power for Platform {
    fn halt(code: i32) -> ! {
        system::exit(code)
    }
}

impl hypercall::Fault for Platform {
    fn catch(run: Upcall) -> bool {
        run.call();
        false
    }

    fn panicking() -> bool {
        false
    }

    fn raise() -> ! {
        system::exit(101)
    }
}
