//! New file systems ("ext4 Data Structures and Algorithms", the kernel's documentation).
//!
//! They are as `mke2fs` makes them, but plainer: blocks of 4 KiB, each group has its own bitmaps and inodes, and nothing
//! waits to be made later. The crate's own maker gives all the same identity, on which their checksums depend, has no labels,
//! and finds no room below 32 MiB.

mod identity;
mod inode;
mod plan;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use base::{Errno, Failure, Lwp};
use bio::Volume;
use rsext4::SUPERBLOCK_OFFSET;
use rsext4::checksum::ext4_metadata_csum32;
use rsext4::crc32c::ext4_crc32c_seed_from_superblock;
use rsext4::endian::DiskFormat;
use rsext4::superblock::Ext4Superblock;
use vfs::Time;

use inode::Made;
use plan::{BLOCK, DESCRIPTOR, FIRST_INODE, GROUP, INODES_A_BLOCK, Plan};

/// Bytes of a label.
const LABEL: usize = 16;

/// Bytes at the beginning that other file systems are recognised by.
const BEGINNING: u64 = 128 * 1024;

/// Bytes of a block.
const BYTES: usize = BLOCK as usize;

/// The file system's own inodes.
const ROOT: u32 = crate::filesystem::ROOT;
const JOURNAL: u32 = 8;
const LOST_AND_FOUND: u32 = FIRST_INODE;

/// Makes a new file system. The superblock is the last that is written.
pub(crate) fn make(lwp: &Lwp<'_>, volume: &Volume, label: &str) -> Result<(), Failure> {
    if label.len() > LABEL || label.contains('\0') {
        let message = format!("a label of ext4 has at most {LABEL} bytes, and {label:?} has not");
        return Err(Failure::new(Errno::EINVAL, message));
    }
    let plan = Plan::of(volume.size())?;
    let superblock = identity::superblock(&plan, label, Time::now());
    let maker = Maker {
        lwp,
        volume,
        seed: ext4_crc32c_seed_from_superblock(&superblock),
        plan,
        superblock,
    };
    maker.make()?;
    Ok(())
}

/// What a new file system is written with.
struct Maker<'a> {
    lwp: &'a Lwp<'a>,
    volume: &'a Volume,
    /// What all checksums begin with.
    seed: u32,
    plan: Plan,
    superblock: Ext4Superblock,
}

impl Maker<'_> {
    fn make(mut self) -> Result<(), Errno> {
        let beginning = BEGINNING.min(self.volume.size());
        self.volume.clear(self.lwp, 0, beginning)?;
        self.volume.flush(self.lwp)?;
        let descriptors = self.groups()?;
        self.inodes()?;
        for group in 1..self.plan.groups {
            if self.plan.has_copy(group) {
                let start = self.plan.start(group);
                self.write(start + 1, &descriptors)?;
                let superblock = self.superblock_of(group);
                self.write(start, &superblock)?;
            }
        }
        self.write(1, &descriptors)?;
        self.volume.flush(self.lwp)?;
        let superblock = self.superblock_of(0);
        self.volume
            .write_at(self.lwp, SUPERBLOCK_OFFSET, &superblock)?;
        self.volume.flush(self.lwp)
    }

    /// Writes whole blocks.
    fn write(&self, block: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.volume.write_at(self.lwp, block * BLOCK, bytes)
    }

    /// A group's superblock.
    fn superblock_of(&self, group: u32) -> Vec<u8> {
        let mut superblock = self.superblock;
        // Backups say whose they are, as far as there are bits for it.
        superblock.s_block_group_nr = group as u16;
        superblock.update_checksum();
        let mut bytes = vec![0; rsext4::SUPERBLOCK_SIZE];
        superblock.to_disk_bytes(&mut bytes);
        bytes
    }

    /// Writes all groups' bitmaps and has their inodes be zeros. Returns their descriptors.
    fn groups(&self) -> Result<Vec<u8>, Errno> {
        let len = self.plan.descriptor_blocks() as usize * BYTES;
        let mut descriptors = Vec::new();
        let room = descriptors.try_reserve_exact(len);
        room.map_err(|_| Errno::ENOMEM)?;
        descriptors.resize(len, 0);
        for (group, descriptor) in (0..self.plan.groups).zip(descriptors.chunks_mut(DESCRIPTOR)) {
            let plan = &self.plan;
            let blocks = bitmap(&[0..plan.used(group), plan.len(group)..GROUP]);
            let inodes_used = if group == 0 { FIRST_INODE } else { 0 };
            let inodes = plan.inodes_per_group;
            let numbers = bitmap(&[
                0..u64::from(inodes_used),
                u64::from(inodes)..(BYTES * 8) as u64,
            ]);
            let bitmaps = plan.start(group) + plan.head(group);
            self.write(bitmaps, &blocks)?;
            self.write(bitmaps + 1, &numbers)?;
            let table = u64::from(plan.inode_blocks());
            self.volume
                .clear(self.lwp, (bitmaps + 2) * BLOCK, table * BLOCK)?;

            let checksum = |bitmap: &[u8]| ext4_metadata_csum32(self.seed, &[bitmap]);
            let of_blocks = checksum(&blocks);
            let of_numbers = checksum(&numbers[..inodes as usize / 8]);
            let free_blocks = (plan.len(group) - plan.used(group)) as u16;
            let free_inodes = (inodes - inodes_used) as u16;
            let mut put = |at: usize, value: &[u8]| {
                descriptor[at..at + value.len()].copy_from_slice(value);
            };
            for (at, block) in [(0, bitmaps), (4, bitmaps + 1), (8, bitmaps + 2)] {
                put(at, &(block as u32).to_le_bytes());
            }
            put(12, &free_blocks.to_le_bytes());
            put(14, &free_inodes.to_le_bytes());
            if group == 0 {
                // Directories: the root, and lost+found.
                put(16, &2_u16.to_le_bytes());
            }
            /// The inodes are zeros.
            const ZEROED: u16 = 4;
            put(18, &ZEROED.to_le_bytes());
            put(24, &(of_blocks as u16).to_le_bytes());
            put(26, &(of_numbers as u16).to_le_bytes());
            // Inodes that never were used.
            put(28, &free_inodes.to_le_bytes());
            put(56, &((of_blocks >> 16) as u16).to_le_bytes());
            put(58, &((of_numbers >> 16) as u16).to_le_bytes());
            let sum = ext4_metadata_csum32(self.seed, &[&group.to_le_bytes(), descriptor]);
            descriptor[30..32].copy_from_slice(&(sum as u16).to_le_bytes());
        }
        Ok(descriptors)
    }

    /// Writes the inodes that there are, and what is in them.
    fn inodes(&mut self) -> Result<(), Errno> {
        let (root, lost, journal) = self.plan.own();
        let seed = self.seed;
        let bytes = inode::directory(
            seed,
            ROOT,
            &[(ROOT, b"."), (ROOT, b".."), (LOST_AND_FOUND, b"lost+found")],
        );
        self.write(root.start, &bytes)?;
        let bytes = inode::directory(
            seed,
            LOST_AND_FOUND,
            &[(LOST_AND_FOUND, b"."), (ROOT, b"..")],
        );
        self.write(lost.start, &bytes)?;
        for block in lost.start + 1..lost.end {
            self.write(block, &inode::directory(seed, LOST_AND_FOUND, &[]))?;
        }
        let now = Time::now();
        let made = |blocks: Range<u64>, mode, links| Made {
            blocks,
            mode,
            links,
            now,
        };
        self.put(ROOT, &made(root, 0o040_755, 3))?;
        self.put(LOST_AND_FOUND, &made(lost, 0o040_700, 2))?;
        if !journal.is_empty() {
            let len = (journal.end - journal.start) * BLOCK;
            self.volume.clear(self.lwp, journal.start * BLOCK, len)?;
            self.write(journal.start, &identity::journal(&journal))?;
            let journal = made(journal, 0o100_600, 1);
            // Where it is stands in the superblock, too.
            self.superblock.s_jnl_backup_type = 1;
            self.superblock.s_jnl_blocks[..15].copy_from_slice(&journal.map());
            self.superblock.s_jnl_blocks[16] = len as u32;
            self.put(JOURNAL, &journal)?;
        }
        Ok(())
    }

    /// Writes an inode of the first group.
    fn put(&self, number: u32, made: &Made) -> Result<(), Errno> {
        let mut raw = made.bytes();
        crate::blocks::sign(&self.superblock, number, &mut raw);
        let table = self.plan.head(0) + 2;
        let index = u64::from(number - 1);
        let offset = table * BLOCK + index * (BLOCK / u64::from(INODES_A_BLOCK));
        self.volume.write_at(self.lwp, offset, &raw)
    }
}

/// A block with these bits set.
fn bitmap(set: &[Range<u64>]) -> Vec<u8> {
    let mut bytes = vec![0_u8; BYTES];
    for bit in set.iter().cloned().flatten() {
        bytes[bit as usize / 8] |= 1 << (bit % 8);
    }
    bytes
}
