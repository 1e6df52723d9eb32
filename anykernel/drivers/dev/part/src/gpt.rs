//! The GUID partition table (UEFI 2.10, section 5.3). It is there twice: if the one at the beginning of the disk is
//! damaged, the one at its end counts.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::blocks::{Blocks, Lacking};
use crate::table::{Partition, Table};

const SIGNATURE: &[u8] = b"EFI PART";

// Fields of the header (table 5-5).
const HEADER_SIZE: usize = 12;
const HEADER_CRC: usize = 16;
const MY_LBA: usize = 24;
const ENTRY_LBA: usize = 72;
const ENTRY_COUNT: usize = 80;
const ENTRY_SIZE: usize = 84;
const ENTRIES_CRC: usize = 88;
const SHORTEST: usize = 92;

// Fields of an entry (table 5-6).
const FIRST: usize = 32;
const LAST: usize = 40;
const NAME: usize = 56;
const SMALLEST: usize = 128;

/// The most bytes of all entries together. Usual are 16 KiB.
const MOST_BYTES: u64 = 1 << 18;

/// Reads the table of a disk that is said to have one.
pub(crate) fn read(blocks: &Blocks) -> Result<Table, Lacking> {
    let mut table = Table::of("GPT");
    // A disk that could be read has a block.
    let last = blocks.geometry.blocks - 1;
    let why = match entries(blocks, 1)? {
        Ok(entries) => {
            entries.add_to(blocks, &mut table);
            return Ok(table);
        }
        Err(why) => why,
    };
    match entries(blocks, last)? {
        Ok(entries) => {
            table.complain(
                1,
                format_args!("{why}; the copy of the GPT at {last} is used"),
            );
            entries.add_to(blocks, &mut table);
        }
        Err(why_copy) => {
            table.complain(1, why);
            table.complain(last, format_args!("{why_copy}; so no partition is known"));
        }
    }
    Ok(table)
}

/// The entries of a table that is sound.
struct Entries {
    /// The block where they begin.
    at: u64,
    size: usize,
    bytes: Vec<u8>,
}

/// Reads and checks the header at a block and the entries it speaks of, or says what is wrong.
fn entries(blocks: &Blocks, at: u64) -> Result<Result<Entries, String>, Lacking> {
    let header = match blocks.get(at, 1)? {
        Ok(header) => header,
        Err(why) => return Ok(Err(why.to_string())),
    };
    let (first, count, size) = match check(&header, at) {
        Ok(checked) => checked,
        Err(why) => return Ok(Err(why)),
    };
    let len = count * size;
    let bytes = match blocks.get(first, len.div_ceil(blocks.size() as u64))? {
        Ok(mut bytes) => {
            bytes.truncate(len as usize);
            bytes
        }
        Err(why) => return Ok(Err(format!("its entries at {first}: {why}"))),
    };
    Ok(match crc32(&[&bytes]) == read32(&header, ENTRIES_CRC) {
        true => Ok(Entries {
            at: first,
            size: size as usize,
            bytes,
        }),
        false => Err(format!("the checksum of its entries at {first} is wrong")),
    })
}

/// Where the entries of a header begin, how many there are, and bytes of each.
fn check(header: &[u8], at: u64) -> Result<(u64, u64, u64), String> {
    if !header.starts_with(SIGNATURE) {
        return Err("here should be the header of a GPT".into());
    }
    let len = read32(header, HEADER_SIZE) as usize;
    if !(SHORTEST..=header.len()).contains(&len) {
        return Err(format!("a GPT's header of {len} bytes"));
    }
    // The checksum is that of a header whose own is zero.
    let (before, after) = (&header[..HEADER_CRC], &header[HEADER_CRC + 4..len]);
    if crc32(&[before, &[0; 4], after]) != read32(header, HEADER_CRC) {
        return Err("the checksum of the GPT's header is wrong".into());
    }
    if read64(header, MY_LBA) != at {
        return Err(format!(
            "this GPT's header is that of block {}",
            read64(header, MY_LBA)
        ));
    }
    let count = u64::from(read32(header, ENTRY_COUNT));
    let size = read32(header, ENTRY_SIZE) as usize;
    if size < SMALLEST || !size.is_power_of_two() {
        return Err(format!("a GPT with entries of {size} bytes"));
    }
    if count * size as u64 > MOST_BYTES {
        return Err(format!("a GPT with {count} entries of {size} bytes"));
    }
    Ok((read64(header, ENTRY_LBA), count, size as u64))
}

impl Entries {
    fn add_to(&self, blocks: &Blocks, table: &mut Table) {
        for (index, entry) in self.bytes.chunks_exact(self.size).enumerate() {
            // One without a type is not used.
            if entry[..16] == [0; 16] {
                continue;
            }
            let number = index as u32 + 1;
            let at = self.at + (index * self.size / blocks.size()) as u64;
            let (first, last) = (read64(entry, FIRST), read64(entry, LAST));
            let count = last.checked_sub(first).and_then(|less| less.checked_add(1));
            match count {
                Some(count) => table.add(
                    blocks,
                    at,
                    Partition {
                        number,
                        first,
                        count,
                        name: name(&entry[NAME..SMALLEST]),
                    },
                ),
                None => {
                    let what = format_args!(
                        "partition {number} is from {first} to {last}; it is left out"
                    );
                    table.complain(at, what);
                }
            }
        }
    }
}

/// A name in UTF-16, which ends with a zero if it is no longer.
fn name(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2);
    let units = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let characters = char::decode_utf16(units.take_while(|unit| *unit != 0));
    characters
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn read32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn read64(bytes: &[u8], at: usize) -> u64 {
    u64::from(read32(bytes, at + 4)) << 32 | u64::from(read32(bytes, at))
}

/// The CRC of Ethernet and many others, of these bytes one after the other.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().copied().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            crc = crc >> 1 ^ carry;
        }
    }
    !crc
}
