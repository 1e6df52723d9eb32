//! The types that cross the interface: a closed set with a C layout, so that a host in C can
//! implement it.

use core::marker::PhantomData;

use crate::Offload;

/// Bytes the callee may read until it returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    start: *const u8,
    len: usize,
    borrow: PhantomData<&'a [u8]>,
}

impl<'a> Bytes<'a> {
    /// The bytes as a slice.
    #[inline(always)]
    pub fn as_slice(&self) -> &'a [u8] {
        // SAFETY: made from a slice that `'a` keeps borrowed; no other constructor exists.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    #[inline(always)]
    fn from(slice: &'a [u8]) -> Self {
        Bytes {
            start: slice.as_ptr(),
            len: slice.len(),
            borrow: PhantomData,
        }
    }
}

impl<'a> From<&'a str> for Bytes<'a> {
    #[inline(always)]
    fn from(text: &'a str) -> Self {
        text.as_bytes().into()
    }
}

/// Bytes the callee may write until it returns.
#[repr(C)]
pub struct BytesMut<'a> {
    start: *mut u8,
    len: usize,
    borrow: PhantomData<&'a mut [u8]>,
}

impl BytesMut<'_> {
    /// The bytes as a slice.
    #[inline(always)]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: made from a slice that the lifetime keeps mutably borrowed.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<'a> From<&'a mut [u8]> for BytesMut<'a> {
    #[inline(always)]
    fn from(slice: &'a mut [u8]) -> Self {
        BytesMut {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            borrow: PhantomData,
        }
    }
}

/// One buffer of a batch: where it is, how much it holds, how much of that is used, and what is to be
/// known about the frame in it.
///
/// The kernel sets `capacity`; whoever fills the buffer sets the length, and the offload if it is not
/// all zero. A transmitted segment is read up to its length.
#[repr(C)]
pub struct Segment<'a> {
    start: *mut u8,
    capacity: usize,
    len: usize,
    offload: Offload,
    borrow: PhantomData<&'a mut [u8]>,
}

impl<'a> Segment<'a> {
    /// An empty buffer to be filled.
    #[inline]
    pub fn empty(buffer: &'a mut [u8]) -> Self {
        Segment {
            start: buffer.as_mut_ptr(),
            capacity: buffer.len(),
            len: 0,
            offload: Offload::default(),
            borrow: PhantomData,
        }
    }

    /// A full buffer to be read.
    #[inline]
    pub fn full(bytes: &'a mut [u8]) -> Self {
        let len = bytes.len();
        Segment {
            len,
            ..Segment::empty(bytes)
        }
    }

    /// What is to be known about the frame.
    #[inline]
    pub fn offload(&self) -> Offload {
        self.offload
    }

    /// Says what is to be known about the frame.
    #[inline]
    pub fn set_offload(&mut self, offload: Offload) {
        self.offload = offload;
    }

    /// The used part.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: made from a slice the lifetime keeps borrowed; `len` never exceeds it.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }

    /// The whole buffer, to be filled; say afterwards how much with [`set_len`](Self::set_len).
    #[inline]
    pub fn buffer(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` excludes another view.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.capacity) }
    }

    /// Says how much of the buffer is used; more than there is counts as all of it.
    #[inline]
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(self.capacity);
    }

    /// Bytes used. A platform outside this language may have written any value here.
    #[inline]
    pub fn len(&self) -> usize {
        self.len.min(self.capacity)
    }

    /// Whether no byte is used.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A batch of buffers the callee reads.
#[repr(C)]
pub struct Segments<'a, 'b> {
    start: *const Segment<'b>,
    count: usize,
    borrow: PhantomData<&'a [Segment<'b>]>,
}

impl<'a, 'b> From<&'a [Segment<'b>]> for Segments<'a, 'b> {
    #[inline]
    fn from(slice: &'a [Segment<'b>]) -> Self {
        Segments {
            start: slice.as_ptr(),
            count: slice.len(),
            borrow: PhantomData,
        }
    }
}

/// A batch of buffers the callee fills.
#[repr(C)]
pub struct SegmentsMut<'a, 'b> {
    start: *mut Segment<'b>,
    count: usize,
    borrow: PhantomData<&'a mut [Segment<'b>]>,
}

impl<'a, 'b> From<&'a mut [Segment<'b>]> for SegmentsMut<'a, 'b> {
    #[inline]
    fn from(slice: &'a mut [Segment<'b>]) -> Self {
        SegmentsMut {
            start: slice.as_mut_ptr(),
            count: slice.len(),
            borrow: PhantomData,
        }
    }
}

impl<'b> Segments<'_, 'b> {
    /// The batch as a slice.
    #[inline]
    pub fn as_slice(&self) -> &[Segment<'b>] {
        // SAFETY: made from a slice the lifetime keeps borrowed.
        unsafe { core::slice::from_raw_parts(self.start, self.count) }
    }
}

impl<'b> SegmentsMut<'_, 'b> {
    /// The batch as a slice.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [Segment<'b>] {
        // SAFETY: made from a slice the lifetime keeps mutably borrowed.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.count) }
    }
}

/// A function of the kernel for the platform to call, and the word to call it with.
///
/// The cookie means nothing to the platform. Where panics unwind the function may, into the kernel that
/// is below the platform on the stack.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Upcall {
    function: extern "C-unwind" fn(cookie: usize),
    cookie: usize,
}

impl Upcall {
    /// An upcall of `function` with `cookie`.
    #[inline(always)]
    pub const fn new(function: extern "C-unwind" fn(usize), cookie: usize) -> Self {
        Upcall { function, cookie }
    }

    /// Enters the kernel.
    #[inline(always)]
    pub fn call(&self) {
        (self.function)(self.cookie)
    }

    /// The cookie: what tells two upcalls of one function apart.
    #[inline]
    pub fn cookie(&self) -> usize {
        self.cookie
    }
}
