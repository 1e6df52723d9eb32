//! Memory: which there is, how it is mapped, and who has it.
//!
//! All of it is mapped where it is, so that an address of the kernel's is one of the bus.

pub(crate) mod free;
pub(crate) mod heap;
pub(crate) mod image;
pub(crate) mod paging;

/// The size of the smallest page, in bytes.
pub(crate) const PAGE: usize = 4096;
