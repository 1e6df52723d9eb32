//! What a new file system says of itself, and its journal.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use rsext4::EXT4_SUPER_MAGIC;
use rsext4::superblock::Ext4Superblock;
use vfs::Time;

use super::plan::{BLOCK, DESCRIPTOR, FIRST_INODE, GROUP, INODES_A_BLOCK, Plan};

/// Attributes of users, and lists of access control, as a mount has them by itself.
const MOUNT_OPTIONS: u32 = 0b1100;
/// Names are hashed by half of MD4, their bytes taken for signed.
const HALF_MD4: u8 = 1;
const SIGNED_HASH: u32 = 1;
/// Checksums are CRC-32C.
const CRC32C: u8 = 1;
/// Bytes that an inode uses beside the first 128.
pub(super) const EXTRA: u16 = 32;

/// The superblock of the first group, with a random identity.
pub(super) fn superblock(plan: &Plan, label: &str, now: Time) -> Ext4Superblock {
    let mut volume_name = [0; super::LABEL];
    volume_name[..label.len()].copy_from_slice(label.as_bytes());
    let reserved = plan.blocks / 20;
    let free = plan.free_blocks();
    let inodes = plan.groups * plan.inodes_per_group;
    let seconds = now.seconds as u32;
    let seed = random();
    let word = |at: usize| u32::from_le_bytes([seed[at], seed[at + 1], seed[at + 2], seed[at + 3]]);
    let has_journal = !plan.own().2.is_empty();
    Ext4Superblock {
        s_inodes_count: inodes,
        s_blocks_count_lo: plan.blocks as u32,
        s_blocks_count_hi: (plan.blocks >> 32) as u32,
        s_r_blocks_count_lo: reserved as u32,
        s_free_blocks_count_lo: free as u32,
        s_free_inodes_count: inodes - FIRST_INODE,
        s_log_block_size: BLOCK.trailing_zeros() - 10,
        s_log_cluster_size: BLOCK.trailing_zeros() - 10,
        s_blocks_per_group: GROUP as u32,
        s_clusters_per_group: GROUP as u32,
        s_inodes_per_group: plan.inodes_per_group,
        s_wtime: seconds,
        s_lastcheck: seconds,
        s_mkfs_time: seconds,
        s_max_mnt_count: u16::MAX,
        s_magic: EXT4_SUPER_MAGIC,
        s_state: Ext4Superblock::EXT4_VALID_FS,
        s_errors: Ext4Superblock::EXT4_ERRORS_CONTINUE,
        s_rev_level: Ext4Superblock::EXT4_DYNAMIC_REV,
        s_first_ino: FIRST_INODE,
        s_inode_size: (BLOCK / u64::from(INODES_A_BLOCK)) as u16,
        s_feature_compat: Ext4Superblock::EXT4_FEATURE_COMPAT_EXT_ATTR
            | Ext4Superblock::EXT4_FEATURE_COMPAT_DIR_INDEX
            | match has_journal {
                true => Ext4Superblock::EXT4_FEATURE_COMPAT_HAS_JOURNAL,
                false => 0,
            },
        s_feature_incompat: Ext4Superblock::EXT4_FEATURE_INCOMPAT_FILETYPE
            | Ext4Superblock::EXT4_FEATURE_INCOMPAT_EXTENTS
            | Ext4Superblock::EXT4_FEATURE_INCOMPAT_64BIT,
        s_feature_ro_compat: Ext4Superblock::EXT4_FEATURE_RO_COMPAT_SPARSE_SUPER
            | Ext4Superblock::EXT4_FEATURE_RO_COMPAT_LARGE_FILE
            | Ext4Superblock::EXT4_FEATURE_RO_COMPAT_HUGE_FILE
            | Ext4Superblock::EXT4_FEATURE_RO_COMPAT_DIR_NLINK
            | Ext4Superblock::EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE
            | Ext4Superblock::EXT4_FEATURE_RO_COMPAT_METADATA_CSUM,
        s_uuid: uuid(),
        s_volume_name: volume_name,
        s_journal_inum: if has_journal { super::JOURNAL } else { 0 },
        s_hash_seed: [word(0), word(4), word(8), word(12)],
        s_def_hash_version: HALF_MD4,
        s_flags: SIGNED_HASH,
        s_desc_size: DESCRIPTOR as u16,
        s_default_mount_opts: MOUNT_OPTIONS,
        s_min_extra_isize: EXTRA,
        s_want_extra_isize: EXTRA,
        s_checksum_type: CRC32C,
        ..Ext4Superblock::default()
    }
}

/// The first block of an empty journal, whose numbers are big-endian.
pub(super) fn journal(blocks: &Range<u64>) -> Vec<u8> {
    const MAGIC: u32 = 0xc03b_3998;
    const SUPERBLOCK: u32 = 4;
    let len = (blocks.end - blocks.start) as u32;
    let mut bytes = vec![0; BLOCK as usize];
    // Kind, blocks' size, how many, the first of the log, the number that comes next, users.
    for (at, word) in [
        (0, MAGIC),
        (4, SUPERBLOCK),
        (12, BLOCK as u32),
        (16, len),
        (20, 1),
        (24, 1),
        (64, 1),
    ] {
        bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// A random identity (RFC 9562, 5.4).
fn uuid() -> [u8; 16] {
    let mut bytes = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    hypercall::random::fill((&mut bytes[..]).into());
    bytes
}
