//! The argument of `fcntl`.

use core::ptr;

use base::Errno;
use syscall::{LockPlace, RangeLock};

/// `struct flock` of Linux's machines of 64 bits.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawFlock {
    l_type: i16,
    l_whence: i16,
    l_start: i64,
    l_len: i64,
    l_pid: i32,
}

/// Decoder of it: a number, or an address if the command is about a lock.
pub struct FcntlArg(isize);

impl FcntlArg {
    /// # Safety
    ///
    /// If the command takes a lock, `value` is null or, until the call ends, the address of a `struct flock`.
    pub unsafe fn new(value: isize) -> Self {
        FcntlArg(value)
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::FcntlArg<'_> {
        syscall::FcntlArg::either(self.0 as i64, self)
    }

    /// Nothing is left to be copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }

    fn place(&self) -> Result<*mut RawFlock, Errno> {
        match self.0 {
            0 => Err(Errno::EFAULT),
            address => Ok(ptr::with_exposed_provenance_mut(address as usize)),
        }
    }
}

impl LockPlace for FcntlArg {
    fn get(&self) -> Result<RangeLock, Errno> {
        // SAFETY: the contract of `new`; only commands about locks ask.
        let raw = unsafe { self.place()?.read_unaligned() };
        Ok(RangeLock {
            kind: raw.l_type,
            whence: raw.l_whence,
            start: raw.l_start,
            len: raw.l_len,
            process: raw.l_pid,
        })
    }

    fn put(&mut self, lock: &RangeLock) -> Result<(), Errno> {
        let raw = RawFlock {
            l_type: lock.kind,
            l_whence: lock.whence,
            l_start: lock.start,
            l_len: lock.len,
            l_pid: lock.process,
        };
        // SAFETY: as above.
        unsafe { self.place()?.write_unaligned(raw) };
        Ok(())
    }
}
