//! Where things are to be in a new file system.

use core::ops::Range;

use base::{Errno, Failure};

/// Bytes of a block.
pub(super) const BLOCK: u64 = 4096;
/// Blocks of a group: as many as a block has bits.
pub(super) const GROUP: u64 = 8 * BLOCK;
/// Bytes of a group's descriptor.
pub(super) const DESCRIPTOR: usize = 64;
/// Inodes that a block has, of 256 bytes.
pub(super) const INODES_A_BLOCK: u32 = 16;
/// The first inode that is a file like any other: lost+found.
pub(super) const FIRST_INODE: u32 = 11;

/// Blocks of lost+found: it cannot grow when it is needed.
const LOST_AND_FOUND: u64 = 4;
/// Blocks that the last group has at least beside what it takes itself, or there is none.
const WORTH: u64 = 50;
/// Bytes of the smallest and of the largest file system.
const SMALLEST: u64 = 256 * 1024;
const LARGEST: u64 = BLOCK << 32;
/// Bytes from which on there is an inode for every 16 KiB, and not for every 4.
const LARGE: u64 = 512 << 20;

/// A file system's geometry.
pub(super) struct Plan {
    /// Blocks in all.
    pub(super) blocks: u64,
    pub(super) groups: u32,
    pub(super) inodes_per_group: u32,
    /// Blocks of the journal, or none.
    journal: u64,
}

impl Plan {
    /// What becomes of so many bytes. The failure says how many there have to be.
    pub(super) fn of(bytes: u64) -> Result<Plan, Failure> {
        if bytes < SMALLEST {
            let message = "too small: an ext4 takes 256 KiB at least";
            return Err(Failure::new(Errno::ENOSPC, message));
        }
        if bytes > LARGEST {
            let message = "too large: an ext4 that is made here has 16 TiB at most";
            return Err(Failure::new(Errno::EFBIG, message));
        }
        let plan = Plan::of_blocks(bytes / BLOCK);
        let last = plan.groups - 1;
        let room = plan.len(last).checked_sub(plan.taken(last) + WORTH);
        // A rest that is too small for a group stays unused.
        match last > 0 && room.is_none() {
            true => Ok(Plan::of_blocks(u64::from(last) * GROUP)),
            false => Ok(plan),
        }
    }

    fn of_blocks(blocks: u64) -> Plan {
        let groups = blocks.div_ceil(GROUP) as u32;
        let bytes = blocks * BLOCK;
        let inodes = bytes / if bytes < LARGE { 4096 } else { 16_384 };
        let inodes_per_group = inodes.div_ceil(groups.into()) as u32;
        Plan {
            blocks,
            groups,
            inodes_per_group: inodes_per_group.next_multiple_of(INODES_A_BLOCK),
            // In small ones it would take too much of them.
            journal: match bytes >> 20 {
                0..32 => 0,
                32..128 => 1024,
                128..1024 => 4096,
                1024..2048 => 8192,
                _ => 16_384,
            },
        }
    }

    /// Whether a group has a copy of the superblock and of all descriptors.
    pub(super) fn has_copy(&self, group: u32) -> bool {
        let is_power_of = |base: u32| {
            let mut rest = group;
            while rest.is_multiple_of(base) {
                rest /= base;
            }
            rest == 1
        };
        group <= 1 || [3, 5, 7].into_iter().any(is_power_of)
    }

    /// The first block of a group.
    pub(super) fn start(&self, group: u32) -> u64 {
        u64::from(group) * GROUP
    }

    /// Blocks of a group.
    pub(super) fn len(&self, group: u32) -> u64 {
        (self.blocks - self.start(group)).min(GROUP)
    }

    /// Blocks of all descriptors.
    pub(super) fn descriptor_blocks(&self) -> u64 {
        (u64::from(self.groups) * DESCRIPTOR as u64).div_ceil(BLOCK)
    }

    /// Blocks of a group before its bitmaps.
    pub(super) fn head(&self, group: u32) -> u64 {
        match self.has_copy(group) {
            true => 1 + self.descriptor_blocks(),
            false => 0,
        }
    }

    /// Blocks of a group's inodes.
    pub(super) fn inode_blocks(&self) -> u32 {
        self.inodes_per_group / INODES_A_BLOCK
    }

    /// Blocks of a group that it takes itself: its head, its two bitmaps, its inodes.
    fn taken(&self, group: u32) -> u64 {
        self.head(group) + 2 + u64::from(self.inode_blocks())
    }

    /// The blocks of the root, of lost+found, and of the journal.
    pub(super) fn own(&self) -> (Range<u64>, Range<u64>, Range<u64>) {
        let root = self.taken(0);
        let lost = root + 1;
        let journal = lost + LOST_AND_FOUND;
        (root..lost, lost..journal, journal..journal + self.journal)
    }

    /// Blocks of a group that are not free; they are its first.
    pub(super) fn used(&self, group: u32) -> u64 {
        match group {
            0 => self.own().2.end,
            _ => self.taken(group),
        }
    }

    /// Blocks that nobody has.
    pub(super) fn free_blocks(&self) -> u64 {
        let groups = 0..self.groups;
        groups.map(|group| self.len(group) - self.used(group)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_room_for_what_it_takes() {
        let sizes = (0..400).map(|step| SMALLEST + step * step * 40_961);
        for bytes in sizes.chain([LARGEST, LARGEST - 1, 100 << 30, 3 << 40]) {
            let plan = Plan::of(bytes).unwrap_or_else(|failure| panic!("{bytes}: {failure}"));
            assert!(plan.blocks * BLOCK <= bytes);
            assert!(plan.inodes_per_group <= 8 * BLOCK as u32, "{bytes}");
            assert!(plan.used(0) < plan.len(0), "{bytes}");
            let last = plan.groups - 1;
            assert!(
                last == 0 || plan.used(last) + WORTH <= plan.len(last),
                "{bytes}"
            );
        }
        assert!(Plan::of(SMALLEST - 1).is_err() && Plan::of(LARGEST + 1).is_err());
    }

    #[test]
    fn copies_are_in_powers_of_three_five_and_seven() {
        let plan = Plan::of_blocks(100 * GROUP);
        let copies: alloc::vec::Vec<u32> = (0..100).filter(|group| plan.has_copy(*group)).collect();
        assert_eq!(copies, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81]);
    }
}
