//! Groups of blocks, and what is kept of each: where its bitmaps and inodes are, and how much of it is free.

use alloc::format;

use base::{Errno, Failure};

use crate::bytes::{put_u16, u16_at, u32_at};
use crate::layout::{DESCRIPTOR, Layout};

/// A group's description.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// The blocks of its bitmaps, and the first of its inodes.
    pub(crate) block_bitmap: u32,
    pub(crate) inode_bitmap: u32,
    pub(crate) table: u32,
    /// What is free, and how many directories there are.
    pub(crate) free_blocks: u16,
    pub(crate) free_inodes: u16,
    pub(crate) directories: u16,
    /// The disk does not know these yet.
    pub(crate) changed: bool,
}

impl Group {
    /// Reads a description. `EUCLEAN` if what it says is not in the group, or in itself.
    pub(crate) fn new(layout: &Layout, number: u32, raw: &[u8]) -> Result<Group, Failure> {
        let group = Group {
            block_bitmap: u32_at(raw, 0),
            inode_bitmap: u32_at(raw, 4),
            table: u32_at(raw, 8),
            free_blocks: u16_at(raw, 12),
            free_inodes: u16_at(raw, 14),
            directories: u16_at(raw, 16),
            changed: false,
        };
        let (first, len) = layout.group(number);
        let (begin, end) = (
            u64::from(first) + u64::from(layout.copies(number)),
            u64::from(first) + u64::from(len),
        );
        let within = |block: u32, count: u32| {
            u64::from(block) >= begin && u64::from(block) + u64::from(count) <= end
        };
        let in_table =
            |block: u32| (group.table..group.table + layout.table_blocks).contains(&block);
        let right = within(group.block_bitmap, 1)
            && within(group.inode_bitmap, 1)
            && within(group.table, layout.table_blocks)
            && group.block_bitmap != group.inode_bitmap
            && !in_table(group.block_bitmap)
            && !in_table(group.inode_bitmap)
            && u32::from(group.free_blocks) <= len
            && u32::from(group.free_inodes) <= layout.inodes_per_group;
        match right {
            true => Ok(group),
            false => {
                let why = format!("the description of group {number} is wrong");
                Err(Failure::new(Errno::EUCLEAN, why))
            }
        }
    }

    /// Puts what changes into a description.
    pub(crate) fn store(&self, raw: &mut [u8; DESCRIPTOR]) {
        put_u16(raw, 12, self.free_blocks);
        put_u16(raw, 14, self.free_inodes);
        put_u16(raw, 16, self.directories);
    }

    /// Whether a block is none of a file's.
    pub(crate) fn keeps(&self, layout: &Layout, number: u32, block: u32) -> bool {
        block < layout.group(number).0 + layout.copies(number)
            || block == self.block_bitmap
            || block == self.inode_bitmap
            || (self.table..self.table + layout.table_blocks).contains(&block)
    }
}
