//! Tables made by hand.

use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::gpt::crc32;

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// An entry of a boot record: kind, first block, count.
pub(super) type Entry = (u8, u32, u32);

/// A disk of so many empty blocks.
pub(super) fn empty(blocks: usize) -> Vec<u8> {
    vec![0; blocks * BLOCK]
}

/// Writes a boot record, or a link of the chain.
pub(super) fn put_mbr(disk: &mut [u8], at: usize, entries: &[Entry]) {
    let sector = &mut disk[at * BLOCK..][..BLOCK];
    for (entry, (kind, first, count)) in sector[446..].chunks_mut(16).zip(entries) {
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..16].copy_from_slice(&count.to_le_bytes());
    }
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
}

/// What a test may want otherwise in the header of a GPT.
pub(super) struct Header {
    pub(super) size: u32,
    pub(super) entries: u64,
    pub(super) count: u32,
    pub(super) entry_size: u32,
}

/// The usual one, whose entries are behind it.
pub(super) const HEADER: Header = Header {
    size: 92,
    entries: 2,
    count: 128,
    entry_size: 128,
};

/// Writes a GPT at block 1, its copy at the end, and the boot record that goes with it.
pub(super) fn put_gpt(disk: &mut [u8], partitions: &[(u64, u64)]) {
    let last = disk.len() / BLOCK - 1;
    put_mbr(disk, 0, &[(0xee, 1, last as u32)]);
    put_header(disk, 1, &HEADER, partitions);
    let copy = Header {
        entries: last as u64 - 32,
        ..HEADER
    };
    put_header(disk, last, &copy, partitions);
}

/// The name of the partition of an entry. The second one's takes all the room that there is.
pub(super) fn name(index: usize) -> String {
    match index {
        1 => "\u{fc}".repeat(36),
        _ => format!("part {index}"),
    }
}

/// Writes a header at a block, and as many of its entries as the disk has room for.
pub(super) fn put_header(disk: &mut [u8], at: usize, header: &Header, partitions: &[(u64, u64)]) {
    let size = header.entry_size as usize;
    let mut entries = vec![0; (header.count as usize * size).min(1 << 20)];
    for (index, (entry, (first, last))) in
        entries.chunks_mut(size.max(1)).zip(partitions).enumerate()
    {
        entry[..16].fill(7);
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
        for (to, unit) in entry[56..128]
            .chunks_exact_mut(2)
            .zip(name(index).encode_utf16())
        {
            to.copy_from_slice(&unit.to_le_bytes());
        }
    }
    let start = header.entries.saturating_mul(BLOCK as u64) as usize;
    if let Some(room) = disk.get_mut(start..start.saturating_add(entries.len())) {
        room.copy_from_slice(&entries);
    }
    let mut bytes = [0; BLOCK];
    bytes[..8].copy_from_slice(b"EFI PART");
    bytes[8..12].copy_from_slice(&0x10000u32.to_le_bytes());
    bytes[12..16].copy_from_slice(&header.size.to_le_bytes());
    bytes[24..32].copy_from_slice(&(at as u64).to_le_bytes());
    bytes[72..80].copy_from_slice(&header.entries.to_le_bytes());
    bytes[80..84].copy_from_slice(&header.count.to_le_bytes());
    bytes[84..88].copy_from_slice(&header.entry_size.to_le_bytes());
    bytes[88..92].copy_from_slice(&crc32(&[&entries]).to_le_bytes());
    let crc = crc32(&[&bytes[..(header.size as usize).min(BLOCK)]]);
    bytes[16..20].copy_from_slice(&crc.to_le_bytes());
    disk[at * BLOCK..][..BLOCK].copy_from_slice(&bytes);
}
