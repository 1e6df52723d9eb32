//! Memory.

use core::alloc::{GlobalAlloc, Layout};

use crate::group;

group! {
    /// Memory, the whole of it: the kernel has no other source.
    pub trait Memory as memory {
        /// An address of `size` bytes (not zero) aligned to `align` (a power of two); zero if there is none.
        fn allocate(size: usize, align: usize) -> usize;
        /// As [`allocate`](Self::allocate), and every byte reads as zero. A host that has such memory
        /// at hand does not touch it: large buffers cost nothing before they are used.
        fn allocate_zeroed(size: usize, align: usize) -> usize;
        /// Takes back what [`allocate`](Self::allocate) gave for the same `size` and `align`.
        fn release(address: usize, size: usize, align: usize);
        /// How many bytes there are, given out or not; all ones where the host knows of no end.
        fn total() -> usize;
    }
}

/// Rust's allocator over the group. Generated artifacts name it as their global allocator.
pub struct Allocator;

// SAFETY: the group's contract is that of `GlobalAlloc`, without its null pointer conventions.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocate(layout.size(), layout.align()) as *mut u8
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocate_zeroed(layout.size(), layout.align()) as *mut u8
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        release(start as usize, layout.size(), layout.align());
    }
}
