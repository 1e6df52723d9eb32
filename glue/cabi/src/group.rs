//! Lists of groups: as many numbers of 32 bits as a length says.

use alloc::vec::Vec;

use base::Errno;
use syscall::MOST_GROUPS;

/// Decoder of a list of groups: `EINVAL` for too many, `EFAULT` for null.
pub struct GroupsIn(Result<Vec<u32>, Errno>);

impl GroupsIn {
    /// # Safety
    ///
    /// `list` is null or good for reading `len` groups.
    pub unsafe fn new(len: usize, list: *const u32) -> Self {
        GroupsIn(match len {
            0 => Ok(Vec::new()),
            _ if len > MOST_GROUPS => Err(Errno::EINVAL),
            _ if list.is_null() => Err(Errno::EFAULT),
            // SAFETY: the caller's word; each of them is inside the list.
            _ => Ok((0..len)
                .map(|at| unsafe { list.add(at).read_unaligned() })
                .collect()),
        })
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::GroupsIn<'_> {
        syscall::GroupsIn::new(self.0.as_deref().map_err(|errno| *errno))
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// Decoder of a place for groups: `EINVAL` for a negative length, `EFAULT` for null.
pub struct GroupsOut {
    list: *mut u32,
    room: Result<usize, Errno>,
    groups: Vec<u32>,
}

impl GroupsOut {
    /// # Safety
    ///
    /// `list` is null or good for writing `len` groups.
    pub unsafe fn new(len: i32, list: *mut u32) -> Self {
        let room = match usize::try_from(len) {
            Err(_) => Err(Errno::EINVAL),
            Ok(1..) if list.is_null() => Err(Errno::EFAULT),
            Ok(len) => Ok(len),
        };
        GroupsOut {
            list,
            room,
            groups: Vec::new(),
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::GroupsOut<'_> {
        syscall::GroupsOut::new(self.room, &mut self.groups)
    }

    /// Copies them out.
    pub fn finish(self) -> Result<(), Errno> {
        for (at, group) in self.groups.iter().enumerate() {
            // SAFETY: the contract of `new`; no more were put than there is room for.
            unsafe { self.list.add(at).write_unaligned(*group) };
        }
        Ok(())
    }
}
