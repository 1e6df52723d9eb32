//! A place for two descriptors.

use base::Errno;
use syscall::NewFd;

/// Decoder of a place for two new descriptors, `int[2]`.
pub struct FdPair {
    place: *mut i32,
    pair: [NewFd; 2],
}

impl FdPair {
    /// # Safety
    ///
    /// `place` is null or good for writing two `int`s.
    pub unsafe fn new(place: *mut i32) -> Self {
        FdPair {
            place,
            pair: [NewFd(-1); 2],
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::FdPair<'_> {
        syscall::FdPair::new((!self.place.is_null()).then_some(&mut self.pair))
    }

    /// Copies them out.
    pub fn finish(self) -> Result<(), Errno> {
        // SAFETY: the contract of `new`; a null pointer made the call fail.
        unsafe {
            self.place
                .cast::<[i32; 2]>()
                .write_unaligned(self.pair.map(|fd| fd.0))
        };
        Ok(())
    }
}
