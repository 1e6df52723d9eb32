//! The end of the process.

use crate::Platform;

impl hypercall::Power for Platform {
    fn halt(code: i32) -> ! {
        std::process::exit(code)
    }
}
