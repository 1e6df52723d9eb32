//! Memory that devices read and write.

use crate::group;

group! {
    /// Memory that devices read and write.
    pub trait Dma as dma {
        /// Memory of `size` bytes, zeroed, aligned to 4096, contiguous for devices: returns its address
        /// and puts what devices call it into `device`. Zero if there is none.
        fn allocate(size: usize, device: &mut u64) -> usize;
        /// Takes back what [`allocate`](Self::allocate) gave for the same `size`.
        fn release(address: usize, size: usize);
        /// Lets devices reach `size` bytes of the kernel's own memory at `address` until
        /// [`unshare`](Self::unshare), and returns what they call it; zero if they cannot. Memory that is
        /// shared again has the same name, and the sharing ends as often as it began.
        fn share(address: usize, size: usize) -> u64;
        /// Ends that. What a device wrote is there when this returns.
        fn unshare(device: u64, address: usize, size: usize);
    }
}
