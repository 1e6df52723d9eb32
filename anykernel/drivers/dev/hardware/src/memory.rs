//! Memory that a device and its driver have in common, such as rings of descriptors.
//!
//! The device may write at any time, so there is no reference into it: it is read and written value by
//! value, or copied. Memory that a device has for a time only is the business of whoever lends it.
// Raw memory has no safe form.
#![allow(unsafe_code)]

use core::sync::atomic::{self, Ordering};

use base::Errno;
use hypercall::dma;

/// Memory of its own, zeroed, contiguous for devices. It is given back when it drops: the driver has
/// stopped the device by then.
pub struct Memory {
    address: usize,
    device: u64,
    size: usize,
}

/// Puts what was written to memory before in front of what is written or read after, for devices too.
#[inline]
pub fn fence() {
    atomic::fence(Ordering::SeqCst);
}

macro_rules! access {
    ($read:ident, $write:ident, $T:ty) => {
        /// Reads a number at an aligned offset, little-endian as devices have it.
        ///
        /// # Panics
        ///
        /// If the offset is not inside, or not aligned.
        #[inline]
        pub fn $read(&self, offset: usize) -> $T {
            let place = self.place(offset, size_of::<$T>());
            // SAFETY: inside, aligned, and read in one piece however the device writes.
            <$T>::from_le(unsafe { (place as *const $T).read_volatile() })
        }

        /// Writes a number at an aligned offset, little-endian as devices have it.
        ///
        /// # Panics
        ///
        /// If the offset is not inside, or not aligned.
        #[inline]
        pub fn $write(&self, offset: usize, value: $T) {
            let place = self.place(offset, size_of::<$T>());
            // SAFETY: as above; nothing borrows this memory.
            unsafe { (place as *mut $T).write_volatile(value.to_le()) }
        }
    };
}

impl Memory {
    /// `size` bytes, zeroed. `ENOMEM` if there are none.
    pub fn new(size: usize) -> Result<Self, Errno> {
        let mut device = 0;
        match dma::allocate(size, &mut device) {
            0 => Err(Errno::ENOMEM),
            address => Ok(Memory {
                address,
                device,
                size,
            }),
        }
    }

    /// What devices call its first byte.
    pub fn device_address(&self) -> u64 {
        self.device
    }

    #[inline]
    fn place(&self, offset: usize, len: usize) -> usize {
        let end = offset.checked_add(len);
        assert!(
            end.is_some_and(|end| end <= self.size) && offset.is_multiple_of(len),
            "{len} bytes at {offset} of {} for a device",
            self.size
        );
        self.address + offset
    }

    access!(read16, write16, u16);
    access!(read32, write32, u32);
    access!(read64, write64, u64);

    /// Copies bytes out.
    ///
    /// # Panics
    ///
    /// If they are not inside.
    #[inline]
    pub fn copy_to(&self, offset: usize, bytes: &mut [u8]) {
        assert!(offset <= self.size && bytes.len() <= self.size - offset);
        let from = (self.address + offset) as *const u8;
        // SAFETY: inside; bytes that the device changes meanwhile have the one value or the other.
        unsafe { core::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) }
    }

    /// Copies bytes in.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    #[inline]
    pub fn copy_from(&self, offset: usize, bytes: &[u8]) {
        assert!(offset <= self.size && bytes.len() <= self.size - offset);
        let to = (self.address + offset) as *mut u8;
        // SAFETY: inside, and nothing borrows this memory.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        dma::release(self.address, self.size);
    }
}
