//! State of C callers.

use crate::group;

group! {
    /// What a C program keeps per thread. Nobody but the C interface needs it.
    pub trait Tls as tls {
        /// The calling thread's word; zero at first.
        fn word() -> usize;
        /// Sets the calling thread's word.
        fn set_word(word: usize);
        /// Sets C's `errno`.
        fn set_errno(number: i32);
    }
}
