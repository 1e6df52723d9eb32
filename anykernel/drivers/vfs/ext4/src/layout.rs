//! Where inodes are on the disk.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;

use base::{Errno, Lwp};
use rsext4::blockgroup_description::Ext4GroupDesc;
use rsext4::disknode::Ext4Inode;
use rsext4::endian::DiskFormat;
use rsext4::superblock::Ext4Superblock;
use rsext4::{
    EXT4_SUPER_MAGIC, Ext4Error, Ext4Result, GOOD_OLD_INODE_SIZE, SUPERBLOCK_OFFSET,
    SUPERBLOCK_SIZE,
};

use crate::error::errno;
use crate::filesystem::ROOT;
use crate::medium::Padding;
use crate::source::Source;

/// Inodes without a name that are looked at before they are ended.
const MOST_ORPHANS: usize = 10_000;

/// Bytes of an inode that mean the same in all sizes.
const INODE: usize = 256;

/// What the superblock says of where things are.
pub(crate) struct Layout(Box<Ext4Superblock>);

impl Layout {
    /// Reads a volume's superblock. `EINVAL` if there is none.
    pub(crate) fn read(lwp: &Lwp<'_>, source: &Source) -> Result<Self, Errno> {
        let mut bytes = [0; SUPERBLOCK_SIZE];
        let room = source.volume.size() >= SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE as u64;
        if room {
            source.read_at(lwp, SUPERBLOCK_OFFSET, &mut bytes)?;
        }
        let superblock = Box::new(Ext4Superblock::from_disk_bytes(&bytes));
        match superblock.s_magic == EXT4_SUPER_MAGIC {
            true => Ok(Layout(superblock)),
            false => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn superblock(&self) -> &Ext4Superblock {
        &self.0
    }

    /// Bytes of the largest file: as many blocks as extents number.
    pub(crate) fn largest_file(&self) -> u64 {
        self.0.block_size() * u64::from(u32::MAX)
    }

    /// The first inode that is a file like any other.
    pub(crate) fn first_inode(&self) -> u32 {
        match self.0.s_rev_level {
            0 => 11,
            _ => self.0.s_first_ino,
        }
    }

    /// Whether there may be something in the journal that is nowhere else.
    pub(crate) fn left_a_journal(&self) -> bool {
        let recover = Ext4Superblock::EXT4_FEATURE_INCOMPAT_RECOVER;
        self.0.has_journal() && self.0.has_feature_incompat(recover)
    }

    /// Inodes that a mount looks into: the root, the journal, and those that lost their names, each of which tells the next.
    pub(crate) fn used_by_mounts(&self, lwp: &Lwp<'_>, source: &Source) -> BTreeSet<u32> {
        let mut inodes = BTreeSet::from([ROOT, self.0.s_journal_inum]);
        let mut next = self.0.s_last_orphan;
        while inodes.len() < MOST_ORPHANS && inodes.insert(next) {
            match self.inode(lwp, source, next) {
                Ok(inode) => next = inode.i_dtime,
                Err(_) => break,
            }
        }
        inodes
    }

    /// How many blocks the journal says it has. An error if there is no such inode.
    pub(crate) fn journal_blocks(&self, lwp: &Lwp<'_>, source: &Source) -> Ext4Result<u64> {
        if !self.0.has_journal() || self.0.s_journal_inum == 0 {
            return Ok(0);
        }
        let inode = self.inode(lwp, source, self.0.s_journal_inum);
        let inode = inode.map_err(|_| Ext4Error::corrupted().with_operation("journal: inode"))?;
        Ok(inode.size() / u64::from(self.0.checked_block_size()?))
    }

    /// Reads an inode as it is on the disk. `EUCLEAN` if it cannot be there.
    pub(crate) fn inode(
        &self,
        lwp: &Lwp<'_>,
        source: &Source,
        number: u32,
    ) -> Result<Ext4Inode, Errno> {
        let offset = self.inode_at(lwp, source, number)?;
        let mut bytes = [0; INODE];
        let bytes = &mut bytes[..self.inode_size().min(INODE)];
        source.read_at(lwp, offset, bytes)?;
        // Large ones say how much of them is used; the crate's own check of that is not public.
        let (small, more) = bytes.split_at(GOOD_OLD_INODE_SIZE.into());
        let used = more
            .first_chunk()
            .map_or(0, |used| u16::from_le_bytes(*used));
        match usize::from(used) <= self.inode_size() - small.len() {
            true => Ok(Ext4Inode::from_disk_bytes(bytes)),
            false => Err(Errno::EUCLEAN),
        }
    }

    /// Bytes of an inode.
    pub(crate) fn inode_size(&self) -> usize {
        self.0.s_inode_size.max(GOOD_OLD_INODE_SIZE).into()
    }

    /// The first byte of an inode. `EUCLEAN` if it cannot be there.
    pub(crate) fn inode_at(
        &self,
        lwp: &Lwp<'_>,
        source: &Source,
        number: u32,
    ) -> Result<u64, Errno> {
        let index = number.checked_sub(1).ok_or(Errno::EUCLEAN)?;
        let per_group = self.0.s_inodes_per_group.max(1);
        let table = self.table(lwp, source, index / per_group)?;
        let within = u64::from(index % per_group) * self.inode_size() as u64;
        table.checked_add(within).ok_or(Errno::EUCLEAN)
    }

    /// Where bitmaps of inodes are longer than there are inodes.
    pub(crate) fn padding(&self, lwp: &Lwp<'_>, source: &Source) -> Result<Padding, Errno> {
        let block_size = self.0.checked_block_size().map_err(errno)?;
        // Inodes come by eight at least.
        let bits = self.0.s_inodes_per_group.div_ceil(8) as usize..block_size as usize;
        let mut bitmaps = BTreeSet::new();
        if !bits.is_empty() {
            for group in 0..self.0.checked_block_groups_count().map_err(errno)? {
                let bitmap = self.group(lwp, source, group)?.inode_bitmap();
                bitmaps.insert(
                    bitmap
                        .checked_mul(block_size.into())
                        .ok_or(Errno::EUCLEAN)?,
                );
            }
        }
        Ok(Padding { bitmaps, bits })
    }

    /// The first byte of a group's inodes.
    fn table(&self, lwp: &Lwp<'_>, source: &Source, group: u32) -> Result<u64, Errno> {
        let block_size = u64::from(self.0.checked_block_size().map_err(errno)?);
        let first = self.group(lwp, source, group)?.inode_table();
        first.checked_mul(block_size).ok_or(Errno::EUCLEAN)
    }

    fn group(&self, lwp: &Lwp<'_>, source: &Source, group: u32) -> Result<Ext4GroupDesc, Errno> {
        let size = usize::from(self.0.get_desc_size());
        let first = self.0.primary_gdt_byte_offset().map_err(errno)?;
        let mut bytes = [0; 64];
        let bytes = &mut bytes[..size.clamp(32, 64)];
        source.read_at(lwp, first + u64::from(group) * size as u64, bytes)?;
        Ext4GroupDesc::decode_checked(bytes).map_err(errno)
    }
}
