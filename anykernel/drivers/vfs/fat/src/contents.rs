//! The contents of files. There are no holes: what a file grows by is written, if only as zeros.

use base::{Errno, Lwp};
use vfs::Ino;

use crate::state::State;

static ZEROS: [u8; 4096] = [0; 4096];
/// Clusters taken at a time.
const BATCH: u32 = 4096;

impl State {
    /// Fills `to` from byte `offset` of a file on: how many bytes.
    pub(crate) fn read(
        &mut self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        to: &mut [u8],
    ) -> Result<usize, Errno> {
        let size = u64::from(self.nodes.get(file)?.entry.size());
        let left = size.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(to.len());
        let mut done = 0;
        while done < len {
            let (at, run) = self.run(lwp, file, offset + done as u64, len - done)?;
            self.table
                .volume
                .read_at(lwp, at, &mut to[done..done + run])?;
            done += run;
        }
        Ok(len)
    }

    /// Writes all of `from` from byte `offset` of a file on. `ENOSPC`, `EFBIG`, and then nothing has changed.
    pub(crate) fn write(
        &mut self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        from: &[u8],
    ) -> Result<(), Errno> {
        let size = u64::from(self.nodes.get(file)?.entry.size());
        let end = offset.checked_add(from.len() as u64).ok_or(Errno::EFBIG)?;
        self.table.mark(lwp)?;
        if end <= size {
            return self.put(lwp, file, offset, from);
        }
        self.grow(lwp, file, end, |state| {
            state.put_zeros(lwp, file, size, offset)?;
            state.put(lwp, file, offset, from)
        })
    }

    /// Has a file end at a byte. `ENOSPC`, `EFBIG`, and then nothing has changed.
    pub(crate) fn resize(&mut self, lwp: &Lwp<'_>, file: Ino, new: u64) -> Result<(), Errno> {
        let size = u64::from(self.nodes.get(file)?.entry.size());
        if new > size {
            return self.grow(lwp, file, new, |state| {
                state.put_zeros(lwp, file, size, new)
            });
        }
        self.table.mark(lwp)?;
        let count = self.clusters(new);
        let node = self.nodes.get(file)?;
        let last = match count.checked_sub(1) {
            None => None,
            Some(index) => Some(
                node.chain
                    .at(lwp, &self.table, index)?
                    .ok_or(Errno::EUCLEAN)?,
            ),
        };
        let first = node.chain.first();
        node.entry.set_size(new as u32);
        if count == 0 {
            node.entry.set_cluster(0);
        }
        node.chain.shorten(count);
        self.write_entry(lwp, file)?;
        match last {
            Some(last) => self.table.cut(lwp, last),
            None => self.table.free(first),
        }
    }

    /// Has a file have clusters for `new` bytes, and `fill` write what is new in them; the file ends there afterwards.
    fn grow(
        &mut self,
        lwp: &Lwp<'_>,
        file: Ino,
        new: u64,
        fill: impl FnOnce(&mut State) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let new_size = u32::try_from(new).map_err(|_| Errno::EFBIG)?;
        let size = self.nodes.get(file)?.entry.size();
        let (have, want) = (self.clusters(u64::from(size)), self.clusters(new));
        // Clusters behind the end are nobody's.
        self.keep(lwp, file, have)?;
        let result = self.add(lwp, file, have, want).and_then(|()| fill(self));
        if let Err(errno) = result {
            self.keep(lwp, file, have)?;
            return Err(errno);
        }
        let node = self.nodes.get(file)?;
        node.entry.set_size(new_size);
        node.entry.set_cluster(node.chain.first());
        self.write_entry(lwp, file)
    }

    /// Has a file that has `have` clusters have `want` of them.
    fn add(&mut self, lwp: &Lwp<'_>, file: Ino, have: u32, want: u32) -> Result<(), Errno> {
        let mut have = have;
        while have < want {
            let count = (want - have).min(BATCH);
            let node = self.nodes.get(file)?;
            let last = match have.checked_sub(1) {
                None => None,
                Some(index) => Some(
                    node.chain
                        .at(lwp, &self.table, index)?
                        .ok_or(Errno::EUCLEAN)?,
                ),
            };
            let first = self.table.grow(lwp, last, count)?;
            if last.is_none() {
                node.chain.begin(first);
            }
            have += count;
        }
        Ok(())
    }

    /// Has a file have no more than so many clusters.
    fn keep(&mut self, lwp: &Lwp<'_>, file: Ino, count: u32) -> Result<(), Errno> {
        let node = self.nodes.get(file)?;
        let first = node.chain.first();
        match count.checked_sub(1) {
            None if first == 0 => Ok(()),
            None => {
                node.chain.shorten(0);
                self.table.free(first)
            }
            Some(index) => {
                let last = node
                    .chain
                    .at(lwp, &self.table, index)?
                    .ok_or(Errno::EUCLEAN)?;
                if self.table.after(lwp, last)?.is_some() {
                    node.chain.shorten(count);
                    self.table.cut(lwp, last)?;
                }
                Ok(())
            }
        }
    }

    /// Writes to clusters that a file has.
    fn put(&mut self, lwp: &Lwp<'_>, file: Ino, offset: u64, from: &[u8]) -> Result<(), Errno> {
        let mut done = 0;
        while done < from.len() {
            let (at, run) = self.run(lwp, file, offset + done as u64, from.len() - done)?;
            self.table
                .volume
                .write_at(lwp, at, &from[done..done + run])?;
            done += run;
        }
        Ok(())
    }

    fn put_zeros(&mut self, lwp: &Lwp<'_>, file: Ino, begin: u64, end: u64) -> Result<(), Errno> {
        let mut at = begin;
        while at < end {
            let len = (end - at).min(ZEROS.len() as u64) as usize;
            self.put(lwp, file, at, &ZEROS[..len])?;
            at += len as u64;
        }
        Ok(())
    }

    /// Writes zeros to the disk.
    pub(crate) fn zero(&mut self, lwp: &Lwp<'_>, mut begin: u64, end: u64) -> Result<(), Errno> {
        while begin < end {
            let len = (end - begin).min(ZEROS.len() as u64) as usize;
            self.table.volume.write_at(lwp, begin, &ZEROS[..len])?;
            begin += len as u64;
        }
        Ok(())
    }

    /// Where byte `offset` of a file is, and how many of `len` bytes follow it there.
    fn run(
        &mut self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        len: usize,
    ) -> Result<(u64, usize), Errno> {
        let size = u64::from(self.table.layout.cluster_size);
        let node = self.nodes.get(file)?;
        let mut index = (offset / size) as u32;
        let within = offset % size;
        let first = node
            .chain
            .at(lwp, &self.table, index)?
            .ok_or(Errno::EUCLEAN)?;
        let (mut last, mut run) = (first, (size - within) as usize);
        while run < len {
            index += 1;
            let next = node
                .chain
                .at(lwp, &self.table, index)?
                .ok_or(Errno::EUCLEAN)?;
            if next != last + 1 {
                break;
            }
            last = next;
            run += size as usize;
        }
        Ok((self.table.layout.place(first) + within, run.min(len)))
    }

    /// How many clusters so many bytes take.
    pub(crate) fn clusters(&self, bytes: u64) -> u32 {
        bytes.div_ceil(u64::from(self.table.layout.cluster_size)) as u32
    }
}
