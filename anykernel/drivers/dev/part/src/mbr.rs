//! The master boot record, and the chain of logical partitions. Nobody has standardised it; UEFI 2.10 section 5.2 has its
//! layout. Addresses are in the disk's blocks.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::blocks::{Blocks, Lacking};
use crate::table::{Partition, Table};

const ENTRIES: usize = 446;
const ENTRY: usize = 16;
const SIGNATURE: [u8; 2] = [0x55, 0xaa];

// Kinds of partitions.
const UNUSED: u8 = 0;
const PROTECTIVE: u8 = 0xee;
/// Those that hold logical ones: of CHS, of LBA, of Linux's.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];

/// The first number of a logical partition.
const LOGICAL: u32 = 5;

/// The longest chain of logical partitions.
const MOST_LOGICAL: usize = 128;

/// What file systems write where a boot record has code (BIOS parameter blocks of FAT, exFAT and NTFS). Their first
/// sectors have the same signature.
const FILE_SYSTEMS: [(usize, &[u8]); 4] = [
    (3, b"EXFAT   "),
    (3, b"NTFS    "),
    (54, b"FAT1"),
    (82, b"FAT32"),
];

/// An entry of a table.
#[derive(Clone, Copy)]
struct Entry {
    kind: u8,
    first: u64,
    count: u64,
}

impl Entry {
    fn is_used(&self) -> bool {
        self.kind != UNUSED && self.count > 0
    }

    fn is_extended(&self) -> bool {
        self.is_used() && EXTENDED.contains(&self.kind)
    }
}

/// A sector with a table in it.
pub(crate) struct Sector([Entry; 4]);

impl Sector {
    /// Reads the table in a block, if there is one.
    pub(crate) fn read(block: &[u8]) -> Option<Sector> {
        let (table, rest) = block.get(ENTRIES..)?.split_at_checked(4 * ENTRY)?;
        if !rest.starts_with(&SIGNATURE) {
            return None;
        }
        let mut entries = [Entry {
            kind: UNUSED,
            first: 0,
            count: 0,
        }; 4];
        for (entry, bytes) in entries.iter_mut().zip(table.chunks_exact(ENTRY)) {
            // Whether to boot from it is said by the highest bit. Anything else is code or data.
            if bytes[0] & 0x7f != 0 {
                return None;
            }
            *entry = Entry {
                kind: bytes[4],
                first: number(&bytes[8..12]),
                count: number(&bytes[12..16]),
            };
        }
        Some(Sector(entries))
    }

    /// Whether it says no more than that there is a GPT.
    pub(crate) fn is_protective(&self) -> bool {
        self.0.iter().any(|entry| entry.kind == PROTECTIVE)
    }
}

/// Whether a block with a signature is the first of a file system.
pub(crate) fn is_file_system(block: &[u8]) -> bool {
    let mut all = FILE_SYSTEMS.iter();
    all.any(|(at, name)| block[*at..].starts_with(name))
}

fn number(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Reads the partitions of a boot record.
pub(crate) fn read(blocks: &Blocks, sector: &Sector) -> Result<Table, Lacking> {
    let mut table = Table::of("MBR");
    let numbered = || (1..).zip(&sector.0);
    for (number, entry) in numbered().filter(|(_, entry)| entry.is_used() && !entry.is_extended()) {
        let partition = Partition {
            number,
            first: entry.first,
            count: entry.count,
            name: String::new(),
        };
        table.add(blocks, 0, partition);
    }
    let mut next = LOGICAL;
    for (_, entry) in numbered().filter(|(_, entry)| entry.is_extended()) {
        follow(blocks, &mut table, *entry, &mut next)?;
    }
    // Without any it may as well be something else.
    if table.partitions.is_empty() && table.complaints.is_empty() {
        table.kind = "";
    }
    Ok(table)
}

/// Follows the chain of logical partitions in an extended one. Each link is a sector with two entries: a partition,
/// relative to the link; and the next link, relative to the extended partition.
fn follow(
    blocks: &Blocks,
    table: &mut Table,
    extended: Entry,
    next: &mut u32,
) -> Result<(), Lacking> {
    let mut seen = Vec::new();
    let mut at = extended.first;
    let why = loop {
        if seen.len() == MOST_LOGICAL {
            break format!("the rest of more than {MOST_LOGICAL} logical partitions is left out");
        }
        seen.push(at);
        let entries = match blocks.get(at, 1)?.map(|block| Sector::read(&block)) {
            Ok(Some(Sector(entries))) => entries,
            Ok(None) => break "no table of a logical partition; no more of them are known".into(),
            Err(why) => break format!("{why}; no more logical partitions are known"),
        };
        let mut partitions = entries.iter();
        if let Some(entry) = partitions.find(|entry| entry.is_used() && !entry.is_extended()) {
            let partition = Partition {
                number: *next,
                first: at + entry.first,
                count: entry.count,
                name: String::new(),
            };
            table.add(blocks, at, partition);
            *next += 1;
        }
        let Some(link) = entries.iter().find(|entry| entry.is_extended()) else {
            return Ok(());
        };
        let link = extended.first + link.first;
        if seen.contains(&link) {
            break "the chain of logical partitions goes in a circle".into();
        }
        at = link;
    };
    table.complain(at, why);
    Ok(())
}
