//! Times to the nanosecond.
//!
//! The crate stores them, but tells the low 32 bits of the seconds. The rest of a time that has not changed for a while is
//! where the inode is on the disk. That is behind, as long as a change is in the crate's memory or in the journal; so
//! changes of this mount are remembered, and told from older ones by the seconds. There is an end to that: of what was
//! changed long ago nanoseconds may be those of an earlier moment of the same second.

use alloc::collections::{BTreeMap, VecDeque};

use rsext4::disknode::Ext4Inode;
use vfs::Time;

/// How many inodes are remembered.
const MOST: usize = 16 * 1024;

/// Times of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Accessed,
    Modified,
    Changed,
    Created,
}

use Which::{Accessed, Changed, Created, Modified};

/// What changes with the contents of a file, or with the names in a directory.
pub(crate) const CONTENTS: &[Which] = &[Modified, Changed];

/// What changes with anything else of an inode.
pub(crate) const STATE: &[Which] = &[Changed];

/// What a new inode begins with.
pub(crate) const ALL: &[Which] = &[Accessed, Modified, Changed, Created];

/// Changes of this mount.
pub(crate) struct Times {
    times: BTreeMap<u32, [Option<Time>; 4]>,
    /// In the order they came.
    order: VecDeque<u32>,
}

impl Times {
    pub(crate) const fn new() -> Self {
        Times {
            times: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Times of an inode are now this one.
    pub(crate) fn set(&mut self, inode: u32, which: &[Which], time: Time) {
        if !self.times.contains_key(&inode) {
            if self.order.len() == MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.times.remove(&oldest);
            }
            self.order.push_back(inode);
        }
        let times = self.times.entry(inode).or_default();
        for which in which {
            times[*which as usize] = Some(time);
        }
    }

    /// One of an inode's times, of which these are the low bits of the seconds; `on_disk` is the inode as the disk has
    /// it.
    pub(crate) fn get(
        &self,
        inode: u32,
        which: Which,
        seconds: u32,
        on_disk: Option<&Ext4Inode>,
    ) -> Time {
        let same = |time: &Time| time.seconds as u32 == seconds;
        let recent = self
            .times
            .get(&inode)
            .and_then(|times| times[which as usize]);
        let stored = || on_disk.map(|inode| stored(inode, which));
        let found = recent.filter(same).or_else(|| stored().filter(same));
        found.unwrap_or(Time {
            seconds: i64::from(seconds as i32),
            nanoseconds: 0,
        })
    }
}

/// A time as an inode has it: low bits of the seconds, and a word with two more bits and nanoseconds.
fn stored(inode: &Ext4Inode, which: Which) -> Time {
    let (seconds, more) = match which {
        Accessed => (inode.i_atime, inode.i_atime_extra),
        Modified => (inode.i_mtime, inode.i_mtime_extra),
        Changed => (inode.i_ctime, inode.i_ctime_extra),
        Created => (inode.i_crtime, inode.i_crtime_extra),
    };
    Time {
        seconds: i64::from(seconds as i32) + (i64::from(more & Ext4Inode::EXT4_EPOCH_MASK) << 32),
        nanoseconds: (more >> Ext4Inode::EXT4_EPOCH_BITS).min(999_999_999),
    }
}
