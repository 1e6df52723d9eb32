//! Taking and giving back blocks and inodes.

use alloc::vec::Vec;

use base::{Errno, Lwp};

use crate::disk::Disk;

/// Looks for a zero among so many bits, from one on and then from the first.
fn zero(bits: &[u8], len: u32, from: u32) -> Option<u32> {
    let is_zero = |bit: &u32| bits[(*bit / 8) as usize] >> (*bit % 8) & 1 == 0;
    let scan = |from: u32, to: u32| {
        let mut bit = from;
        while bit < to {
            if bit.is_multiple_of(8) && bits[(bit / 8) as usize] == 0xff {
                bit += 8;
                continue;
            }
            if is_zero(&bit) {
                return Some(bit);
            }
            bit += 1;
        }
        None
    };
    let from = from.min(len);
    scan(from, len).or_else(|| scan(0, from))
}

impl Disk {
    /// One bit of a bitmap, set or not; what it was.
    fn turn(&self, lwp: &Lwp<'_>, bitmap: u32, bit: u32, set: bool) -> Result<bool, Errno> {
        let at = self.layout.place(bitmap) + u64::from(bit / 8);
        let mut byte = [0];
        self.volume.read_at(lwp, at, &mut byte)?;
        let mask = 1 << (bit % 8);
        let was = byte[0] & mask != 0;
        if was != set {
            byte[0] ^= mask;
            self.volume.write_at(lwp, at, &byte)?;
        }
        Ok(was)
    }

    /// Takes a block for an inode: the wanted one, or one that is not far from it. `ENOSPC`.
    pub(crate) fn take_block(&mut self, lwp: &Lwp<'_>, goal: u32) -> Result<u32, Errno> {
        self.mark(lwp)?;
        let (first, near) = self.layout.split(goal).unwrap_or_default();
        for step in 0..self.layout.groups {
            let number = (first + step) % self.layout.groups;
            let near = if step == 0 { near } else { 0 };
            let group = self.groups[number as usize];
            if group.free_blocks == 0 {
                continue;
            }
            let (begin, len) = self.layout.group(number);
            // Most often the wanted one is free.
            let mut byte = [0];
            let at = self.layout.place(group.block_bitmap) + u64::from(near / 8);
            self.volume.read_at(lwp, at, &mut byte)?;
            let found = match byte[0] >> (near % 8) & 1 == 0 && near < len {
                true => Some(near),
                false => zero(&self.read(lwp, group.block_bitmap)?, len, near),
            };
            let Some(bit) = found else {
                self.wrong(
                    lwp,
                    format_args!(
                        "group {number}: no block is free, though {} are counted",
                        group.free_blocks
                    ),
                );
                self.groups[number as usize].free_blocks = 0;
                self.groups[number as usize].changed = true;
                continue;
            };
            let block = begin + bit;
            self.turn(lwp, group.block_bitmap, bit, true)?;
            if group.keeps(&self.layout, number, block) {
                return Err(self.wrong(
                    lwp,
                    format_args!("block {block} was free, and is no file's"),
                ));
            }
            let group = &mut self.groups[number as usize];
            group.free_blocks -= 1;
            group.changed = true;
            return Ok(block);
        }
        Err(Errno::ENOSPC)
    }

    /// Gives a block back; whether it was in use.
    pub(crate) fn give_block(
        &mut self,
        lwp: &Lwp<'_>,
        block: u32,
        inode: u32,
    ) -> Result<bool, Errno> {
        self.mark(lwp)?;
        let Some((number, bit)) = self.layout.split(block) else {
            return Ok(false);
        };
        let was = self.turn(lwp, self.groups[number as usize].block_bitmap, bit, false)?;
        match was {
            true => {
                let group = &mut self.groups[number as usize];
                group.free_blocks = group.free_blocks.saturating_add(1);
                group.changed = true;
            }
            false => {
                self.wrong(
                    lwp,
                    format_args!("inode {inode}: block {block} was free already"),
                );
            }
        }
        Ok(was)
    }

    /// Takes an inode: a file's near its directory, a directory's where there are few. `ENOSPC`.
    pub(crate) fn take_inode(
        &mut self,
        lwp: &Lwp<'_>,
        parent: u32,
        is_directory: bool,
    ) -> Result<u32, Errno> {
        self.mark(lwp)?;
        let (per_group, groups) = (self.layout.inodes_per_group, self.layout.groups);
        let near = (parent - 1) / per_group;
        let start = match is_directory {
            true => self.roomy(near),
            false => near,
        };
        for step in 0..groups {
            let number = (start + step) % groups;
            let group = self.groups[number as usize];
            if group.free_inodes == 0 {
                continue;
            }
            let bitmap: Vec<u8> = self.read(lwp, group.inode_bitmap)?;
            // The first few are the file system's own.
            let own = self.layout.first_inode - 1;
            let from = own.saturating_sub(number * per_group).min(per_group);
            let found =
                zero(&bitmap, per_group, from).filter(|bit| number * per_group + bit >= own);
            let Some(bit) = found else {
                self.wrong(
                    lwp,
                    format_args!(
                        "group {number}: no inode is free, though {} are counted",
                        group.free_inodes
                    ),
                );
                self.groups[number as usize].free_inodes = 0;
                self.groups[number as usize].changed = true;
                continue;
            };
            self.turn(lwp, group.inode_bitmap, bit, true)?;
            let group = &mut self.groups[number as usize];
            group.free_inodes -= 1;
            group.directories = group.directories.saturating_add(u16::from(is_directory));
            group.changed = true;
            return Ok(number * per_group + bit + 1);
        }
        Err(Errno::ENOSPC)
    }

    /// The group for a directory: its parent's, unless others have more room and fewer directories.
    fn roomy(&self, near: u32) -> u32 {
        let (blocks, inodes) = self.free();
        let count = u64::from(self.layout.groups);
        let fits = |number: &u32| {
            let group = &self.groups[*number as usize];
            u64::from(group.free_blocks) * count >= blocks
                && u64::from(group.free_inodes) * count >= inodes
        };
        let all = (0..self.layout.groups).map(|step| (near + step) % self.layout.groups);
        let fewest = all
            .filter(fits)
            .min_by_key(|number| self.groups[*number as usize].directories);
        fewest.unwrap_or(near)
    }

    /// Gives an inode back.
    pub(crate) fn give_inode(
        &mut self,
        lwp: &Lwp<'_>,
        inode: u32,
        is_directory: bool,
    ) -> Result<(), Errno> {
        self.mark(lwp)?;
        let per_group = self.layout.inodes_per_group;
        let (number, bit) = ((inode - 1) / per_group, (inode - 1) % per_group);
        if !self.turn(lwp, self.groups[number as usize].inode_bitmap, bit, false)? {
            return Err(self.wrong(lwp, format_args!("inode {inode} was free already")));
        }
        let group = &mut self.groups[number as usize];
        group.free_inodes = group.free_inodes.saturating_add(1);
        group.directories = group.directories.saturating_sub(u16::from(is_directory));
        group.changed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::zero;

    #[test]
    fn the_next_zero_is_found_and_then_the_first() {
        let bits = [0xff, 0b1110_1111, 0xff, 0b0111_1111];
        assert_eq!(zero(&bits, 32, 0), Some(12));
        assert_eq!(zero(&bits, 32, 12), Some(12));
        assert_eq!(zero(&bits, 32, 13), Some(31));
        assert_eq!(zero(&bits, 31, 13), Some(12));
        assert_eq!(zero(&bits, 12, 3), None);
        assert_eq!(zero(&bits, 31, 99), Some(12));
    }
}
