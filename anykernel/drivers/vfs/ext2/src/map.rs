//! Which block of the disk is which of a file's: twelve numbers in the inode, and three trees of blocks with numbers, of
//! one, two and three levels.

use base::{Errno, Lwp};

use crate::disk::Disk;
use crate::inode::Inode;

/// Numbers in the inode that are a file's blocks themselves.
const DIRECT: u64 = 12;
const LEVELS: usize = 3;

/// The way to a block: the number in the inode, and those in the blocks with numbers.
struct Way {
    slot: usize,
    indices: [u32; LEVELS],
    levels: usize,
}

/// Where a number stands.
#[derive(Clone, Copy)]
enum At {
    Inode(usize),
    Block(u32, u32),
}

impl Disk {
    fn numbers(&self) -> u64 {
        u64::from(self.layout.block_size / 4)
    }

    /// `EFBIG` behind the end of what can be reached.
    fn way(&self, index: u64) -> Result<Way, Errno> {
        if index < DIRECT {
            return Ok(Way {
                slot: index as usize,
                indices: [0; LEVELS],
                levels: 0,
            });
        }
        let numbers = self.numbers();
        let (mut left, mut span) = (index - DIRECT, numbers);
        for levels in 1..=LEVELS {
            if left < span {
                let mut indices = [0; LEVELS];
                for place in indices[..levels].iter_mut().rev() {
                    *place = (left % numbers) as u32;
                    left /= numbers;
                }
                return Ok(Way {
                    slot: 11 + levels,
                    indices,
                    levels,
                });
            }
            left -= span;
            span *= numbers;
        }
        Err(Errno::EFBIG)
    }

    /// The block of a file's `index`th, or zero for a hole. `EUCLEAN` for one that is no file's.
    pub(crate) fn find(&mut self, lwp: &Lwp<'_>, inode: &Inode, index: u64) -> Result<u32, Errno> {
        let Ok(way) = self.way(index) else {
            return Ok(0);
        };
        let mut block = inode.block(way.slot);
        for index in &way.indices[..way.levels] {
            if block == 0 {
                return Ok(0);
            }
            self.check(lwp, block, inode.number)?;
            block = self.number(lwp, block, *index)?;
        }
        if block != 0 {
            self.check(lwp, block, inode.number)?;
        }
        Ok(block)
    }

    /// As [`find`](Self::find), but a hole gets a block, if possible the wanted one; and whether it did. What is in it
    /// is not said. The inode is to be written, whether this succeeds or not.
    pub(crate) fn find_or_take(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        index: u64,
        goal: u32,
    ) -> Result<(u32, bool), Errno> {
        let way = self.way(index)?;
        let mut at = At::Inode(way.slot);
        let mut goal = goal;
        for level in 0..=way.levels {
            let mut block = match at {
                At::Inode(slot) => inode.block(slot),
                At::Block(block, index) => self.number(lwp, block, index)?,
            };
            let is_new = block == 0;
            if is_new {
                block = self.take_block(lwp, goal)?;
                goal = block + 1;
                if level < way.levels {
                    self.clear(lwp, block)?;
                }
                match at {
                    At::Inode(slot) => inode.set_block(slot, block),
                    At::Block(parent, index) => self.set_number(lwp, parent, index, block)?,
                }
                inode.count(1, self.layout.block_size);
            } else {
                self.check(lwp, block, inode.number)?;
            }
            match way.indices[..way.levels].get(level) {
                Some(index) => at = At::Block(block, *index),
                None => return Ok((block, is_new)),
            }
        }
        Err(Errno::EUCLEAN)
    }

    /// How far from a file's `index`th block on there are blocks, or a hole: which of both, and at least how many.
    pub(crate) fn run(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &Inode,
        index: u64,
    ) -> Result<(bool, u64), Errno> {
        let Ok(way) = self.way(index) else {
            return Ok((false, u64::MAX - index));
        };
        let numbers = self.numbers();
        let mut block = inode.block(way.slot);
        for (level, place) in way.indices[..way.levels].iter().enumerate() {
            // What a block with numbers on this level reaches.
            if block == 0 {
                let below = &way.indices[level..way.levels];
                let reached = below
                    .iter()
                    .fold(0, |sum, place| sum * numbers + u64::from(*place));
                return Ok((false, numbers.pow(below.len() as u32) - reached));
            }
            self.check(lwp, block, inode.number)?;
            if level + 1 == way.levels {
                let raw = self.read(lwp, block)?;
                let mut rest = raw.chunks_exact(4).skip(*place as usize);
                let is_hole = |number: &[u8]| number == [0; 4];
                let first = rest.next().is_some_and(is_hole);
                let same = rest.take_while(|number| is_hole(number) == first).count();
                return Ok((!first, 1 + same as u64));
            }
            block = self.number(lwp, block, *place)?;
        }
        Ok((block != 0, 1))
    }

    /// Gives back a file's blocks from the `first`th on. The inode is to be written, whether this succeeds or not.
    ///
    /// What is shared with something else is given back once: a tree that leads into itself ends there.
    pub(crate) fn cut(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        first: u64,
    ) -> Result<(), Errno> {
        for slot in first.min(DIRECT)..DIRECT {
            let block = inode.block(slot as usize);
            inode.set_block(slot as usize, 0);
            self.give_tree(lwp, inode, block, 0)?;
        }
        let numbers = self.numbers();
        let (mut begin, mut span) = (DIRECT, numbers);
        for levels in 1..=LEVELS {
            let slot = 11 + levels;
            let block = inode.block(slot);
            let from = first.saturating_sub(begin);
            if from == 0 {
                inode.set_block(slot, 0);
                self.give_tree(lwp, inode, block, levels)?;
            } else if from < span {
                self.cut_tree(lwp, inode, block, levels, from)?;
            }
            begin += span;
            span *= numbers;
        }
        Ok(())
    }

    /// Gives back what a block with numbers leads to, from so many blocks of the file on.
    fn cut_tree(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        block: u32,
        levels: usize,
        from: u64,
    ) -> Result<(), Errno> {
        if block == 0 || self.check(lwp, block, inode.number).is_err() {
            return Ok(());
        }
        let span = self.numbers().pow(levels as u32 - 1);
        let (mut index, within) = ((from / span) as u32, from % span);
        if within > 0 {
            let partly = self.number(lwp, block, index)?;
            self.cut_tree(lwp, inode, partly, levels - 1, within)?;
            index += 1;
        }
        for index in index..self.numbers() as u32 {
            let child = self.number(lwp, block, index)?;
            if child != 0 {
                self.set_number(lwp, block, index, 0)?;
                self.give_tree(lwp, inode, child, levels - 1)?;
            }
        }
        Ok(())
    }

    /// Gives back a block, and all that it leads to.
    fn give_tree(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        block: u32,
        levels: usize,
    ) -> Result<(), Errno> {
        if block == 0 || self.check(lwp, block, inode.number).is_err() {
            return Ok(());
        }
        if !self.give_block(lwp, block, inode.number)? {
            return Ok(());
        }
        inode.count(-1, self.layout.block_size);
        if levels > 0 {
            for number in self.read(lwp, block)?.chunks_exact(4) {
                let child = crate::bytes::u32_at(number, 0);
                self.give_tree(lwp, inode, child, levels - 1)?;
            }
        }
        Ok(())
    }
}
