//! How many blocks an inode has.
//!
//! The crate lists all blocks that a map leads to in memory, so one that leads to more than there are, which it can do by a few
//! words, is refused before the crate sees it. And the crate does not count those of the map of a directory with an index, which it has
//! from the fifth extent on. Nothing but a check of the file system looks at the number, so it is put right when the file
//! system is unmounted and quiet.

use alloc::vec;
use alloc::vec::Vec;

use base::{Errno, Level, Lwp, log};
use rsext4::InodeNumber;
use rsext4::checksum::ext4_metadata_csum32;
use rsext4::crc32c::{ext4_crc32c_seed_from_superblock, ext4_superblock_has_metadata_csum};
use rsext4::disknode::{Ext4Extent, Ext4ExtentHeader, Ext4ExtentIdx, Ext4Inode};
use rsext4::endian::DiskFormat;
use rsext4::superblock::Ext4Superblock;

use crate::error::errno;
use crate::layout::Layout;
use crate::source::Source;

/// Bytes of a head and of an entry of an extent tree's node.
const ENTRY: usize = 12;

/// Levels of the deepest tree.
const DEEPEST: u16 = 5;

/// Nodes of the largest map that is looked at.
const MOST: u64 = 100_000;

/// Where an inode has things, in bytes.
const SECTORS_LOW: usize = 28;
const GENERATION: usize = 100;
const EXTRA: usize = 128;
const SECTORS_HIGH: usize = 116;
const CHECKSUM_LOW: usize = 124;
const CHECKSUM_HIGH: usize = 130;

/// Refuses an inode that claims more blocks than there are: `EUCLEAN`, with a line in the log. What else is wrong with
/// it, the crate finds.
pub(crate) fn check(
    lwp: &Lwp<'_>,
    source: &Source,
    layout: &Layout,
    number: u32,
) -> Result<(), Errno> {
    let superblock = layout.superblock();
    let (Ok(inode), Ok(block_size)) = (
        layout.inode(lwp, source, number),
        superblock.checked_block_size(),
    ) else {
        return Ok(());
    };
    let there = superblock.blocks_count();
    let huge = superblock.has_feature_ro_compat(Ext4Superblock::EXT4_FEATURE_RO_COMPAT_HUGE_FILE);
    let said = inode.blocks_count(block_size, huge) / u64::from(block_size / 512);
    let mut count = Count {
        lwp,
        source,
        block_size,
        blocks: 0,
        most: there,
        nodes: 0,
    };
    if inode.uses_extents() {
        let _ = count.node(&root(&inode), DEEPEST);
    }
    match said.max(count.blocks) {
        claimed if claimed > there => {
            log!(
                lwp.instance(),
                Level::Error,
                "ext4: inode {number} claims {claimed} blocks or more of {there}; e2fsck repairs that"
            );
            Err(Errno::EUCLEAN)
        }
        _ => Ok(()),
    }
}

/// The root of an inode's map.
fn root(inode: &Ext4Inode) -> Vec<u8> {
    let words = inode.i_block.iter();
    words.flat_map(|word| word.to_le_bytes()).collect()
}

/// Counts the blocks of a directory, and has its inode say so.
pub(crate) fn correct(
    lwp: &Lwp<'_>,
    source: &Source,
    layout: &Layout,
    number: InodeNumber,
) -> Result<(), Errno> {
    let superblock = layout.superblock();
    let inode = layout.inode(lwp, source, number.raw())?;
    let indexed = Ext4Inode::EXT4_EXTENTS_FL | Ext4Inode::EXT4_INDEX_FL;
    if !inode.is_dir() || inode.i_flags & (indexed | Ext4Inode::EXT4_HUGE_FILE_FL) != indexed {
        return Ok(());
    }
    let mut count = Count {
        lwp,
        source,
        block_size: superblock.checked_block_size().map_err(errno)?,
        blocks: u64::from(inode.file_acl() != 0),
        most: u64::MAX,
        nodes: 0,
    };
    count.node(&root(&inode), DEEPEST)?;
    let sectors = count.blocks.checked_mul(u64::from(count.block_size / 512));
    let sectors = sectors
        .filter(|sectors| *sectors >> 48 == 0)
        .ok_or(Errno::EUCLEAN)?;
    let huge = superblock.has_feature_ro_compat(Ext4Superblock::EXT4_FEATURE_RO_COMPAT_HUGE_FILE);
    if sectors == inode.blocks_count(count.block_size, huge) {
        return Ok(());
    }
    let offset = layout.inode_at(lwp, source, number.raw())?;
    let mut raw = vec![0; layout.inode_size()];
    source.read_at(lwp, offset, &mut raw)?;
    raw[SECTORS_LOW..][..4].copy_from_slice(&(sectors as u32).to_le_bytes());
    raw[SECTORS_HIGH..][..2].copy_from_slice(&((sectors >> 32) as u16).to_le_bytes());
    if ext4_superblock_has_metadata_csum(superblock) {
        sign(superblock, number.raw(), &mut raw);
    }
    source.volume.write_at(lwp, offset, &raw)
}

/// Puts an inode's checksum right.
pub(crate) fn sign(superblock: &Ext4Superblock, number: u32, raw: &mut [u8]) {
    // The upper half is in what only large inodes have, if they use it.
    let used = raw.get(EXTRA..EXTRA + 2);
    let long = used.is_some_and(|used| u16::from_le_bytes([used[0], used[1]]) >= 4);
    raw[CHECKSUM_LOW..][..2].fill(0);
    if long {
        raw[CHECKSUM_HIGH..][..2].fill(0);
    }
    let seed = ext4_crc32c_seed_from_superblock(superblock);
    let parts = [&number.to_le_bytes(), &raw[GENERATION..][..4], &*raw];
    let checksum = ext4_metadata_csum32(seed, &parts).to_le_bytes();
    raw[CHECKSUM_LOW..][..2].copy_from_slice(&checksum[..2]);
    if long {
        raw[CHECKSUM_HIGH..][..2].copy_from_slice(&checksum[2..]);
    }
}

/// A walk through an extent tree.
struct Count<'a> {
    lwp: &'a Lwp<'a>,
    source: &'a Source,
    block_size: u32,
    blocks: u64,
    /// Beyond which it does not matter how many there are.
    most: u64,
    nodes: u64,
}

impl Count<'_> {
    /// Counts what is below a node, which is no deeper than that.
    fn node(&mut self, node: &[u8], deepest: u16) -> Result<(), Errno> {
        let header = Ext4ExtentHeader::from_disk_bytes(&node[..ENTRY]);
        self.nodes += 1;
        if header.eh_magic != Ext4ExtentHeader::EXT4_EXT_MAGIC
            || header.eh_depth > deepest
            || self.nodes > MOST
        {
            return Err(Errno::EUCLEAN);
        }
        let entries = node[ENTRY..].chunks_exact(ENTRY);
        for entry in entries.take(header.eh_entries.into()) {
            if self.blocks > self.most {
                break;
            }
            let Some(below) = header.eh_depth.checked_sub(1) else {
                self.blocks += u64::from(Ext4Extent::from_disk_bytes(entry).len());
                continue;
            };
            let index = Ext4ExtentIdx::from_disk_bytes(entry);
            let block = u64::from(index.ei_leaf_hi) << 32 | u64::from(index.ei_leaf_lo);
            let mut child = vec![0; self.block_size as usize];
            let offset = block * u64::from(self.block_size);
            self.source.read_at(self.lwp, offset, &mut child)?;
            self.blocks += 1;
            self.node(&child, below)?;
        }
        Ok(())
    }
}
