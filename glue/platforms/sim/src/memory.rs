//! Memory, the host program's.
// The allocator has no safe form.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};

use crate::Platform;

impl hypercall::Memory for Platform {
    fn allocate(size: usize, align: usize) -> usize {
        // SAFETY: the group's contract: `size` is not zero, `align` is a power of two, and the caller
        // has them from a `Layout`.
        unsafe { System.alloc(Layout::from_size_align_unchecked(size, align)) as usize }
    }

    fn allocate_zeroed(size: usize, align: usize) -> usize {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(Layout::from_size_align_unchecked(size, align)) as usize }
    }

    fn release(address: usize, size: usize, align: usize) {
        // SAFETY: as above; the address came from `allocate` with the same layout.
        unsafe {
            System.dealloc(
                address as *mut u8,
                Layout::from_size_align_unchecked(size, align),
            );
        }
    }

    fn total() -> usize {
        usize::MAX
    }
}
