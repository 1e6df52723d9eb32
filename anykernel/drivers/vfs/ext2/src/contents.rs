//! The contents of files.

use base::{Errno, Lwp};
use vfs::Time;

use crate::disk::Disk;
use crate::inode::Inode;

/// From here on the superblock has to say that there are such files.
const LARGE: u64 = 1 << 31;

impl Disk {
    /// So much of a file's bytes as is in one block: which block, where in it, and how much.
    fn part(&self, offset: u64, len: usize) -> (u64, u64, usize) {
        let size = u64::from(self.layout.block_size);
        let at = offset % size;
        (offset / size, at, len.min((size - at) as usize))
    }

    /// Fills `to` from byte `offset` of a file on: how many bytes.
    pub(crate) fn read_file(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &Inode,
        offset: u64,
        to: &mut [u8],
    ) -> Result<usize, Errno> {
        let left = inode.size().saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(to.len());
        let mut done = 0;
        while done < len {
            let (index, at, mut run) = self.part(offset + done as u64, len - done);
            let block = self.find(lwp, inode, index)?;
            // What follows on the disk as well is read with it.
            let mut next = 1;
            while done + run < len && self.find(lwp, inode, index + next)? == follower(block, next)
            {
                run += self.part(offset + (done + run) as u64, len - done - run).2;
                next += 1;
            }
            let to = &mut to[done..done + run];
            match block {
                0 => to.fill(0),
                _ => self
                    .volume
                    .read_at(lwp, self.layout.place(block) + at, to)?,
            }
            done += run;
        }
        Ok(len)
    }

    /// Writes all of `from` from byte `offset` of a file on. `ENOSPC` and `EFBIG`, and then the size stays.
    pub(crate) fn write_file(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        offset: u64,
        from: &[u8],
    ) -> Result<(), Errno> {
        let end = offset.checked_add(from.len() as u64).ok_or(Errno::EFBIG)?;
        self.prepare(lwp, inode, end)?;
        let result = self.put(lwp, inode, offset, from);
        match result {
            Ok(()) if end > inode.size() => inode.set_size(end),
            Ok(()) => {}
            Err(_) => {
                let blocks = inode.size().div_ceil(self.layout.block_size.into());
                self.cut(lwp, inode, blocks)?;
            }
        }
        inode.touch(Time::now());
        self.write_inode(lwp, inode).and(result)
    }

    /// Has a file end at a byte. `EFBIG`.
    pub(crate) fn resize(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        size: u64,
    ) -> Result<(), Errno> {
        self.prepare(lwp, inode, size)?;
        let is_shorter = size < inode.size();
        inode.set_size(size);
        self.write_inode(lwp, inode)?;
        if is_shorter {
            let blocks = size.div_ceil(self.layout.block_size.into());
            let result = self.cut(lwp, inode, blocks);
            self.write_inode(lwp, inode).and(result)?;
        }
        Ok(())
    }

    /// Has a file be one that may end at a byte: what is in its last block behind the end is zeros.
    fn prepare(&mut self, lwp: &Lwp<'_>, inode: &Inode, end: u64) -> Result<(), Errno> {
        let size = inode.size();
        if end <= size {
            return Ok(());
        }
        if end > self.layout.largest_file() {
            return Err(Errno::EFBIG);
        }
        self.mark(lwp)?;
        if end >= LARGE {
            self.mark_large(lwp)?;
        }
        let (index, at, rest) = self.part(size, self.layout.block_size as usize);
        let block = if at > 0 {
            self.find(lwp, inode, index)?
        } else {
            0
        };
        if block != 0 {
            let zeros = alloc::vec![0; rest];
            self.volume
                .write_at(lwp, self.layout.place(block) + at, &zeros)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        offset: u64,
        from: &[u8],
    ) -> Result<(), Errno> {
        let mut goal = self.goal(lwp, inode, offset)?;
        // What is to be written next: where on the disk, and how much of `from`.
        let (mut place, mut written, mut done) = (0, 0, 0);
        let mut result = Ok(());
        while done < from.len() {
            let (index, at, len) = self.part(offset + done as u64, from.len() - done);
            let (block, is_new) = match self.find_or_take(lwp, inode, index, goal) {
                Ok(found) => found,
                Err(errno) => {
                    result = Err(errno);
                    break;
                }
            };
            goal = block + 1;
            if is_new && len < self.layout.block_size as usize {
                self.clear(lwp, block)?;
            }
            let here = self.layout.place(block) + at;
            if here != place + (done - written) as u64 {
                self.volume.write_at(lwp, place, &from[written..done])?;
                (place, written) = (here, done);
            }
            done += len;
        }
        if done > written {
            self.volume.write_at(lwp, place, &from[written..done])?;
        }
        result
    }

    /// Where the block for a byte had best be: behind the one before it, or in the inode's group.
    fn goal(&mut self, lwp: &Lwp<'_>, inode: &Inode, offset: u64) -> Result<u32, Errno> {
        let index = offset / u64::from(self.layout.block_size);
        if let Some(before) = index.checked_sub(1) {
            let block = self.find(lwp, inode, before)?;
            if block != 0 {
                return Ok(block + 1);
            }
        }
        Ok(self.home(inode.number))
    }

    /// The first block of an inode's group.
    pub(crate) fn home(&self, inode: u32) -> u32 {
        self.layout
            .group((inode - 1) / self.layout.inodes_per_group)
            .0
    }

    /// Where the next data from `offset` on begins, or with `hole` the next hole.
    pub(crate) fn seek(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &Inode,
        offset: u64,
        hole: bool,
    ) -> Result<u64, Errno> {
        let size = inode.size();
        if offset >= size {
            return Err(Errno::ENXIO);
        }
        let block_size = u64::from(self.layout.block_size);
        let mut index = offset / block_size;
        // No more pieces than there are blocks: what has more leads into itself.
        for _ in 0..=self.layout.blocks {
            let (is_data, count) = self.run(lwp, inode, index)?;
            if is_data != hole {
                return Ok((index * block_size).max(offset));
            }
            index = index.saturating_add(count);
            if index >= size.div_ceil(block_size) {
                return if hole { Ok(size) } else { Err(Errno::ENXIO) };
            }
        }
        Err(self.wrong(
            lwp,
            format_args!("inode {}: its blocks lead into themselves", inode.number),
        ))
    }
}

/// The block so far behind one; holes are behind holes.
fn follower(block: u32, distance: u64) -> u32 {
    match block {
        0 => 0,
        _ => block.wrapping_add(distance as u32),
    }
}
