//! Time.

use crate::group;

group! {
    /// Time.
    pub trait Clock as clock {
        /// Nanoseconds since some start; never goes back.
        fn monotonic() -> u64;
        /// Nanoseconds since 1970-01-01T00:00Z, without leap seconds; may be set back.
        fn wall() -> u64;
    }
}
