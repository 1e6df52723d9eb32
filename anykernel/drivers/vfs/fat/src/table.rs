//! The table that FAT is named after: which cluster follows which, and which are free.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use bio::Volume;

use crate::bytes::{put_u16, put_u32, u16_at, u32_at};
use crate::layout::{FIRST, Layout, Width};

/// Of 32 bits, those that are an entry; and the first value that ends a chain, with its like of 12 and 16.
const BITS: u32 = 0x0fff_ffff;
const END: u32 = 0x0fff_fff8;

/// Where the numbers stand in what says how much is free, and its signatures.
pub(crate) const FREE: usize = 488;
pub(crate) const NEXT: usize = 492;
pub(crate) const SIGNATURES: [(usize, u32); 2] = [(0, 0x4161_5252), (484, 0x6141_7272)];
/// Nobody knows.
const UNKNOWN: u32 = u32::MAX;

/// The table, and the disk it is on.
pub(crate) struct Table {
    pub(crate) volume: Arc<Volume>,
    pub(crate) layout: Layout,
    /// Free clusters, by what is said or by what was counted.
    free: Option<u32>,
    counted: bool,
    /// Where to look for a free one.
    next: u32,
    /// Something was left undone when it was mounted.
    was_unclean: bool,
    /// It says on the disk that something is.
    marked: bool,
    /// What it says there of free clusters is old.
    stale: bool,
    /// First clusters of chains that nothing leads to any more, but for what may be on the disk still.
    gone: Vec<u32>,
}

impl Table {
    pub(crate) fn open(lwp: &Lwp<'_>, volume: Arc<Volume>, layout: Layout) -> Result<Self, Errno> {
        let mut state = [0];
        volume.read_at(lwp, layout.state, &mut state)?;
        let mut table = Table {
            volume,
            free: None,
            counted: false,
            next: FIRST,
            was_unclean: state[0] & 1 != 0,
            marked: state[0] & 1 != 0,
            stale: false,
            gone: Vec::new(),
            layout,
        };
        if let Some(info) = table.info(lwp)? {
            let (free, next) = (u32_at(&info, FREE), u32_at(&info, NEXT));
            let usable = free <= table.layout.clusters && !table.was_unclean;
            table.free = usable.then_some(free);
            table.next = match table.layout.has(next) {
                true => next,
                false => FIRST,
            };
        }
        Ok(table)
    }

    /// The sector that says how much is free, if it does.
    fn info(&self, lwp: &Lwp<'_>) -> Result<Option<[u8; 512]>, Errno> {
        let Some(at) = self.layout.info else {
            return Ok(None);
        };
        let mut raw = [0; 512];
        self.volume.read_at(lwp, at, &mut raw)?;
        let signed = SIGNATURES
            .iter()
            .all(|(at, value)| u32_at(&raw, *at) == *value);
        Ok(signed.then_some(raw))
    }

    // ---- entries ----

    fn get(&self, lwp: &Lwp<'_>, cluster: u32) -> Result<u32, Errno> {
        let (begin, end) = self.layout.entry(cluster);
        let mut raw = [0; 4];
        let raw = &mut raw[..(end - begin) as usize];
        let table = u64::from(self.layout.only_table.unwrap_or(0)) * self.layout.table_len;
        self.volume
            .read_at(lwp, self.layout.table + table + begin, raw)?;
        Ok(match self.layout.width {
            Width::Bits12 => u32::from(u16_at(raw, 0) >> (cluster % 2 * 4) & 0xfff),
            Width::Bits16 => u32::from(u16_at(raw, 0)),
            Width::Bits32 => u32_at(raw, 0) & BITS,
        })
    }

    /// The end of chains, as entries of this width say it.
    fn end(&self) -> u32 {
        match self.layout.width {
            Width::Bits12 => END & 0xfff,
            Width::Bits16 => END & 0xffff,
            Width::Bits32 => END,
        }
    }

    fn set(&mut self, lwp: &Lwp<'_>, cluster: u32, value: u32) -> Result<(), Errno> {
        self.mark(lwp)?;
        let (begin, end) = self.layout.entry(cluster);
        let len = (end - begin) as usize;
        for table in 0..self.layout.tables {
            if self.layout.only_table.is_some_and(|only| only != table) {
                continue;
            }
            let at = self.layout.table + u64::from(table) * self.layout.table_len + begin;
            let mut raw = [0; 4];
            let raw = &mut raw[..len];
            self.volume.read_at(lwp, at, raw)?;
            match self.layout.width {
                Width::Bits12 => {
                    let shift = cluster % 2 * 4;
                    let kept = u16_at(raw, 0) & !(0xfff << shift);
                    put_u16(raw, 0, kept | (value as u16 & 0xfff) << shift);
                }
                Width::Bits16 => put_u16(raw, 0, value as u16),
                Width::Bits32 => put_u32(raw, 0, u32_at(raw, 0) & !BITS | value & BITS),
            }
            self.volume.write_at(lwp, at, raw)?;
        }
        Ok(())
    }

    /// The cluster behind one, or nothing at the end of a chain. `EUCLEAN` if there is no such cluster.
    pub(crate) fn after(&self, lwp: &Lwp<'_>, cluster: u32) -> Result<Option<u32>, Errno> {
        match self.get(lwp, cluster)? {
            next if self.layout.has(next) => Ok(Some(next)),
            next if next >= self.end() => Ok(None),
            _ => Err(Errno::EUCLEAN),
        }
    }

    // ---- chains ----

    /// A chain of new clusters. Behind `last`, if there is one. `ENOSPC`, and then nothing has changed.
    pub(crate) fn grow(
        &mut self,
        lwp: &Lwp<'_>,
        last: Option<u32>,
        count: u32,
    ) -> Result<u32, Errno> {
        let known = self.free.filter(|_| self.counted && self.gone.is_empty());
        if known.is_some_and(|free| free < count) {
            return Err(Errno::ENOSPC);
        }
        let (mut chain, mut next) = self.look(lwp, count)?;
        if chain.len() < count as usize && !self.gone.is_empty() {
            self.settle(lwp)?;
            (chain, next) = self.look(lwp, count)?;
        }
        if chain.len() < count as usize {
            (self.free, self.counted) = (Some(chain.len() as u32), true);
            return Err(Errno::ENOSPC);
        }
        self.next = next;
        // From its end on, so that a chain never goes on with what is free.
        let mut next = self.end();
        for cluster in chain.iter().rev() {
            self.set(lwp, *cluster, next)?;
            next = *cluster;
        }
        if let Some(last) = last {
            self.set(lwp, last, next)?;
        }
        self.free = self.free.map(|free| free.saturating_sub(count));
        self.stale = true;
        Ok(next)
    }

    /// Looks for free clusters: as many as are asked for, or all there are, and where to look for more.
    fn look(&self, lwp: &Lwp<'_>, count: u32) -> Result<(Vec<u32>, u32), Errno> {
        let mut found = Vec::new();
        found
            .try_reserve_exact(count as usize)
            .map_err(|_| Errno::ENOMEM)?;
        let mut cluster = self.next;
        for _ in 0..self.layout.clusters {
            if found.len() == count as usize {
                break;
            }
            if self.get(lwp, cluster)? == 0 {
                found.push(cluster);
            }
            cluster = match cluster + 1 == self.layout.end() {
                true => FIRST,
                false => cluster + 1,
            };
        }
        Ok((found, cluster))
    }

    /// Has a chain go on with another.
    pub(crate) fn link(&mut self, lwp: &Lwp<'_>, last: u32, first: u32) -> Result<(), Errno> {
        self.set(lwp, last, first)
    }

    /// Frees a chain, once nothing on the disk leads to it any more: after a loss of power a name that was removed or
    /// replaced may still be there, and has its contents then.
    pub(crate) fn free(&mut self, first: u32) -> Result<(), Errno> {
        if self.layout.has(first) {
            self.gone.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            self.gone.push(first);
        }
        Ok(())
    }

    /// Has nothing on the disk lead to what is to be free, and frees it.
    fn settle(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.volume.flush(lwp)?;
        while let Some(first) = self.gone.last() {
            self.free_now(lwp, *first)?;
            self.gone.pop();
        }
        Ok(())
    }

    /// Frees a chain that nothing leads to. What is wrong in it ends it.
    fn free_now(&mut self, lwp: &Lwp<'_>, first: u32) -> Result<(), Errno> {
        let mut cluster = Some(first);
        while let Some(one) = cluster {
            // A loop ends where something is free already.
            let next = self.get(lwp, one)?;
            if next == 0 {
                break;
            }
            self.set(lwp, one, 0)?;
            self.free = self.free.map(|free| (free + 1).min(self.layout.clusters));
            cluster = Some(next).filter(|next| self.layout.has(*next));
        }
        self.stale = true;
        Ok(())
    }

    /// Ends a chain with a cluster, and frees what was behind it.
    pub(crate) fn cut(&mut self, lwp: &Lwp<'_>, last: u32) -> Result<(), Errno> {
        let rest = self.get(lwp, last)?;
        self.set(lwp, last, self.end())?;
        match rest == last {
            true => Ok(()),
            false => self.free(rest),
        }
    }

    /// How many clusters are free.
    pub(crate) fn free_clusters(&mut self, lwp: &Lwp<'_>) -> Result<u32, Errno> {
        if !self.gone.is_empty() {
            self.settle(lwp)?;
        }
        match self.free {
            Some(free) => Ok(free),
            None => self.count(lwp),
        }
    }

    fn count(&mut self, lwp: &Lwp<'_>) -> Result<u32, Errno> {
        let mut free = 0;
        for cluster in FIRST..self.layout.end() {
            free += u32::from(self.get(lwp, cluster)? == 0);
        }
        (self.free, self.counted) = (Some(free), true);
        Ok(free)
    }

    // ---- the state as a whole ----

    /// Says on the disk that something is under way.
    pub(crate) fn mark(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if !self.marked {
            self.set_mark(lwp, true)?;
        }
        Ok(())
    }

    fn set_mark(&mut self, lwp: &Lwp<'_>, marked: bool) -> Result<(), Errno> {
        let mut state = [0];
        self.volume.read_at(lwp, self.layout.state, &mut state)?;
        state[0] = state[0] & !1 | u8::from(marked);
        self.volume.write_at(lwp, self.layout.state, &state)?;
        self.marked = marked;
        Ok(())
    }

    /// Writes all.
    pub(crate) fn sync(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.stale
            && let Some(mut info) = self.info(lwp)?
        {
            put_u32(&mut info, FREE, self.free.unwrap_or(UNKNOWN));
            put_u32(&mut info, NEXT, self.next);
            self.volume
                .write_at(lwp, self.layout.info.unwrap_or(0), &info)?;
        }
        self.stale = false;
        self.settle(lwp)
    }

    /// Writes all, and then that nothing is left undone, unless something was before.
    pub(crate) fn close(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.sync(lwp)?;
        if self.stale {
            // Clusters have become free.
            self.sync(lwp)?;
        }
        if self.marked && !self.was_unclean {
            self.set_mark(lwp, false)?;
            self.volume.flush(lwp)?;
        }
        Ok(())
    }
}
