//! The caller's memory, reached by copying.
// The memory of a caller in this address space is a fact no type can hold: see `Local`.
#![allow(unsafe_code)]

use hypercall::Errno;

/// A caller's memory: in this address space, in another process, at the end of a wire.
pub trait UserMem {
    /// Copies from the caller's memory at `address`. `EFAULT` if it is not there.
    fn copy_in(&self, address: usize, to: &mut [u8]) -> Result<(), Errno>;
    /// Copies to the caller's memory at `address`. `EFAULT` if it is not there.
    fn copy_out(&self, address: usize, from: &[u8]) -> Result<(), Errno>;
}

/// The memory of a caller that shares the kernel's address space.
///
/// Only the null page is told from good memory; a caller in the same address space that passes a
/// wrong pointer is a caller that has one.
pub struct Local(());

/// The pages at address zero, where a null pointer's member would be.
const NULL_PAGE: usize = 4096;

impl Local {
    /// The memory of a caller in this address space.
    ///
    /// # Safety
    ///
    /// Every address and length it is used with until the call ends must be memory that the caller
    /// may read or write, as the argument's type says, and that no reference covers in conflict.
    pub const unsafe fn new() -> Local {
        Local(())
    }
}

/// For slices: what they cover is checked by the type they were made from.
static LOCAL: Local = Local(());

impl UserMem for Local {
    #[inline]
    fn copy_in(&self, address: usize, to: &mut [u8]) -> Result<(), Errno> {
        if address < NULL_PAGE && !to.is_empty() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: `Local::new`'s contract, or the slice an argument was made from.
        unsafe { core::ptr::copy(address as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    #[inline]
    fn copy_out(&self, address: usize, from: &[u8]) -> Result<(), Errno> {
        if address < NULL_PAGE && !from.is_empty() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as above.
        unsafe { core::ptr::copy(from.as_ptr(), address as *mut u8, from.len()) };
        Ok(())
    }
}

/// Bytes of the caller that the call reads.
#[derive(Clone, Copy)]
pub struct UserIn<'a> {
    pub(crate) mem: &'a dyn UserMem,
    pub(crate) address: usize,
    pub(crate) len: usize,
}

/// Bytes of the caller that the call writes.
pub struct UserOut<'a> {
    pub(crate) mem: &'a dyn UserMem,
    pub(crate) address: usize,
    pub(crate) len: usize,
}

impl<'a> UserIn<'a> {
    /// `len` bytes at `address` of `mem`.
    pub fn new(mem: &'a dyn UserMem, address: usize, len: usize) -> Self {
        UserIn { mem, address, len }
    }

    /// Where they are.
    pub fn address(&self) -> usize {
        self.address
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first of them, at most so many.
    pub fn first(self, len: usize) -> Self {
        UserIn {
            len: len.min(self.len),
            ..self
        }
    }
}

impl<'a> UserOut<'a> {
    /// `len` bytes at `address` of `mem`.
    pub fn new(mem: &'a dyn UserMem, address: usize, len: usize) -> Self {
        UserOut { mem, address, len }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<'a> From<&'a [u8]> for UserIn<'a> {
    fn from(slice: &'a [u8]) -> Self {
        UserIn::new(&LOCAL, slice.as_ptr() as usize, slice.len())
    }
}

impl<'a> From<&'a mut [u8]> for UserOut<'a> {
    fn from(slice: &'a mut [u8]) -> Self {
        UserOut::new(&LOCAL, slice.as_mut_ptr() as usize, slice.len())
    }
}
