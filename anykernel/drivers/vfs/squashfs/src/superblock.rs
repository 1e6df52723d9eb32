//! What a squashfs begins with.

use alloc::format;

use base::{Errno, Failure, Lwp};
use bio::Volume;

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::compressor::Compressor;

/// What it begins with: `hsqs`.
const MAGIC: u32 = 0x7371_7368;
/// Bytes of it.
const LEN: usize = 96;
/// The blocks there may be.
const BLOCKS: core::ops::RangeInclusive<u32> = 4096..=1 << 20;
/// A table that there is not.
pub(crate) const NONE: u64 = u64::MAX;

pub(crate) struct Superblock {
    pub(crate) inodes: u32,
    pub(crate) block_size: u32,
    pub(crate) fragments: u32,
    pub(crate) compressor: Compressor,
    pub(crate) owners: u16,
    pub(crate) root: u64,
    /// Bytes of all of it.
    pub(crate) size: u64,
    pub(crate) owner_table: u64,
    pub(crate) xattr_table: u64,
    pub(crate) inode_table: u64,
    pub(crate) directory_table: u64,
    pub(crate) fragment_table: u64,
}

impl Superblock {
    /// Whether there is a squashfs on a volume, of whatever version.
    pub(crate) fn is_on(lwp: &Lwp<'_>, volume: &Volume) -> bool {
        let mut magic = [0; 4];
        volume.size() >= LEN as u64
            && volume.read_at(lwp, 0, &mut magic).is_ok()
            && u32_at(&magic, 0) == MAGIC
    }

    pub(crate) fn read(lwp: &Lwp<'_>, volume: &Volume) -> Result<Superblock, Failure> {
        if !Superblock::is_on(lwp, volume) {
            return Err(Failure::new(
                Errno::EINVAL,
                "byte 0: no squashfs begins here",
            ));
        }
        let mut raw = [0; LEN];
        volume.read_at(lwp, 0, &mut raw)?;
        let version = (u16_at(&raw, 28), u16_at(&raw, 30));
        if version != (4, 0) {
            let message = format!(
                "byte 28: squashfs {}.{}, which is not 4.0",
                version.0, version.1
            );
            return Err(Failure::new(Errno::EINVAL, message));
        }
        let superblock = Superblock {
            inodes: u32_at(&raw, 4),
            block_size: u32_at(&raw, 12),
            fragments: u32_at(&raw, 16),
            compressor: Compressor::of(u16_at(&raw, 20))?,
            owners: u16_at(&raw, 26),
            root: u64_at(&raw, 32),
            size: u64_at(&raw, 40),
            owner_table: u64_at(&raw, 48),
            xattr_table: u64_at(&raw, 56),
            inode_table: u64_at(&raw, 64),
            directory_table: u64_at(&raw, 72),
            fragment_table: u64_at(&raw, 80),
        };
        superblock.check(volume.size())?;
        Ok(superblock)
    }

    /// Whether all of it is there, and makes sense.
    fn check(&self, volume: u64) -> Result<(), Failure> {
        let unclean = |message| Err(Failure::new(Errno::EUCLEAN, message));
        if !BLOCKS.contains(&self.block_size) || !self.block_size.is_power_of_two() {
            return unclean(format!("byte 12: blocks of {} bytes", self.block_size));
        }
        if self.size > volume {
            return unclean(format!(
                "byte 40: it has {} bytes, and there are only {volume}: it was cut off",
                self.size
            ));
        }
        let tables = [
            (48, self.owner_table),
            (64, self.inode_table),
            (72, self.directory_table),
        ];
        let optional = [(56, self.xattr_table), (80, self.fragment_table)];
        let optional = optional.into_iter().filter(|(_, table)| *table != NONE);
        for (byte, table) in tables.into_iter().chain(optional) {
            if table < LEN as u64 || table >= self.size {
                return unclean(format!(
                    "byte {byte}: a table at {table}, outside the image"
                ));
            }
        }
        Ok(())
    }
}
