//! What a table says, whatever its kind.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base::Errno;

use crate::blocks::{Blocks, Lacking, Unreadable};
use crate::{gpt, mbr};

/// The most partitions of a disk.
const MOST: usize = 256;

/// A part of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Its place in the table, from 1 on.
    pub(crate) number: u32,
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// What people call it; empty if it has no name.
    pub(crate) name: String,
}

/// A table of partitions, held against its disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// What kind it is; empty if there is none.
    pub(crate) kind: &'static str,
    pub(crate) partitions: Vec<Partition>,
    /// What is wrong with it.
    pub(crate) complaints: Vec<String>,
}

impl Table {
    pub(crate) fn of(kind: &'static str) -> Self {
        Table {
            kind,
            ..Table::default()
        }
    }

    /// Reads the table of a disk, whatever kind it has.
    pub(crate) fn read(blocks: &Blocks) -> Result<Table, Lacking> {
        let block = match blocks.get(0, 1)? {
            Ok(block) => block,
            // It has none, or is gone.
            Err(Unreadable::Beyond | Unreadable::Failed(Errno::ENXIO)) => {
                return Ok(Table::default());
            }
            Err(why) => {
                let mut table = Table::default();
                table.complain(0, format!("{why}; so no partition is known"));
                return Ok(table);
            }
        };
        match mbr::Sector::read(&block) {
            Some(_) if mbr::is_file_system(&block) => Ok(Table::default()),
            Some(sector) if sector.is_protective() => gpt::read(blocks),
            Some(sector) => mbr::read(blocks, &sector),
            None => Ok(Table::default()),
        }
    }

    /// Says what is wrong at a block.
    pub(crate) fn complain(&mut self, block: u64, what: impl core::fmt::Display) {
        self.complaints.push(format!("block {block}: {what}"));
    }

    /// Adds a partition that an entry at a block speaks of, as far as the disk has it.
    pub(crate) fn add(&mut self, blocks: &Blocks, at: u64, partition: Partition) {
        let Partition {
            number,
            first,
            mut count,
            name,
        } = partition;
        let end = blocks.geometry.blocks;
        if first >= end {
            let what = format!(
                "partition {number} begins at {first}, behind the disk's end at {end}; it is left out"
            );
            return self.complain(at, what);
        }
        if count > end - first {
            let what = format!(
                "partition {number} of {count} blocks ends behind the disk; it is cut to {}",
                end - first
            );
            self.complain(at, what);
            count = end - first;
        }
        if self.partitions.len() == MOST {
            let what = format!("partition {number} is one more than {MOST}; it is left out");
            return self.complain(at, what);
        }
        let mut others = self.partitions.iter();
        let other =
            others.find(|other| first < other.first + other.count && other.first < first + count);
        if let Some(other) = other {
            let what = format!(
                "partition {number} has blocks of partition {}",
                other.number
            );
            self.complain(at, what);
        }
        self.partitions.push(Partition {
            number,
            first,
            count,
            name,
        });
    }
}
