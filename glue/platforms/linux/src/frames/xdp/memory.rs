//! Memory mapped for the system and us: the places that frames are in, and what rings are in.

use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::{self, NonNull};

use hypercall::Errno;

/// Bytes of a place, which a frame fits into.
pub(super) const CHUNK: usize = 4096;
/// Places for what arrives, and as many for what leaves.
pub(super) const CHUNKS: usize = 1024;

/// A range of addresses that is mapped, and no more when dropped.
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: it is memory like any other, of which its owner says who may use what.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps memory of a socket's, or new memory.
    pub(super) fn new(len: usize, of: Option<(&OwnedFd, libc::off_t)>) -> Result<Mapping, Errno> {
        let (flags, fd, offset) = match of {
            Some((socket, offset)) => (libc::MAP_SHARED, socket.as_raw_fd(), offset),
            None => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0),
        };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = flags | libc::MAP_POPULATE;
        // SAFETY: a new range of addresses, which nobody has yet.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(Errno::from_number(crate::last_errno()));
        }
        let start = NonNull::new(start.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Mapping { start, len })
    }

    /// The address of a byte of it.
    ///
    /// # Panics
    ///
    /// If it is not in it.
    pub(super) fn at(&self, offset: usize) -> NonNull<u8> {
        assert!(offset < self.len);
        // SAFETY: in the range.
        unsafe { self.start.add(offset) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and whoever borrowed from it is gone.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// The places of a socket.
pub(super) struct Memory(Mapping);

impl Memory {
    const LEN: usize = 2 * CHUNKS * CHUNK;

    pub(super) fn new() -> Result<Memory, Errno> {
        Mapping::new(Self::LEN, None).map(Memory)
    }

    pub(super) fn address(&self) -> u64 {
        self.0.at(0).as_ptr().expose_provenance() as u64
    }

    pub(super) fn len(&self) -> usize {
        Self::LEN
    }

    /// Where the places are: for what leaves, and for what arrives.
    pub(super) fn chunks(&self) -> (impl Iterator<Item = u64>, impl Iterator<Item = u64>) {
        let place = |number: usize| (number * CHUNK) as u64;
        ((0..CHUNKS).map(place), (CHUNKS..2 * CHUNKS).map(place))
    }

    /// Where the place begins that a frame is in.
    pub(super) fn chunk_of(address: u64) -> u64 {
        address & !(CHUNK as u64 - 1)
    }

    /// A frame in its place; nothing, if it is in none.
    ///
    /// # Safety
    ///
    /// The place is ours as long as the frame is used.
    pub(super) unsafe fn get(&self, address: u64, len: u32) -> &[u8] {
        let (address, len) = (address as usize, len as usize);
        match address.checked_add(len) {
            Some(end) if end <= Self::LEN && address < end => {
                // SAFETY: in the range, and nobody else's, says the caller.
                unsafe { std::slice::from_raw_parts(self.0.at(address).as_ptr(), len) }
            }
            _ => &[],
        }
    }

    /// Puts a frame into a place.
    ///
    /// # Safety
    ///
    /// The place is one of [`chunks`](Self::chunks), and ours.
    pub(super) unsafe fn put(&self, place: u64, frame: &[u8]) {
        let len = frame.len().min(CHUNK);
        // SAFETY: a whole place is there from its beginning on, and nobody else's, says the caller.
        unsafe {
            ptr::copy_nonoverlapping(frame.as_ptr(), self.0.at(place as usize).as_ptr(), len)
        };
    }
}
