//! Randomness.

use crate::{Bytes, BytesMut, group};

group! {
    /// Randomness fit for keys and sequence numbers.
    pub trait Random as random {
        /// Fills the buffer.
        fn fill(buffer: BytesMut<'_>);
        /// Mixes in what a device of the kernel's own has: on some machines there is no other source. A
        /// host that needs no help does nothing.
        fn stir(seed: Bytes<'_>);
    }
}
