//! Pages that are there before they are touched.

use crate::Platform;

/// Bytes of the system's smallest pages. Where they are larger, the system refuses what is no multiple of them, and
/// nothing is lost.
const PAGE: usize = 4096;

impl hypercall::Paging for Platform {
    fn prefault(address: usize, len: usize) {
        let start = address.next_multiple_of(PAGE);
        let end = (address + len) / PAGE * PAGE;
        if start < end {
            // SAFETY: the range is the caller's memory, and its contents stay. A system that knows no such advice
            // (before Linux 5.14), or has no memory left, says so; then touching the pages does what it always did.
            unsafe {
                libc::madvise(
                    core::ptr::with_exposed_provenance_mut(start),
                    end - start,
                    libc::MADV_POPULATE_WRITE,
                );
            }
        }
    }
}
