//! Configuration from the host.

use crate::{Bytes, BytesMut, group};

group! {
    /// What the host says about how to configure the kernel.
    pub trait Params as params {
        /// Copies the value of the parameter `name` as far as it fits and returns its full length,
        /// or -1 if the host says nothing about it.
        fn get(name: Bytes<'_>, value: BytesMut<'_>) -> i64;
    }
}
