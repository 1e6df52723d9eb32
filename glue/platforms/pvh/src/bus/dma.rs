//! Memory for devices: any, since an address of the kernel's is one of the bus.

use core::alloc::Layout;

use crate::Platform;
use crate::memory::{PAGE, heap};

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), PAGE).ok()
}

impl hypercall::Dma for Platform {
    fn allocate(size: usize, device: &mut u64) -> usize {
        let address = layout(size).map_or(0, |layout| heap::allocate_zeroed(layout) as usize);
        *device = address as u64;
        address
    }

    fn release(address: usize, size: usize) {
        if let Some(layout) = layout(size) {
            // SAFETY: the contract: it is from `allocate`, of this size.
            unsafe { heap::release(address as *mut u8, layout) };
        }
    }

    fn share(address: usize, _size: usize) -> u64 {
        address as u64
    }

    fn unshare(_device: u64, _address: usize, _size: usize) {}
}
