//! The frame of a call: into the kernel on behalf of the thread's process, and out with C's
//! conventions.

use base::{Errno, Lwp};
use syscall::{Address, NewFd};

use crate::lwp;

/// What a system call returns, and what C makes of it.
pub trait CResult {
    /// The C type.
    type C;
    /// The value of success.
    fn to_c(self) -> Self::C;
    /// The value of failure, -1.
    fn failure() -> Self::C;
}

macro_rules! c_result {
    ($($Rust:ty => $C:ty, $value:pat => $c:expr;)*) => { $(
        impl CResult for $Rust {
            type C = $C;
            #[inline(always)]
            fn to_c(self) -> $C {
                let $value = self;
                $c
            }
            #[inline(always)]
            fn failure() -> $C {
                -1
            }
        }
    )* };
}

/// An address, or `MAP_FAILED`.
impl CResult for Address {
    type C = usize;

    #[inline(always)]
    fn to_c(self) -> usize {
        self.0
    }

    #[inline(always)]
    fn failure() -> usize {
        usize::MAX
    }
}

c_result! {
    () => i32, () => 0;
    i32 => i32, value => value;
    u32 => i32, value => value as i32;
    i64 => i64, value => value;
    usize => isize, value => value as isize;
    NewFd => i32, NewFd(fd) => fd;
}

/// A system call: the result, or -1 with `errno` set.
#[inline]
pub fn syscall<T: CResult>(call: impl FnOnce(&Lwp<'_>) -> Result<T, Errno>) -> T::C {
    match lwp::inside(call) {
        Ok(value) => value.to_c(),
        Err(error) => {
            set_errno(error);
            T::failure()
        }
    }
}

/// A public call of a component: zero or the error number.
#[inline]
pub fn public(call: impl FnOnce(&Lwp<'_>) -> Result<(), Errno>) -> i32 {
    match lwp::inside(call) {
        Ok(()) => 0,
        Err(error) => error.number(),
    }
}

/// Stores what a public call yields, besides its error number, where C wants it; nowhere if that is null.
///
/// # Safety
///
/// `place` is null or good for writing.
#[inline]
pub unsafe fn yielded<T: CResult>(place: *mut T::C, value: T) {
    if !place.is_null() {
        // SAFETY: this function's contract.
        unsafe { place.write(value.to_c()) };
    }
}

#[cold]
pub(crate) fn set_errno(error: Errno) {
    hypercall::tls::set_errno(error.number());
}
