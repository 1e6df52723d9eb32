//! Memory that is there when it is needed.

use crate::group;

group! {
    /// Memory of a host that gives it out when it is first touched.
    pub trait Paging as paging {
        /// Says that `len` bytes at `address`, from [`memory`](crate::memory), are about to be written: the host may
        /// have all of them there at once, in place of a page with each fault. What they hold stays as it is.
        fn prefault(address: usize, len: usize);
    }
}
