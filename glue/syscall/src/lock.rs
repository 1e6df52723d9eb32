//! The argument of `fcntl`, and locks of ranges of files.

use crate::Errno;

/// A lock of a range of a file, or a range and no lock, as `fcntl` is told and tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeLock {
    /// `F_RDLCK`, `F_WRLCK` or `F_UNLCK`.
    pub kind: i16,
    /// From where the start is counted, `SEEK_…`.
    pub whence: i16,
    /// Where it begins.
    pub start: i64,
    /// Bytes; none: all to the end, however far that moves. Fewer than none are those before the start.
    pub len: i64,
    /// The process that has it, or -1 if an open file does.
    pub process: i32,
}

/// Where the caller has a lock.
pub trait LockPlace {
    /// Reads it. `EFAULT`.
    fn get(&self) -> Result<RangeLock, Errno>;

    /// Writes it. `EFAULT`.
    fn put(&mut self, lock: &RangeLock) -> Result<(), Errno>;
}

impl LockPlace for RangeLock {
    fn get(&self) -> Result<RangeLock, Errno> {
        Ok(*self)
    }

    fn put(&mut self, lock: &RangeLock) -> Result<(), Errno> {
        *self = *lock;
        Ok(())
    }
}

/// The argument of `fcntl`: a number, which for some commands says where a lock is.
pub struct FcntlArg<'a> {
    number: i64,
    lock: Option<&'a mut dyn LockPlace>,
}

impl<'a> FcntlArg<'a> {
    /// A number.
    pub fn number(number: i64) -> Self {
        FcntlArg { number, lock: None }
    }

    /// A lock.
    pub fn lock(place: &'a mut dyn LockPlace) -> Self {
        FcntlArg::either(0, place)
    }

    /// Whichever the command asks for.
    pub fn either(number: i64, place: &'a mut dyn LockPlace) -> Self {
        FcntlArg {
            number,
            lock: Some(place),
        }
    }

    /// The number.
    pub fn as_number(&self) -> i64 {
        self.number
    }

    /// The lock. `EFAULT` if there is none.
    pub fn get_lock(&self) -> Result<RangeLock, Errno> {
        self.lock.as_ref().ok_or(Errno::EFAULT)?.get()
    }

    /// Writes the lock.
    pub fn put_lock(&mut self, lock: &RangeLock) -> Result<(), Errno> {
        self.lock.as_mut().ok_or(Errno::EFAULT)?.put(lock)
    }
}
