//! Where the contents of files are on the disk, for who reads much at once.
//!
//! The crate reads by way of buffers of its own, which cost more than the disk. Long pieces of a file go from the disk to
//! where they are wanted: of files whose map is small and in long pieces, and of which the crate has nothing in memory
//! that the disk does not have. All others are the crate's to read.

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Range;

use base::{Errno, Lwp};
use rsext4::disknode::Ext4Inode;
use rsext4::{FileExtent, FileExtentState, FileExtentTarget, InodeNumber};

use crate::error::errno;
use crate::filesystem::{Ext4FileSystem, State};
use crate::source::Source;

/// Bytes that are read so, and bytes of a piece of a file on the average, at least.
const LARGE: u64 = 64 * 1024;

/// Levels of extents above those in the inode, at most: four blocks with 340 each.
const DEEPEST: u32 = 1;

/// Pieces of a file that is looked at.
const PIECES: usize = 4 * 340;

/// Maps that are remembered.
const MAPS: usize = 16;

/// What is known of files' contents.
#[derive(Default)]
pub(crate) struct Contents {
    /// Files that changed since everything went to the disk.
    changed: BTreeSet<u32>,
    maps: BTreeMap<u32, Map>,
}

/// A file as it is on the disk.
struct Map {
    size: u64,
    /// In their order; empty if the crate is to read the file.
    pieces: Vec<FileExtent>,
}

/// Bytes of a file, and where on the disk they are, or that they are zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    len: u64,
    at: Option<u64>,
}

impl Contents {
    /// The contents of a file are about to change.
    pub(crate) fn change(&mut self, file: InodeNumber) {
        self.changed.insert(file.raw());
        self.forget(file);
    }

    /// Whatever has this number from now on is another.
    pub(crate) fn forget(&mut self, file: InodeNumber) {
        self.maps.remove(&file.raw());
    }

    /// All that the crate had is on the disk.
    pub(crate) fn synced(&mut self) {
        self.changed.clear();
    }
}

impl Map {
    /// What is in a range, which ends before the file does. None if it is in short pieces.
    fn parts(&self, range: &Range<u64>) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut at = range.start;
        let begin = self
            .pieces
            .partition_point(|piece| piece.logical_start + piece.length <= range.start);
        for piece in &self.pieces[begin..] {
            let start = piece.logical_start.max(range.start);
            let end = (piece.logical_start + piece.length).min(range.end);
            if start >= end {
                break;
            }
            if start > at {
                parts.push(Part {
                    len: start - at,
                    at: None,
                });
            }
            let written = piece.state == FileExtentState::Initialized;
            let place = piece.physical_start + (start - piece.logical_start);
            parts.push(Part {
                len: end - start,
                at: written.then_some(place),
            });
            at = end;
        }
        if parts.is_empty() || parts.len() as u64 * LARGE > range.end - range.start {
            return None;
        }
        if at < range.end {
            parts.push(Part {
                len: range.end - at,
                at: None,
            });
        }
        Some(parts)
    }
}

impl Ext4FileSystem {
    /// Reads past the crate: how many bytes. None if that is for the crate to do.
    pub(crate) fn read_past(
        &self,
        lwp: &Lwp<'_>,
        file: InodeNumber,
        offset: u64,
        to: &mut [&mut [u8]],
    ) -> Result<Option<usize>, Errno> {
        let len: usize = to.iter().map(|piece| piece.len()).sum();
        if (len as u64) < LARGE || self.source.aside.is_some() {
            return Ok(None);
        }
        let found = self.with(lwp, |state| {
            if state.contents.changed.contains(&file.raw()) {
                return Ok(None);
            }
            let Some(map) = self.map(lwp, state, file)? else {
                return Ok(None);
            };
            let end = map.size.min(offset.saturating_add(len as u64));
            Ok(map.parts(&(offset..end.max(offset))))
        })?;
        // Nobody changes the contents meanwhile, so the blocks stay the file's.
        match found {
            Some(parts) => read_parts(lwp, &self.source, &parts, to).map(Some),
            None => Ok(None),
        }
    }

    /// The map of a file. None if it is not small, or nobody knows.
    fn map<'a>(
        &self,
        lwp: &Lwp<'_>,
        state: &'a mut State,
        file: InodeNumber,
    ) -> Result<Option<&'a Map>, Errno> {
        let State { ext4, contents, .. } = state;
        if contents.maps.len() >= MAPS && !contents.maps.contains_key(&file.raw()) {
            contents.maps.clear();
        }
        let place = match contents.maps.entry(file.raw()) {
            Entry::Occupied(there) => return Ok(Some(there.into_mut())),
            Entry::Vacant(place) => place,
        };
        // What stands on the disk may be old: it only says whether the crate is to be asked for all of the map.
        let on_disk = self.layout.inode(lwp, &self.source, file.raw())?;
        let has_map = on_disk.i_flags & Ext4Inode::EXT4_EXTENTS_FL != 0;
        let size = ext4.inode(file).map_err(errno)?.size;
        if !has_map || on_disk.i_block[1] >> 16 > DEEPEST || size == 0 {
            return Ok(None);
        }
        let found = ext4.inode_extents(file, 0, size, FileExtentTarget::Data, PIECES);
        let found = found.map_err(errno)?;
        let pieces = match found.complete && in_order(&found.extents) {
            true => found.extents,
            false => Vec::new(),
        };
        Ok(Some(place.insert(Map { size, pieces })))
    }
}

/// Whether these pieces are one behind the other, and end.
fn in_order(pieces: &[FileExtent]) -> bool {
    let mut end = Some(0);
    pieces.iter().all(|piece| {
        let before = end.is_some_and(|end| end <= piece.logical_start);
        end = piece.logical_start.checked_add(piece.length);
        let on_disk = piece.physical_start.checked_add(piece.length);
        before && end.is_some() && on_disk.is_some()
    })
}

/// Reads parts one behind the other into pieces that have room for them: how many bytes.
fn read_parts(
    lwp: &Lwp<'_>,
    source: &Source,
    parts: &[Part],
    to: &mut [&mut [u8]],
) -> Result<usize, Errno> {
    let mut pieces = to.iter_mut().map(|piece| &mut **piece);
    let mut rest: &mut [u8] = &mut [];
    let mut done = 0;
    for part in parts {
        let mut room = Vec::new();
        let mut left = part.len as usize;
        while left > 0 {
            if rest.is_empty() {
                rest = pieces.next().ok_or(Errno::EINVAL)?;
            }
            let count = left.min(rest.len());
            let (here, others) = core::mem::take(&mut rest).split_at_mut(count);
            room.push(here);
            rest = others;
            left -= count;
        }
        match part.at {
            Some(at) => source.volume.read_pieces(lwp, at, &mut room)?,
            None => room.into_iter().for_each(|piece| piece.fill(0)),
        }
        done += part.len as usize;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(logical_start: u64, physical_start: u64, length: u64, written: bool) -> FileExtent {
        FileExtent {
            logical_start,
            physical_start,
            length,
            state: match written {
                true => FileExtentState::Initialized,
                false => FileExtentState::Unwritten,
            },
            merged: false,
        }
    }

    fn part(len: u64, at: Option<u64>) -> Part {
        Part { len, at }
    }

    #[test]
    fn parts_are_pieces_and_what_is_between() {
        let map = Map {
            size: 64 * LARGE,
            pieces: [
                piece(0, 10 * LARGE, 4 * LARGE, true),
                piece(6 * LARGE, 100 * LARGE, 4 * LARGE, true),
                piece(10 * LARGE, 200 * LARGE, 4 * LARGE, false),
            ]
            .to_vec(),
        };
        let whole = map.parts(&(LARGE..20 * LARGE)).unwrap();
        let expected = [
            part(3 * LARGE, Some(11 * LARGE)),
            part(2 * LARGE, None),
            part(4 * LARGE, Some(100 * LARGE)),
            part(4 * LARGE, None),
            part(6 * LARGE, None),
        ];
        assert_eq!(whole, expected);
        let inside = map.parts(&(7 * LARGE..9 * LARGE));
        assert_eq!(inside, Some([part(2 * LARGE, Some(101 * LARGE))].to_vec()));
        assert_eq!(map.parts(&(20 * LARGE..30 * LARGE)), None);
    }

    #[test]
    fn short_pieces_are_for_the_crate() {
        let pieces = (0..40).map(|number| piece(number * 4096, number * 8192, 4096, true));
        let map = Map {
            size: 64 * LARGE,
            pieces: pieces.collect(),
        };
        assert_eq!(map.parts(&(0..2 * LARGE)), None);
    }

    #[test]
    fn pieces_that_overlap_or_do_not_end_are_no_map() {
        assert!(in_order(&[piece(0, 0, 8, true), piece(8, 0, 8, true)]));
        assert!(!in_order(&[piece(0, 0, 8, true), piece(7, 0, 8, true)]));
        assert!(!in_order(&[piece(8, 0, 8, true), piece(0, 0, 8, true)]));
        assert!(!in_order(&[piece(u64::MAX - 3, 0, 8, true)]));
        assert!(!in_order(&[piece(0, u64::MAX - 3, 8, true)]));
    }
}
