//! What the superblock says of where things are.

use alloc::format;
use alloc::vec::Vec;

use base::{Errno, Failure, Lwp};
use bio::Volume;

use crate::bytes::{u16_at, u32_at};
use crate::features;

/// Where the superblock is, and its bytes.
pub(crate) const SUPERBLOCK: u64 = 1024;
pub(crate) const SUPERBLOCK_LEN: usize = 1024;
const MAGIC: u16 = 0xef53;
/// Bytes of an inode in revision 0, and in all that follow at least; and of a group's description.
pub(crate) const SMALL_INODE: usize = 128;
pub(crate) const DESCRIPTOR: usize = 32;
/// In revision 0, the first inode that is a file like any other.
const FIRST_INODE: u32 = 11;
/// The root directory's inode.
pub(crate) const ROOT: u32 = 2;
/// The largest block is `1024 << LARGEST` bytes.
const LARGEST: u32 = 6;

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Bytes of a block.
    pub(crate) block_size: u32,
    /// Blocks in all, and the number of the first that belongs to a group.
    pub(crate) blocks: u32,
    pub(crate) first_block: u32,
    pub(crate) blocks_per_group: u32,
    pub(crate) inodes: u32,
    pub(crate) inodes_per_group: u32,
    /// Bytes of an inode.
    pub(crate) inode_size: usize,
    /// The first inode that is a file like any other.
    pub(crate) first_inode: u32,
    pub(crate) groups: u32,
    /// Blocks of the inodes of a group.
    pub(crate) table_blocks: u32,
    /// Blocks behind a copy of the superblock: descriptions of groups, and what is kept for more of them.
    pub(crate) copy_blocks: u32,
    sparse: bool,
    /// Entries of directories say what kind an inode is of.
    pub(crate) filetype: bool,
    /// Features and fields of revision 1.
    pub(crate) dynamic: bool,
}

/// Reads the superblock. `EINVAL` if there is none.
pub(crate) fn read(lwp: &Lwp<'_>, volume: &Volume) -> Result<Vec<u8>, Failure> {
    let mut raw = alloc::vec![0; SUPERBLOCK_LEN];
    if volume.size() >= SUPERBLOCK + SUPERBLOCK_LEN as u64 {
        volume.read_at(lwp, SUPERBLOCK, &mut raw)?;
    }
    if u16_at(&raw, 56) != MAGIC {
        let why = "there is no ext2 on it";
        return Err(Failure::new(Errno::EINVAL, why));
    }
    // Revision 0 has nothing behind byte 84.
    if u32_at(&raw, 76) == 0 {
        raw[84..204].fill(0);
    }
    Ok(raw)
}

impl Layout {
    /// Takes a superblock apart. `EUCLEAN`, with what contradicts what.
    pub(crate) fn new(raw: &[u8], volume_len: u64) -> Result<Layout, Failure> {
        let wrong = |what: &str| {
            let why = format!("the superblock is wrong: {what}");
            Err(Failure::new(Errno::EUCLEAN, why))
        };
        let shift = u32_at(raw, 24);
        if shift > LARGEST {
            return wrong("blocks of more than 64 KiB");
        }
        if u32_at(raw, 28) != shift {
            return wrong("fragments that are no blocks");
        }
        let block_size = 1024u32 << shift;
        let dynamic = u32_at(raw, 76) != 0;
        let inode_size = match dynamic {
            true => usize::from(u16_at(raw, 88)),
            false => SMALL_INODE,
        };
        let fits = (SMALL_INODE..=block_size as usize).contains(&inode_size);
        if !fits || !inode_size.is_power_of_two() {
            return wrong("the size of an inode");
        }
        let (blocks, first_block) = (u32_at(raw, 4), u32_at(raw, 20));
        if first_block != u32::from(shift == 0) || blocks <= first_block {
            return wrong("the first block");
        }
        if u64::from(blocks) * u64::from(block_size) > volume_len {
            return wrong("it is longer than the disk");
        }
        let (blocks_per_group, inodes_per_group) = (u32_at(raw, 32), u32_at(raw, 40));
        let bits = block_size * 8;
        if !(8..=bits).contains(&blocks_per_group) || !(8..=bits).contains(&inodes_per_group) {
            return wrong("the size of a group");
        }
        let groups = (blocks - first_block).div_ceil(blocks_per_group);
        let inodes = u32_at(raw, 0);
        if u64::from(inodes) != u64::from(groups) * u64::from(inodes_per_group) {
            return wrong("how many inodes there are");
        }
        let first_inode = match dynamic {
            true => u32_at(raw, 84),
            false => FIRST_INODE,
        };
        if first_inode < FIRST_INODE || first_inode > inodes {
            return wrong("the first inode");
        }
        let table = u64::from(inodes_per_group) * inode_size as u64;
        let descriptors = (u64::from(groups) * DESCRIPTOR as u64).div_ceil(block_size.into());
        Ok(Layout {
            block_size,
            blocks,
            first_block,
            blocks_per_group,
            inodes,
            inodes_per_group,
            inode_size,
            first_inode,
            groups,
            table_blocks: table.div_ceil(block_size.into()) as u32,
            copy_blocks: descriptors as u32 + u32::from(u16_at(raw, 206)),
            sparse: features::SPARSE_SUPER.is_in(raw),
            filetype: features::FILETYPE.is_in(raw),
            dynamic,
        })
    }

    /// The first byte of a block.
    pub(crate) fn place(&self, block: u32) -> u64 {
        u64::from(block) * u64::from(self.block_size)
    }

    /// The first byte of the descriptions of groups.
    pub(crate) fn descriptors(&self) -> u64 {
        self.place(self.first_block + 1)
    }

    /// The group of a block, and which one of it; if there is such a block.
    pub(crate) fn split(&self, block: u32) -> Option<(u32, u32)> {
        let index = block.checked_sub(self.first_block)?;
        let here = (index / self.blocks_per_group, index % self.blocks_per_group);
        (block < self.blocks).then_some(here)
    }

    /// The first block of a group, and how many it has.
    pub(crate) fn group(&self, group: u32) -> (u32, u32) {
        let first = self.first_block + group * self.blocks_per_group;
        (first, self.blocks_per_group.min(self.blocks - first))
    }

    /// How many blocks of a group are a copy of the superblock, and of what is behind it.
    pub(crate) fn copies(&self, group: u32) -> u32 {
        let power = |base: u32| {
            let mut left = group;
            while left.is_multiple_of(base) {
                left /= base;
            }
            left == 1
        };
        let has = group <= 1 || !self.sparse || [3, 5, 7].into_iter().any(power);
        match has {
            true => 1 + self.copy_blocks,
            false => 0,
        }
    }

    /// Bytes of the largest file: what three levels of blocks with numbers reach, and what is counted in 512 bytes.
    pub(crate) fn largest_file(&self) -> u64 {
        let numbers = u64::from(self.block_size / 4);
        let blocks = 12 + numbers + numbers * numbers + numbers * numbers * numbers;
        let reached = blocks.min(u32::MAX.into()) * u64::from(self.block_size);
        // The blocks with numbers count as well.
        reached.min(((1 << 32) - 1) * 512 / (numbers + 2) * numbers)
    }
}
