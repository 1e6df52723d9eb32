//! Memory: one piece, given from its start to its end.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::Platform;

/// How much there is, in bytes. What is not touched costs nothing.
const SIZE: usize = 64 << 20;

struct Arena(UnsafeCell<[u8; SIZE]>);

// SAFETY: bytes are given out once, through `NEXT`.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl hypercall::Memory for Platform {
    fn allocate(size: usize, align: usize) -> usize {
        let start = ARENA.0.get() as usize;
        let mut given = 0;
        let next = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            given = (start + used).checked_next_multiple_of(align)?;
            let end = given.checked_add(size)? - start;
            (end <= SIZE).then_some(end)
        });
        next.map_or(0, |_| given)
    }

    fn allocate_zeroed(size: usize, align: usize) -> usize {
        // Nothing is given twice.
        Self::allocate(size, align)
    }

    fn release(_address: usize, _size: usize, _align: usize) {}

    fn total() -> usize {
        SIZE
    }
}
