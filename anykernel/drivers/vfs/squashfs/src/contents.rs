//! The contents of files: blocks that follow each other, whose lengths stand behind the inode, and perhaps a fragment of a
//! block that ends of several files share.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::sync::Leaf;
use base::{Errno, Lwp};

use crate::bytes::{u32_at, u64_at};
use crate::image::{Cursor, Image, METADATA, Stored};
use crate::inode::{File, NONE};

/// Bytes of an entry in the table of fragments.
const FRAGMENT: usize = 16;
const FRAGMENTS_A_BLOCK: u32 = (METADATA / FRAGMENT) as u32;

/// A block of a file, on the way through it.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// Which inode's.
    reference: u64,
    /// Which block it is.
    index: u64,
    /// Where it is on the medium.
    at: u64,
    /// Where its length stands.
    length: Cursor,
}

/// Where readers of files are, so that the next read need not begin at the first block.
pub(crate) struct Steps(Leaf<[Option<Step>; 16]>);

impl Steps {
    pub(crate) fn new() -> Self {
        Steps(Leaf::new([None; 16]))
    }

    /// The last step before or at a block of an inode.
    fn before(&self, reference: u64, index: u64) -> Option<Step> {
        self.0.with(|steps| {
            let ours = steps.iter().flatten();
            let ours = ours.filter(|step| step.reference == reference && step.index <= index);
            ours.max_by_key(|step| step.index).copied()
        })
    }

    /// Notes one, instead of the inode's that was there, or of the oldest.
    fn note(&self, step: Step) {
        self.0.with(|steps| {
            let ours = |old: &Option<Step>| old.is_none_or(|old| old.reference == step.reference);
            let place = steps.iter().position(ours).unwrap_or(steps.len() - 1);
            steps[..=place].rotate_right(1);
            steps[0] = Some(step);
        });
    }
}

/// A file of an image.
pub(crate) struct Contents<'a> {
    pub(crate) image: &'a Image,
    pub(crate) steps: &'a Steps,
    pub(crate) reference: u64,
    pub(crate) file: File,
}

impl Contents<'_> {
    fn block_size(&self) -> u64 {
        u64::from(self.image.superblock.block_size)
    }

    /// How many blocks of its own it has.
    fn blocks(&self) -> u64 {
        match self.file.fragment {
            NONE => self.file.size.div_ceil(self.block_size()),
            _ => self.file.size / self.block_size(),
        }
    }

    /// The way from block `index` on.
    fn step(&self, lwp: &Lwp<'_>, index: u64) -> Result<Step, Errno> {
        let first = Step {
            reference: self.reference,
            index: 0,
            at: self.file.data,
            length: self.file.blocks,
        };
        let known = self.steps.before(self.reference, index);
        let mut step = known.unwrap_or(first);
        while step.index < index {
            self.next(lwp, &mut step)?;
        }
        Ok(step)
    }

    /// What a block is, and on to the next.
    fn next(&self, lwp: &Lwp<'_>, step: &mut Step) -> Result<(u64, Stored), Errno> {
        let stored = Stored(u32_at(&step.length.array::<4>(lwp, self.image)?, 0));
        let at = step.at;
        let end = at.checked_add(u64::from(stored.len()));
        step.at = end.ok_or(Errno::EUCLEAN)?;
        step.index += 1;
        Ok((at, stored))
    }

    /// Fills `to` from byte `offset` on: how many bytes.
    pub(crate) fn read(&self, lwp: &Lwp<'_>, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        let left = self.file.size.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(to.len());
        let to = &mut to[..len];
        let size = self.block_size();
        let mut step = None;
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let (index, within) = (at / size, (at % size) as usize);
            // The last block may be short.
            let block = size.min(self.file.size - index * size) as usize;
            let piece = within..block.min(within + len - done);
            let to = &mut to[done..done + piece.len()];
            done += piece.len();
            if index >= self.blocks() {
                self.read_fragment(lwp, piece, to)?;
                continue;
            }
            let mut next = match step {
                Some(step) => step,
                None => self.step(lwp, index)?,
            };
            let (place, stored) = self.next(lwp, &mut next)?;
            step = Some(next);
            match stored.is_hole() {
                true => to.fill(0),
                false => {
                    let bytes = self.image.data(lwp, place, stored, block)?;
                    to.copy_from_slice(&bytes[piece]);
                }
            }
        }
        if let Some(step) = step {
            self.steps.note(step);
        }
        Ok(len)
    }

    /// Reads a piece of the end that is in a fragment.
    fn read_fragment(
        &self,
        lwp: &Lwp<'_>,
        piece: Range<usize>,
        to: &mut [u8],
    ) -> Result<(), Errno> {
        let begin = self.file.offset as usize;
        let end = begin.checked_add(piece.end).ok_or(Errno::EUCLEAN)?;
        let bytes = self.fragment(lwp, end)?;
        to.copy_from_slice(&bytes[begin + piece.start..end]);
        Ok(())
    }

    /// The block of the fragment, which has `len` bytes.
    fn fragment(&self, lwp: &Lwp<'_>, len: usize) -> Result<Arc<Vec<u8>>, Errno> {
        let superblock = &self.image.superblock;
        let index = self.file.fragment;
        if index >= superblock.fragments {
            return Err(Errno::EUCLEAN);
        }
        let table = superblock.fragment_table;
        let block = self.image.listed(lwp, table, index / FRAGMENTS_A_BLOCK)?;
        let within = (index % FRAGMENTS_A_BLOCK) as usize * FRAGMENT;
        let raw: [u8; FRAGMENT] = Cursor::new(block, within).array(lwp, self.image)?;
        let stored = Stored(u32_at(&raw, 8));
        self.image.data(lwp, u64_at(&raw, 0), stored, len)
    }

    /// Where the next data from `offset` on begins, or the next hole.
    pub(crate) fn seek(&self, lwp: &Lwp<'_>, offset: u64, hole: bool) -> Result<u64, Errno> {
        let size = self.block_size();
        if offset >= self.file.size {
            return Err(Errno::ENXIO);
        }
        let mut step = self.step(lwp, (offset / size).min(self.blocks()))?;
        while step.index < self.blocks() {
            let begin = (step.index * size).max(offset);
            if self.next(lwp, &mut step)?.1.is_hole() == hole {
                return Ok(begin);
            }
        }
        // An end in a fragment is data.
        let own = (self.blocks() * size).min(self.file.size);
        match (hole, own < self.file.size) {
            (true, _) => Ok(self.file.size),
            (false, true) => Ok(own.max(offset)),
            (false, false) => Err(Errno::ENXIO),
        }
    }
}
