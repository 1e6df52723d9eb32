//! The inodes that a new file system has, and its directories.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use rsext4::checksum::ext4_metadata_csum32;
use rsext4::disknode::{Ext4ExtentHeader, Ext4Inode};
use vfs::Time;

use super::identity::EXTRA;
use super::plan::{BLOCK, INODES_A_BLOCK};

/// Bytes at the end of a directory's block that have its checksum and look like an entry.
const TAIL: usize = 12;
/// Bytes of an entry before its name.
const HEAD: usize = 8;
/// What an entry calls a directory, and a tail.
const DIRECTORY: u8 = 2;
const CHECKSUM: u8 = 0xde;

/// An inode whose blocks are neighbours.
pub(super) struct Made {
    pub(super) blocks: Range<u64>,
    pub(super) mode: u16,
    pub(super) links: u16,
    pub(super) now: Time,
}

impl Made {
    fn count(&self) -> u64 {
        self.blocks.end - self.blocks.start
    }

    /// Where its blocks are: a tree of one extent.
    pub(super) fn map(&self) -> [u32; 15] {
        let mut map = [0; 15];
        // One entry of four that there is room for.
        map[0] = 1 << 16 | u32::from(Ext4ExtentHeader::EXT4_EXT_MAGIC);
        map[1] = 4;
        map[4] = self.count() as u32;
        map[5] = self.blocks.start as u32;
        map
    }

    /// It as it is on the disk, but for the checksum.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut raw = vec![0; BLOCK as usize / INODES_A_BLOCK as usize];
        let mut put = |at: usize, value: &[u8]| raw[at..at + value.len()].copy_from_slice(value);
        let seconds = (self.now.seconds as u32).to_le_bytes();
        // Bits of seconds beyond 32, below nanoseconds.
        let more = self.now.nanoseconds << 2 | (self.now.seconds >> 32) as u32 & 3;
        put(0, &self.mode.to_le_bytes());
        put(4, &((self.count() * BLOCK) as u32).to_le_bytes());
        for at in [8, 12, 16, 144] {
            put(at, &seconds);
        }
        for at in [132, 136, 140, 148] {
            put(at, &more.to_le_bytes());
        }
        put(26, &self.links.to_le_bytes());
        put(28, &((self.count() * BLOCK / 512) as u32).to_le_bytes());
        put(32, &Ext4Inode::EXT4_EXTENTS_FL.to_le_bytes());
        for (at, word) in (40..).step_by(4).zip(self.map()) {
            put(at, &word.to_le_bytes());
        }
        put(128, &EXTRA.to_le_bytes());
        raw
    }
}

/// A block of a directory, with these directories in it.
pub(super) fn directory(seed: u32, number: u32, entries: &[(u32, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; BLOCK as usize];
    let end = block.len() - TAIL;
    let nothing = [(0, &b""[..])];
    let entries = if entries.is_empty() {
        &nothing
    } else {
        entries
    };
    let mut at = 0;
    for (index, (inode, name)) in entries.iter().enumerate() {
        let len = match index + 1 == entries.len() {
            true => end - at,
            false => (HEAD + name.len()).next_multiple_of(4),
        };
        block[at..at + 4].copy_from_slice(&inode.to_le_bytes());
        block[at + 4..at + 6].copy_from_slice(&(len as u16).to_le_bytes());
        block[at + 6] = name.len() as u8;
        block[at + 7] = if *inode == 0 { 0 } else { DIRECTORY };
        block[at + HEAD..at + HEAD + name.len()].copy_from_slice(name);
        at += len;
    }
    block[end + 4] = TAIL as u8;
    block[end + 7] = CHECKSUM;
    let generation = 0_u32.to_le_bytes();
    let parts = [&number.to_le_bytes(), &generation, &block[..end]];
    let checksum = ext4_metadata_csum32(seed, &parts);
    block[end + HEAD..].copy_from_slice(&checksum.to_le_bytes());
    block
}
