//! Socket options and `ioctl`.

use core::mem::size_of;

use base::Errno;
use syscall::UioIn;

use crate::memory::{user_in, user_in_at, user_out};

/// Decoder of an option's value.
pub struct OptIn(*const u8, u32);

impl OptIn {
    /// # Safety
    ///
    /// `value` is null or good for reading `len` bytes until the call ends; and of an option whose value has a pointer,
    /// so is what that points at.
    pub unsafe fn new(value: *const u8, len: u32) -> Self {
        OptIn(value, len)
    }

    /// The argument. A length with the sign bit is a negative one to Linux.
    pub fn arg(&mut self) -> syscall::OptIn<'_> {
        let len = i32::try_from(self.1).map_err(|_| Errno::EINVAL);
        syscall::OptIn::new(len.map(|len| user_in(self.0, len as usize))).by_pointer(follow)
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// `struct sock_fprog`, the only value there is with a pointer.
#[repr(C)]
struct RawSockFprog {
    len: u16,
    filter: usize,
}

/// Bytes of a `struct sock_filter`.
const SOCK_FILTER: usize = 8;

/// Finds the instructions that a `struct sock_fprog` points at.
fn follow(value: syscall::UserIn<'_>) -> Result<syscall::UserIn<'_>, Errno> {
    let mut bytes = [0; size_of::<RawSockFprog>()];
    // Linux reads an `int` of every value first.
    if value.len() < size_of::<i32>() {
        return Err(Errno::EINVAL);
    }
    UioIn::from(value).take(&mut bytes)?;
    if value.len() != bytes.len() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: as many bytes as it has, for which any bits are good.
    let fprog: RawSockFprog = unsafe { core::mem::transmute(bytes) };
    let count = if fprog.filter == 0 { 0 } else { fprog.len };
    Ok(user_in_at(fprog.filter, usize::from(count) * SOCK_FILTER))
}

/// Decoder of a place for an option's value.
pub struct OptOut {
    value: *mut u8,
    len: *mut u32,
    written: usize,
}

impl OptOut {
    /// # Safety
    ///
    /// `len` is null or good for reading and writing, and `value` null or good for writing as many
    /// bytes as it points at until the call ends.
    pub unsafe fn new(value: *mut u8, len: *mut u32) -> Self {
        OptOut {
            value,
            len,
            written: 0,
        }
    }

    fn room(&self) -> Result<usize, Errno> {
        if self.len.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the contract of `new`.
        let room = unsafe { self.len.read_unaligned() };
        let room = i32::try_from(room).map_err(|_| Errno::EINVAL)?;
        Ok(room as usize)
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::OptOut<'_> {
        let place = self.room().map(|room| user_out(self.value, room));
        syscall::OptOut::new(place, &mut self.written)
    }

    /// Copies out how long the value is.
    pub fn finish(self) -> Result<(), Errno> {
        // SAFETY: the contract of `new`; a null pointer made the call fail.
        unsafe { self.len.write_unaligned(self.written as u32) };
        Ok(())
    }
}

/// Decoder of an `ioctl`.
pub struct IoctlArg(u64, *mut u8);

impl IoctlArg {
    /// # Safety
    ///
    /// `data` is, until the call ends, good for what `request` says.
    pub unsafe fn new(request: u64, data: *mut u8) -> Self {
        IoctlArg(request, data)
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::IoctlArg<'_> {
        syscall::IoctlArg::new(self.0, user_in(self.1, 0), user_out(self.1, 0))
    }

    /// Nothing is left to be copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_s_value_is_cut_to_the_room() {
        let (mut value, mut len) = ([0u8; 4], 2u32);
        // SAFETY: the room is larger than `len` says.
        let mut decoder = unsafe { OptOut::new(value.as_mut_ptr(), &mut len) };
        assert_eq!(decoder.arg().put(&[1, 2, 3, 4]), Ok(()));
        assert_eq!(decoder.finish(), Ok(()));
        assert_eq!((value, len), ([1, 2, 0, 0], 2));
    }

    #[test]
    fn bad_lengths() {
        let mut len = u32::MAX;
        let check = |len| {
            // SAFETY: nothing is written where there is no good length.
            let mut decoder = unsafe { OptOut::new(core::ptr::null_mut(), len) };
            decoder.arg().check()
        };
        assert_eq!(check(&mut len), Err(Errno::EINVAL));
        assert_eq!(check(core::ptr::null_mut()), Err(Errno::EFAULT));
        // SAFETY: nothing is read where there is no good length.
        let mut decoder = unsafe { OptIn::new(core::ptr::null(), len) };
        assert_eq!(decoder.arg().bytes(), Err(Errno::EINVAL));
    }
}
