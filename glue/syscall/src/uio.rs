//! A transfer between the kernel and scattered memory of a caller: where it is, how far it got.

use crate::{Errno, UserIn, UserMem, UserOut};

/// The most ranges one call may name (Linux's `UIO_MAXIOV`).
const MAX_RANGES: usize = 1024;

#[derive(Clone, Copy)]
enum Ranges<'a> {
    One((usize, usize)),
    Many(&'a [(usize, usize)]),
}

impl Ranges<'_> {
    fn get(&self, index: usize) -> Option<(usize, usize)> {
        match self {
            Ranges::One(range) => (index == 0).then_some(*range),
            Ranges::Many(ranges) => ranges.get(index).copied(),
        }
    }
}

#[derive(Clone, Copy)]
struct Cursor<'a> {
    mem: &'a dyn UserMem,
    ranges: Ranges<'a>,
    index: usize,
    offset: usize,
    remaining: usize,
}

impl<'a> Cursor<'a> {
    fn one(mem: &'a dyn UserMem, address: usize, len: usize) -> Self {
        Cursor {
            mem,
            ranges: Ranges::One((address, len)),
            index: 0,
            offset: 0,
            remaining: len,
        }
    }

    fn many(mem: &'a dyn UserMem, ranges: &'a [(usize, usize)]) -> Result<Self, Errno> {
        if ranges.len() > MAX_RANGES {
            return Err(Errno::EINVAL);
        }
        let mut remaining = 0usize;
        for (_, len) in ranges {
            remaining = remaining
                .checked_add(*len)
                .filter(|sum| *sum <= isize::MAX as usize)
                .ok_or(Errno::EINVAL)?;
        }
        Ok(Cursor {
            mem,
            ranges: Ranges::Many(ranges),
            index: 0,
            offset: 0,
            remaining,
        })
    }

    fn has_begun(&self) -> bool {
        self.index > 0 || self.offset > 0
    }

    /// Walks over at most `limit` bytes, a contiguous piece at a time, and advances over what `copy` took.
    #[inline]
    fn walk(
        &mut self,
        limit: usize,
        mut copy: impl FnMut(&dyn UserMem, usize, core::ops::Range<usize>) -> Result<(), Errno>,
    ) -> Result<usize, Errno> {
        let limit = limit.min(self.remaining);
        let mut done = 0;
        while done < limit {
            let Some((address, len)) = self.ranges.get(self.index) else {
                break;
            };
            let piece = (len - self.offset).min(limit - done);
            copy(
                self.mem,
                address.wrapping_add(self.offset),
                done..done + piece,
            )?;
            done += piece;
            self.offset += piece;
            self.remaining -= piece;
            if self.offset == len {
                self.index += 1;
                self.offset = 0;
            }
        }
        Ok(done)
    }
}

/// Data on its way from a caller into the kernel. A copy of it is a place to come back to.
#[derive(Clone, Copy)]
pub struct UioIn<'a>(Cursor<'a>);

/// Data on its way from the kernel to a caller.
#[derive(Clone, Copy)]
pub struct UioOut<'a>(Cursor<'a>);

impl UioIn<'_> {
    /// Whether some of it was taken before.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.0.has_begun()
    }

    /// Bytes not yet taken.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.0.remaining
    }

    /// Takes as many bytes as there are, up to `to.len()`, and returns how many.
    #[inline]
    pub fn take(&mut self, to: &mut [u8]) -> Result<usize, Errno> {
        self.0.walk(to.len(), |mem, address, part| {
            mem.copy_in(address, &mut to[part])
        })
    }
}

impl UioOut<'_> {
    /// Whether some of it was given before.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.0.has_begun()
    }

    /// Bytes there is still room for.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.0.remaining
    }

    /// Gives as many bytes of `from` as there is room for, and returns how many.
    #[inline]
    pub fn put(&mut self, from: &[u8]) -> Result<usize, Errno> {
        self.0.walk(from.len(), |mem, address, part| {
            mem.copy_out(address, &from[part])
        })
    }
}

impl<'a> From<UserIn<'a>> for UioIn<'a> {
    fn from(user: UserIn<'a>) -> Self {
        UioIn(Cursor::one(user.mem, user.address, user.len))
    }
}

impl<'a> From<UserOut<'a>> for UioOut<'a> {
    fn from(user: UserOut<'a>) -> Self {
        UioOut(Cursor::one(user.mem, user.address, user.len))
    }
}

/// Ranges the call reads, as `writev` has them.
#[derive(Clone, Copy)]
pub struct IovIn<'a>(Result<UioIn<'a>, Errno>);

/// Ranges the call writes, as `readv` has them.
#[derive(Clone, Copy)]
pub struct IovOut<'a>(Result<UioOut<'a>, Errno>);

impl<'a> IovIn<'a> {
    /// Ranges `(address, length)` of `mem`, or why there are none.
    pub fn new(mem: &'a dyn UserMem, ranges: Result<&'a [(usize, usize)], Errno>) -> Self {
        IovIn(ranges.and_then(|r| Cursor::many(mem, r)).map(UioIn))
    }

    /// The transfer.
    pub fn uio(&self) -> Result<UioIn<'a>, Errno> {
        self.0
    }
}

impl<'a> IovOut<'a> {
    /// Ranges `(address, length)` of `mem`, or why there are none.
    pub fn new(mem: &'a dyn UserMem, ranges: Result<&'a [(usize, usize)], Errno>) -> Self {
        IovOut(ranges.and_then(|r| Cursor::many(mem, r)).map(UioOut))
    }

    /// The transfer.
    pub fn uio(&self) -> Result<UioOut<'a>, Errno> {
        self.0
    }
}

impl<'a> From<UioIn<'a>> for IovIn<'a> {
    fn from(uio: UioIn<'a>) -> Self {
        IovIn(Ok(uio))
    }
}

impl<'a> From<UioOut<'a>> for IovOut<'a> {
    fn from(uio: UioOut<'a>) -> Self {
        IovOut(Ok(uio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_over_scattered_ranges_and_remembers_where_it_was() {
        let (a, b) = (*b"hel", *b"lo world");
        let ranges = [(a.as_ptr() as usize, 3), (1, 0), (b.as_ptr() as usize, 8)];
        let whole: &[u8] = &a;
        let mem = UserIn::from(whole).mem;
        let mut uio = IovIn::new(mem, Ok(&ranges)).uio().unwrap();
        let mut out = [0; 5];
        assert!(!uio.has_begun());
        assert_eq!(uio.take(&mut out), Ok(5));
        assert_eq!(&out, b"hello");
        assert!(uio.has_begun());
        let mut rest = [0; 16];
        assert_eq!(uio.take(&mut rest), Ok(6));
        assert_eq!(&rest[..6], b" world");
        assert_eq!(uio.remaining(), 0);
    }

    #[test]
    fn refuses_a_sum_of_lengths_that_overflows() {
        let ranges = [(4096, usize::MAX), (4096, 2)];
        let whole: &[u8] = &[0];
        let mem = UserIn::from(whole).mem;
        assert_eq!(
            IovIn::new(mem, Ok(&ranges)).uio().err(),
            Some(Errno::EINVAL)
        );
    }

    #[test]
    fn a_null_pointer_is_a_bad_address() {
        let whole: &[u8] = &[0];
        let mem = UserIn::from(whole).mem;
        let mut uio = UioIn::from(UserIn::new(mem, 0, 4));
        assert_eq!(uio.take(&mut [0; 4]), Err(Errno::EFAULT));
    }
}
