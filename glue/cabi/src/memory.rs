//! Bytes of the caller, in one place or scattered.

use alloc::vec::Vec;
use core::slice;

use base::Errno;
use syscall::Local;

/// More is not transferred in one call, as on Linux (`MAX_RW_COUNT`).
const MOST: usize = 0x7fff_f000;
/// The most places one call may name.
const MOST_PLACES: usize = 1024;
/// Places that are held without allocating.
const FEW: usize = 8;

/// The memory of the C program.
// SAFETY: it is only used with what decoders were made from, and each decoder's contract is that the
// memory is good until the call ends.
static MEMORY: Local = unsafe { Local::new() };

/// `len` bytes that the call reads.
pub(crate) fn user_in<'a>(start: *const u8, len: usize) -> syscall::UserIn<'a> {
    syscall::UserIn::new(&MEMORY, start.expose_provenance(), len.min(MOST))
}

/// `len` bytes that the call reads, at an address that the program wrote down.
pub(crate) fn user_in_at<'a>(address: usize, len: usize) -> syscall::UserIn<'a> {
    syscall::UserIn::new(&MEMORY, address, len)
}

/// `len` bytes that the call writes.
pub(crate) fn user_out<'a>(start: *mut u8, len: usize) -> syscall::UserOut<'a> {
    syscall::UserOut::new(&MEMORY, start.expose_provenance(), len.min(MOST))
}

macro_rules! user {
    ($(#[$doc:meta])* $Name:ident, $ptr:ty, $make:ident) => {
        $(#[$doc])*
        pub struct $Name($ptr, usize);

        impl $Name {
            /// # Safety
            ///
            /// The bytes are null or good, until the call ends, for what it does with them.
            #[inline(always)]
            pub unsafe fn new(start: $ptr, len: usize) -> Self {
                $Name(start, len)
            }

            /// The argument.
            #[inline(always)]
            pub fn arg(&mut self) -> syscall::$Name<'_> {
                $make(self.0, self.1)
            }

            /// Nothing is left to be copied out.
            #[inline(always)]
            pub fn finish(self) -> Result<(), Errno> {
                Ok(())
            }
        }
    };
}

user!(
    /// Decoder of bytes that the call reads.
    UserIn, *const u8, user_in
);
user!(
    /// Decoder of bytes that the call writes.
    UserOut, *mut u8, user_out
);

/// `struct iovec`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawIovec {
    pub iov_base: *mut u8,
    pub iov_len: usize,
}

/// The places a call names: `(address, length)`, each.
pub(crate) struct Places {
    few: [(usize, usize); FEW],
    many: Vec<(usize, usize)>,
    count: usize,
}

impl Places {
    /// Reads `count` places; `too_many` if those are more than a call may name.
    ///
    /// # Safety
    ///
    /// `places` is null or good for reading so many.
    pub(crate) unsafe fn read(
        places: *const RawIovec,
        count: usize,
        too_many: Errno,
    ) -> Result<Places, Errno> {
        if count > MOST_PLACES {
            return Err(too_many);
        }
        let mut read = Places {
            few: [(0, 0); FEW],
            many: Vec::new(),
            count,
        };
        if count == 0 {
            return Ok(read);
        }
        if places.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the caller's word. C aligns the array.
        let places = unsafe { slice::from_raw_parts(places, count) };
        let range = |place: &RawIovec| (place.iov_base.expose_provenance(), place.iov_len);
        if count <= FEW {
            for (to, from) in read.few.iter_mut().zip(places) {
                *to = range(from);
            }
        } else {
            read.many.extend(places.iter().map(range));
        }
        Ok(read)
    }

    fn ranges(&self) -> &[(usize, usize)] {
        if self.count <= FEW {
            &self.few[..self.count]
        } else {
            &self.many
        }
    }

    pub(crate) fn iov_in(places: &Result<Places, Errno>) -> syscall::IovIn<'_> {
        let ranges = places.as_ref().map(Places::ranges);
        syscall::IovIn::new(&MEMORY, ranges.map_err(|error| *error))
    }

    pub(crate) fn iov_out(places: &Result<Places, Errno>) -> syscall::IovOut<'_> {
        let ranges = places.as_ref().map(Places::ranges);
        syscall::IovOut::new(&MEMORY, ranges.map_err(|error| *error))
    }
}

macro_rules! iov {
    ($(#[$doc:meta])* $Name:ident, $make:ident) => {
        $(#[$doc])*
        pub struct $Name(Result<Places, Errno>);

        impl $Name {
            /// # Safety
            ///
            /// `places` is null or good for reading so many, and each is good, until the call ends,
            /// for what it does with them.
            pub unsafe fn new(places: *const RawIovec, count: i32) -> Self {
                // A negative count is too large a one.
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                // SAFETY: the caller's word.
                $Name(unsafe { Places::read(places, count, Errno::EINVAL) })
            }

            /// The argument.
            pub fn arg(&mut self) -> syscall::$Name<'_> {
                Places::$make(&self.0)
            }

            /// Nothing is left to be copied out.
            pub fn finish(self) -> Result<(), Errno> {
                Ok(())
            }
        }
    };
}

iov!(
    /// Decoder of places that the call reads.
    IovIn, iov_in
);
iov!(
    /// Decoder of places that the call writes.
    IovOut, iov_out
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_places() {
        for count in [0, 1, FEW, FEW + 1, MOST_PLACES] {
            let mut bytes: Vec<u8> = (0..count).map(|i| i as u8).collect();
            let places: Vec<_> = bytes
                .iter_mut()
                .map(|byte| RawIovec {
                    iov_base: byte,
                    iov_len: 1,
                })
                .collect();
            // SAFETY: the places are bytes of a vector that outlives the decoder.
            let mut decoder = unsafe { IovIn::new(places.as_ptr(), count as i32) };
            let mut taken = alloc::vec![0; count + 1];
            assert_eq!(decoder.arg().uio().unwrap().take(&mut taken), Ok(count));
            assert_eq!(taken[..count], bytes);
        }
    }

    #[test]
    fn bad_places() {
        let check = |places, count| {
            // SAFETY: null and counts that are refused are not read.
            unsafe { IovIn::new(places, count) }.arg().uio().err()
        };
        let one = [RawIovec {
            iov_base: core::ptr::null_mut(),
            iov_len: 1,
        }];
        assert_eq!(check(core::ptr::null(), 1), Some(Errno::EFAULT));
        assert_eq!(check(core::ptr::null(), 0), None);
        assert_eq!(check(one.as_ptr(), -1), Some(Errno::EINVAL));
        assert_eq!(check(one.as_ptr(), 1025), Some(Errno::EINVAL));
    }
}
