//! Lists of groups.

use alloc::vec::Vec;

use crate::Errno;

/// The most groups that a process may act for beside its own, as on Linux (`NGROUPS_MAX`).
pub const MOST_GROUPS: usize = 65536;

/// The caller's list of groups.
#[derive(Clone, Copy, Debug)]
pub struct GroupsIn<'a>(Result<&'a [u32], Errno>);

impl<'a> GroupsIn<'a> {
    /// A list, or why there is none.
    pub fn new(groups: Result<&'a [u32], Errno>) -> Self {
        GroupsIn(groups)
    }

    /// The list.
    pub fn get(&self) -> Result<&'a [u32], Errno> {
        self.0
    }
}

impl<'a> From<&'a [u32]> for GroupsIn<'a> {
    fn from(groups: &'a [u32]) -> Self {
        GroupsIn(Ok(groups))
    }
}

/// A place for a list of groups.
#[derive(Debug)]
pub struct GroupsOut<'a> {
    room: Result<usize, Errno>,
    to: &'a mut Vec<u32>,
}

impl<'a> GroupsOut<'a> {
    /// A place for so many, or why there is none; they are put into `to`.
    pub fn new(room: Result<usize, Errno>, to: &'a mut Vec<u32>) -> Self {
        GroupsOut { room, to }
    }

    /// Puts them there, and says how many there are. Without any room that is all. `EINVAL` if there is less room.
    pub fn put(&mut self, groups: &[u32]) -> Result<usize, Errno> {
        match self.room? {
            0 => {}
            room if room < groups.len() => return Err(Errno::EINVAL),
            _ => self.to.extend_from_slice(groups),
        }
        Ok(groups.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_put_where_there_is_room_for_all() {
        let put = |room| {
            let mut to = Vec::new();
            let count = GroupsOut::new(room, &mut to).put(&[3, 4]);
            (count, to)
        };
        assert_eq!(put(Ok(0)), (Ok(2), Vec::new()));
        assert_eq!(put(Ok(1)), (Err(Errno::EINVAL), Vec::new()));
        assert_eq!(put(Ok(3)), (Ok(2), [3, 4].to_vec()));
        assert_eq!(put(Err(Errno::EFAULT)), (Err(Errno::EFAULT), Vec::new()));
    }
}
