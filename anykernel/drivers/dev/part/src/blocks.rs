//! The blocks of a disk that a table is read from, as far as they are here.
//!
//! Reading a table is a step: it does its work with what is here, or says which blocks it lacks. When those have come it
//! is done again from the beginning, until it lacks none.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use base::Errno;
use dev::Geometry;

/// Blocks that are lacking.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) first: u64,
    pub(crate) count: u64,
}

/// Why a block will not be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The disk has no such block.
    Beyond,
    /// The disk cannot read it.
    Failed(Errno),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Beyond => f.write_str("behind the disk's end"),
            Unreadable::Failed(errno) => errno.fmt(f),
        }
    }
}

/// What is here of a disk.
pub(crate) struct Blocks {
    pub(crate) geometry: Geometry,
    /// Those that were read, and why one could not be.
    here: BTreeMap<u64, Result<Vec<u8>, Errno>>,
}

impl Blocks {
    pub(crate) fn new(geometry: Geometry) -> Self {
        Blocks {
            geometry,
            here: BTreeMap::new(),
        }
    }

    /// Bytes of a block.
    pub(crate) fn size(&self) -> usize {
        self.geometry.block_size as usize
    }

    /// The bytes of `count` blocks, or why they cannot be had.
    pub(crate) fn get(
        &self,
        first: u64,
        count: u64,
    ) -> Result<Result<Vec<u8>, Unreadable>, Lacking> {
        let end = first.checked_add(count);
        let Some(end) = end.filter(|end| *end <= self.geometry.blocks) else {
            return Ok(Err(Unreadable::Beyond));
        };
        let mut bytes = Vec::new();
        for number in first..end {
            match self.here.get(&number) {
                Some(Ok(block)) => bytes.extend_from_slice(block),
                Some(Err(errno)) => return Ok(Err(Unreadable::Failed(*errno))),
                None => {
                    let most = (self.geometry.largest / self.size()) as u64;
                    return Err(Lacking {
                        first: number,
                        count: (end - number).min(most),
                    });
                }
            }
        }
        Ok(Ok(bytes))
    }

    /// Takes what a read of blocks that were lacking has come to.
    pub(crate) fn put(&mut self, lacking: &Lacking, read: Result<&[u8], Errno>) {
        let size = self.size();
        for index in 0..lacking.count {
            let start = index as usize * size;
            let block = read.and_then(|bytes| bytes.get(start..start + size).ok_or(Errno::EIO));
            self.here
                .insert(lacking.first + index, block.map(<[u8]>::to_vec));
        }
    }
}
