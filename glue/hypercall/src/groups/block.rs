//! Disks of the host: files and block devices.

use crate::{Bytes, Upcall, group};

/// What a disk of the host is like.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskInfo {
    /// Bytes it holds.
    pub size: u64,
    /// Bytes that the host reads and writes at a time, a power of two.
    pub block_size: u32,
    /// The sum of [`READ_ONLY`](Self::READ_ONLY) and [`DISCARDS`](Self::DISCARDS), as far as they hold.
    pub flags: u32,
}

impl DiskInfo {
    /// It cannot be written, or is to be opened so.
    pub const READ_ONLY: u32 = 1;
    /// What is discarded takes no room on the host any more.
    pub const DISCARDS: u32 = 2;
}

/// A batch of operations that ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskNews {
    /// Which operations, by the numbers that they were begun with.
    pub operations: [u64; 32],
    /// What came of each: zero, or a negated error number.
    pub results: [i64; 32],
}

group! {
    /// Disks of the host: files and block devices.
    ///
    /// An operation is begun with a number of the kernel's choice. The call says zero if it has succeeded at once, a
    /// negated error number if it has failed at once, and one if it is under way: then its end is among the
    /// [`news`](Block::news), possibly before the call returns. Until it has ended its memory, `len` bytes at
    /// `address`, is the host's. Offsets and lengths are multiples of the block size and inside. Operations that are
    /// under way together have no order.
    pub trait Block as block {
        /// Opens the disk `name`, fills in `info` and returns a handle, or a negated error number: that of
        /// `EBUSY` if somebody else has it open and one of the two writes. With `READ_ONLY` in `flags`, it is not
        /// going to be written. `ended` is called when there are news, by any thread, also by one that is in
        /// another hypercall.
        fn open(name: Bytes<'_>, flags: u32, info: &mut DiskInfo, ended: Upcall) -> i64;
        /// Begins to read from byte `offset` on.
        fn read(disk: u64, operation: u64, offset: u64, address: usize, len: usize) -> i64;
        /// Begins to write from byte `offset` on.
        fn write(disk: u64, operation: u64, offset: u64, address: usize, len: usize) -> i64;
        /// Begins to have everything written so far survive a loss of power.
        fn flush(disk: u64, operation: u64) -> i64;
        /// Begins to give up what `len` bytes from byte `offset` on hold: they read as anything afterwards.
        fn discard(disk: u64, operation: u64, offset: u64, len: u64) -> i64;
        /// Fills in operations that ended, and says how many. If that is all there is room for, there may be more.
        fn news(disk: u64, news: &mut DiskNews) -> usize;
        /// Closes the disk. When this returns, all its operations have ended, no upcall is under way and none
        /// will come.
        fn close(disk: u64);
    }
}
