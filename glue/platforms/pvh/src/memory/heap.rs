//! The heap: talc over all memory that is free.

use core::alloc::Layout;

use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;

use crate::Platform;
use crate::boot::start_info::Range;
use crate::lock::Lock;

static HEAP: Lock<Heap> = Lock::new(Heap {
    talc: Talc::new(Manual),
    total: 0,
});

struct Heap {
    talc: Talc<Manual, DefaultBinning>,
    /// How many bytes it was given.
    total: usize,
}

// SAFETY: what the allocator points to is its own, and it is reached under the lock.
unsafe impl Send for Heap {}

/// Gives the heap memory.
///
/// # Safety
///
/// The range is mapped, and nobody else uses it, ever.
pub(crate) unsafe fn add(range: Range) {
    let size = (range.end - range.start) as usize;
    let mut heap = HEAP.lock();
    // SAFETY: the caller's promise. A piece too small to be of use is left alone.
    if unsafe { heap.talc.claim(range.start as *mut u8, size) }.is_some() {
        heap.total += size;
    }
}

/// Memory of this layout, or null.
pub(crate) fn allocate(layout: Layout) -> *mut u8 {
    // SAFETY: the size is not zero: nobody allocates nothing.
    let found = unsafe { HEAP.lock().talc.allocate(layout) };
    found.map_or(core::ptr::null_mut(), |start| start.as_ptr())
}

/// Memory of this layout, zeroed, or null.
pub(crate) fn allocate_zeroed(layout: Layout) -> *mut u8 {
    let start = allocate(layout);
    if !start.is_null() {
        // SAFETY: the range is new.
        unsafe { start.write_bytes(0, layout.size()) };
    }
    start
}

/// Takes memory back.
///
/// # Safety
///
/// It is from [`allocate`], of the same layout, and nobody uses it any more.
pub(crate) unsafe fn release(start: *mut u8, layout: Layout) {
    // SAFETY: the caller's promise.
    unsafe { HEAP.lock().talc.deallocate(start, layout) };
}

fn layout(size: usize, align: usize) -> Layout {
    // SAFETY: the group's contract: the caller has both from a `Layout`.
    unsafe { Layout::from_size_align_unchecked(size, align) }
}

impl hypercall::Memory for Platform {
    fn allocate(size: usize, align: usize) -> usize {
        allocate(layout(size, align)) as usize
    }

    fn allocate_zeroed(size: usize, align: usize) -> usize {
        allocate_zeroed(layout(size, align)) as usize
    }

    fn release(address: usize, size: usize, align: usize) {
        // SAFETY: the group's contract.
        unsafe { release(address as *mut u8, layout(size, align)) }
    }

    fn total() -> usize {
        HEAP.lock().total
    }
}
