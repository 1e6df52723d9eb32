//! Memory for the crate's queues, from the group `dma`. It keeps no state.
// The crate's interface to memory is raw.
#![allow(unsafe_code)]

use core::ptr::NonNull;

use hypercall::dma;
use virtio_drivers::{BufferDirection, PAGE_SIZE, PhysAddr};

/// The group `dma`, as the crate wants it.
#[derive(Debug)]
pub(crate) struct Hal;

// SAFETY: `dma::allocate` gives memory that is the caller's alone until it is released, zeroed and
// aligned to 4096, which is the crate's page; what is shared stays where it is.
unsafe impl virtio_drivers::Hal for Hal {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let mut device = 0;
        let address = dma::allocate(pages * PAGE_SIZE, &mut device);
        match NonNull::new(address as *mut u8) {
            Some(start) => (device, start),
            // Zero says that there is none.
            None => (0, NonNull::dangling()),
        }
    }

    unsafe fn dma_dealloc(_: PhysAddr, start: NonNull<u8>, pages: usize) -> i32 {
        dma::release(start.as_ptr() as usize, pages * PAGE_SIZE);
        0
    }

    /// Only the crate's own transport for PCI asks, which is not used.
    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        NonNull::dangling()
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        dma::share(buffer.cast::<u8>().as_ptr() as usize, buffer.len())
    }

    unsafe fn unshare(device: PhysAddr, buffer: NonNull<[u8]>, _: BufferDirection) {
        dma::unshare(device, buffer.cast::<u8>().as_ptr() as usize, buffer.len());
    }
}
