//! What is in files: pages between callers and file systems.
//!
//! Callers copy to and from pages under the lock of a file's pages, which nobody holds while he waits. Whatever waits for
//! the medium, and whatever changes contents, has the file's turn: so a page is never filled with what was there before
//! a change, and never written back over what came after.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::{Errno, Lwp};
use syscall::{UioIn, UioOut};

use crate::cache::Cache;
use crate::frame::Frame;
use crate::page::{CHUNK, PAGE};
use crate::{Changes, Storage, Time, Vnode};

/// Pages of one transfer between pages and a medium, at most.
pub(crate) const RUN: u64 = 256;

/// Pages read ahead at first, and at most.
const AHEAD: Range<u64> = 4..RUN;

/// Bytes of one read of what nothing is kept of.
const PIECE: usize = 64 * 1024;

const ZEROS: [u8; PAGE] = [0; PAGE];

pub(crate) fn page_of(offset: u64) -> (u64, usize) {
    (offset / PAGE as u64, (offset % PAGE as u64) as usize)
}

fn buffer(bytes: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(bytes, 0);
    Ok(buffer)
}

impl Vnode {
    pub(crate) fn cache(&self) -> &Cache {
        self.mount().cache()
    }

    /// Reads from byte `offset` on: how many bytes. What was read before an error counts.
    pub(crate) fn read(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut UioOut<'_>,
    ) -> Result<usize, Errno> {
        if !self.keeps() {
            return self.read_through(lwp, offset, to);
        }
        let mut done = 0;
        while to.remaining() > 0 {
            match self.read_some(lwp, offset + done as u64, to) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        self.note_access();
        Ok(done)
    }

    /// Reads what nothing is kept of, in pieces.
    fn read_through(
        &self,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut UioOut<'_>,
    ) -> Result<usize, Errno> {
        let mut piece = buffer(to.remaining().min(PIECE))?;
        let mut done = 0;
        while to.remaining() > 0 {
            let wanted = to.remaining().min(piece.len());
            let at = offset.saturating_add(done as u64);
            match self.fs().read(lwp, self.number(), at, &mut piece[..wanted]) {
                Ok(count) => {
                    done += to.put(&piece[..count])?;
                    if count < wanted {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(done)
    }

    /// Copies the pages that are there, one at least.
    fn read_some(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut UioOut<'_>,
    ) -> Result<usize, Errno> {
        loop {
            let size = self.size(lwp)?;
            let mut left = size.saturating_sub(offset).min(to.remaining() as u64) as usize;
            let mut done = 0;
            let (mut page, mut at) = page_of(offset);
            let mut pages = self.pages.lock(lwp);
            while left > 0 {
                let bytes = match pages.get(page) {
                    Some(bytes) => bytes,
                    None if self.storage() == Storage::Pages => &ZEROS,
                    None => break,
                };
                let count = left.min(PAGE - at);
                done += to.put(&bytes[at..at + count])?;
                left -= count;
                page += 1;
                at = 0;
            }
            drop(pages);
            if done > 0 || left == 0 {
                return Ok(done);
            }
            // Who reads adds nothing that has to be written.
            let _ = self.cache().make_room(lwp);
            let wanted = (at + left).div_ceil(PAGE) as u64;
            let wanted = self.with_ahead(page, wanted);
            self.turn.with(lwp, |()| self.fill(lwp, page, wanted))??;
        }
    }

    /// How many pages to read where `wanted` are: more and more for who reads one after the other.
    fn with_ahead(&self, page: u64, wanted: u64) -> u64 {
        self.state.with(|state| {
            let (next, ahead) = state.ahead;
            let ahead = match page == next {
                true => (2 * ahead).clamp(AHEAD.start, AHEAD.end),
                false => 0,
            };
            let count = wanted.max(ahead).min(RUN);
            state.ahead = (page + count, ahead.max(1));
            count
        })
    }

    /// Reads pages that are not there, one at least, from the medium. The caller has the turn.
    fn fill(self: &Arc<Self>, lwp: &Lwp<'_>, page: u64, wanted: u64) -> Result<(), Errno> {
        let pages = self.size(lwp)?.div_ceil(PAGE as u64);
        let wanted = wanted.min(pages.saturating_sub(page));
        let count = self.pages.lock(lwp).missing(page, wanted);
        if count == 0 {
            return Ok(());
        }
        let mut frames = self.cache().frames(count as usize)?;
        let read = self.read_frames(lwp, page * PAGE as u64, &mut frames);
        if let Err(errno) = read {
            self.cache().give(frames);
            return Err(errno);
        }
        let count = frames.len() as u64;
        let mut unneeded = Vec::new();
        let mut chunks = Vec::new();
        let mut locked = self.pages.lock(lwp);
        for (page, frame) in (page..).zip(frames) {
            let (new, rest) = locked.insert(page, frame);
            chunks.extend(new.then_some(page / CHUNK));
            unneeded.extend(rest);
        }
        drop(locked);
        let came = count - unneeded.len() as u64;
        self.cache().count(came, 0, self, &chunks);
        self.cache().give(unneeded);
        Ok(())
    }

    /// Fills frames from byte `start` of the medium on. What the file system does not have, behind the end or behind a
    /// hole that nobody wrote back, is zeros.
    fn read_frames(&self, lwp: &Lwp<'_>, start: u64, frames: &mut [Frame]) -> Result<(), Errno> {
        let there = self.size(lwp)?.saturating_sub(start);
        let there = there.min((frames.len() * PAGE) as u64) as usize;
        let mut pieces = Vec::new();
        let room = pieces.try_reserve_exact(frames.len());
        room.map_err(|_| Errno::ENOMEM)?;
        let starts = (0..there).step_by(PAGE);
        let ends = starts.map(|at| (there - at).min(PAGE));
        let parts = frames.iter_mut().zip(ends);
        pieces.extend(parts.map(|(frame, end)| &mut frame[..end]));
        let count = self
            .fs()
            .read_pieces(lwp, self.number(), start, &mut pieces)?;
        for (frame, at) in frames.iter_mut().zip((0..).step_by(PAGE)) {
            frame[count.saturating_sub(at).min(PAGE)..].fill(0);
        }
        Ok(())
    }

    /// Writes to byte `offset`, or with none to the end: how many bytes, and where they end. What was written before an
    /// error counts.
    pub(crate) fn write(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: Option<u64>,
        from: &mut UioIn<'_>,
    ) -> Result<(usize, u64), Errno> {
        let mut done = 0;
        let mut end = offset;
        while from.remaining() > 0 {
            let room = self.cache().make_room(lwp);
            let step = room.and_then(|()| {
                self.turn
                    .with(lwp, |()| self.write_next(lwp, offset.and(end), from))
            });
            match step.and_then(|step| step) {
                Ok((count, at)) => {
                    done += count;
                    end = Some(at);
                }
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok((done, end.unwrap_or(0)))
    }

    /// Writes as much as one transfer takes to a place, or to the end: how much, and where that ends.
    fn write_next(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        place: Option<u64>,
        from: &mut UioIn<'_>,
    ) -> Result<(usize, u64), Errno> {
        let offset = match place {
            Some(offset) => offset,
            None => self.size(lwp)?,
        };
        let count = self.write_some(lwp, offset, from)?;
        Ok((count, offset + count as u64))
    }

    /// Writes as much as one transfer takes. The caller has the turn.
    fn write_some(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        from: &mut UioIn<'_>,
    ) -> Result<usize, Errno> {
        let (largest, errno) = match self.fs().fixes_sizes() {
            true => (self.size(lwp)?, Errno::ENOSPC),
            false => (self.mount().properties().largest_file, Errno::EFBIG),
        };
        let room = largest.saturating_sub(offset);
        let len = (from.remaining() as u64).min(room).min(RUN * PAGE as u64);
        if len == 0 {
            return Err(errno);
        }
        let end = offset + len;
        let pages = offset / PAGE as u64..end.div_ceil(PAGE as u64);
        let later = match self.storage() {
            Storage::Nowhere => false,
            Storage::Pages => {
                self.check_room(lwp, &pages)?;
                true
            }
            Storage::Medium => self
                .mount()
                .reserve(lwp, (pages.end - pages.start) * PAGE as u64)?,
        };
        let count = match later {
            true => self.write_pages(lwp, offset, len as usize, from)?,
            false => self.write_through(lwp, offset, len as usize, from)?,
        };
        if !self.keeps() {
            return Ok(count);
        }
        let now = Some(Time::now());
        let end = offset + count as u64;
        self.change_later(&Changes {
            size: (end > self.size(lwp)?).then_some(end),
            modified: now,
            changed: now,
            ..Changes::default()
        });
        Ok(count)
    }

    /// `ENOSPC` if the mount may not have so many more pages.
    pub(crate) fn check_room(&self, lwp: &Lwp<'_>, pages: &Range<u64>) -> Result<(), Errno> {
        let Some(left) = self.mount().pages_left(lwp)? else {
            return Ok(());
        };
        let locked = self.pages.lock(lwp);
        let missing = pages.clone().filter(|page| !locked.has(*page)).count();
        match missing as u64 <= left {
            true => Ok(()),
            false => Err(Errno::ENOSPC),
        }
    }

    /// Copies into pages, to be written back later.
    fn write_pages(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        len: usize,
        from: &mut UioIn<'_>,
    ) -> Result<usize, Errno> {
        let medium = self.storage() == Storage::Medium;
        let size = self.size(lwp)?;
        let end = offset + len as u64;
        let (first, at) = page_of(offset);
        let (last, rest) = page_of(end);
        // Of pages that are written in part, the rest is to be there.
        if medium && at > 0 && first * (PAGE as u64) < size {
            self.fill(lwp, first, 1)?;
        }
        if medium && rest > 0 && end < size {
            self.fill(lwp, last, 1)?;
        }
        let (mut came, mut began) = (0, 0);
        let mut chunks = Vec::new();
        let (mut page, mut at) = (first, at);
        let mut done = 0;
        let mut result = Ok(());
        let mut pages = self.pages.lock(lwp);
        let touched = page..end.div_ceil(PAGE as u64);
        let missing = touched.filter(|page| !pages.has(*page)).count();
        let mut frames = match missing {
            0 => Vec::new(),
            _ => self.cache().frames(missing)?,
        }
        .into_iter();
        while done < len {
            let count = (len - done).min(PAGE - at);
            let new = !pages.has(page);
            if new {
                let Some(mut frame) = frames.next() else {
                    result = Err(Errno::ENOMEM);
                    break;
                };
                if count < PAGE {
                    frame.fill(0);
                }
                let (new_chunk, _) = pages.insert(page, frame);
                chunks.extend(new_chunk.then_some(page / CHUNK));
                came += 1;
            }
            let Some((newly, bytes)) = pages.get_dirty(page) else {
                break;
            };
            began += u64::from(newly);
            match from.take(&mut bytes[at..at + count]) {
                Ok(count) => done += count,
                Err(errno) => {
                    // What the frame had before is nobody's business.
                    if new {
                        bytes.fill(0);
                    }
                    result = Err(errno);
                    break;
                }
            }
            page += 1;
            at = 0;
        }
        let begins = began > 0 && pages.list(true);
        drop(pages);
        self.cache().give(frames.collect());
        if medium {
            self.cache().count(came, 0, self, &chunks);
            self.cache().differ(began, 0, begins.then_some(self));
            self.mount().differs(lwp);
        } else {
            self.mount().count_pages(came, 0);
        }
        match result {
            Err(errno) if done == 0 => Err(errno),
            _ => Ok(done),
        }
    }

    /// Writes to the file system at once, where it is not sure to have room later.
    fn write_through(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        len: usize,
        from: &mut UioIn<'_>,
    ) -> Result<usize, Errno> {
        let mut bytes = buffer(len)?;
        let count = from.take(&mut bytes)?;
        // Sizes are in order: what is before is there first.
        self.flush_in_turn(lwp)?;
        self.fs_to_change(lwp)
            .write(lwp, self.number(), offset, &bytes[..count])?;
        let mut pages = self.pages.lock(lwp);
        let (mut page, mut at) = page_of(offset);
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(rest.len().min(PAGE - at));
            if let Some(bytes) = pages.get_clean(page) {
                bytes[at..at + piece.len()].copy_from_slice(piece);
            }
            rest = others;
            page += 1;
            at = 0;
        }
        Ok(count)
    }
}
