//! Numbers, strings and times.

use core::ffi::CStr;

use base::Errno;

/// Decoder of a string: `EFAULT` for null, `EINVAL` for what is no UTF-8.
pub struct Str<'a>(Result<&'a str, Errno>);

impl Str<'_> {
    /// # Safety
    ///
    /// `text` is null or a string that is not changed until the call ends.
    pub unsafe fn new(text: *const u8) -> Self {
        if text.is_null() {
            return Str(Err(Errno::EFAULT));
        }
        // SAFETY: the caller's word.
        let text = unsafe { CStr::from_ptr(text.cast()) };
        Str(text.to_str().map_err(|_| Errno::EINVAL))
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::Str<'_> {
        syscall::Str::new(self.0)
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// `struct timespec`. Both are `long`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawTimespec {
    pub tv_sec: isize,
    pub tv_nsec: isize,
}

/// Decoder of `struct timespec`; null means that there is none.
pub struct Timespec(syscall::Timespec);

impl Timespec {
    /// # Safety
    ///
    /// `time` is null or good for reading.
    pub unsafe fn new(time: *const RawTimespec) -> Self {
        if time.is_null() {
            return Timespec(syscall::Timespec::new(Ok(None)));
        }
        // SAFETY: the caller's word.
        let time = unsafe { time.read_unaligned() };
        Timespec(syscall::Timespec::decode(
            time.tv_sec as i64,
            time.tv_nsec as i64,
        ))
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::Timespec {
        self.0
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// Decoder of a signal mask, which is not looked at.
pub struct SigMask;

impl SigMask {
    /// # Safety
    ///
    /// None is needed; all decoders are made alike.
    pub unsafe fn new(_mask: *const u8) -> Self {
        SigMask
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::SigMask {
        syscall::SigMask
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}
