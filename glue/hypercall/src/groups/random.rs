//! Randomness.

use crate::{BytesMut, group};

group! {
    /// Randomness fit for keys and sequence numbers.
    pub trait Random as random {
        /// Fills the buffer.
        fn fill(buffer: BytesMut<'_>);
    }
}
