//! The end of the machine.

use crate::group;

group! {
    /// The end of the machine.
    pub trait Power as power {
        /// Ends the execution of everything that is linked together, with an exit code.
        fn halt(code: i32) -> !;
    }
}
