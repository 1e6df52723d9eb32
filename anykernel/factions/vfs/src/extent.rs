//! How long files are, and where they take space.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use syscall::consts::IN_MODIFY;

use crate::contents::page_of;
use crate::frame::Frame;
use crate::page::PAGE;
use crate::{Changes, Storage, Time, Vnode};

impl Vnode {
    /// Gives a file a size.
    pub(crate) fn resize(self: &Arc<Self>, lwp: &Lwp<'_>, size: u64) -> Result<(), Errno> {
        if size > self.mount().properties().largest_file {
            return Err(Errno::EFBIG);
        }
        self.turn.with(lwp, |()| {
            let now = Some(Time::now());
            let changes = Changes {
                size: Some(size),
                modified: now,
                changed: now,
                ..Changes::default()
            };
            if self.storage() == Storage::Pages {
                self.change_later(&changes);
            } else {
                self.change(lwp, &changes)?;
            }
            self.cut(lwp, size);
            Ok(())
        })??;
        self.happened(lwp, IN_MODIFY);
        Ok(())
    }

    /// Lets go of what is behind the end. The caller has the turn.
    fn cut(self: &Arc<Self>, lwp: &Lwp<'_>, size: u64) {
        let mut pages = self.pages.lock(lwp);
        let (frames, ended) = pages.cut(size.div_ceil(PAGE as u64));
        let (last, at) = page_of(size);
        if at > 0
            && let Some(bytes) = pages.get_clean(last)
        {
            bytes[at..].fill(0);
        }
        drop(pages);
        self.let_go(frames, ended);
    }

    pub(crate) fn let_go(self: &Arc<Self>, frames: Vec<Frame>, ended: u64) {
        match self.storage() {
            Storage::Medium => {
                self.cache().count(0, frames.len() as u64, self, &[]);
                self.cache().differ(0, ended, None);
            }
            _ => self.mount().count_pages(0, frames.len() as u64),
        }
        self.cache().give(frames);
    }

    /// Has a range read as zeros.
    pub(crate) fn punch(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        len: u64,
    ) -> Result<(), Errno> {
        self.turn.with(lwp, |()| {
            let end = offset.saturating_add(len).min(self.size(lwp)?);
            if end <= offset {
                return Ok(());
            }
            if self.storage() != Storage::Pages {
                self.flush_in_turn(lwp)?;
                self.fs_to_change(lwp)
                    .punch(lwp, self.number(), offset, end - offset)?;
                self.forget_attributes();
            }
            let whole = offset.div_ceil(PAGE as u64)..end / PAGE as u64;
            let mut pages = self.pages.lock(lwp);
            let mut zero = |from: u64, to: u64| {
                let (page, at) = page_of(from);
                if let Some(bytes) = pages.get_clean(page) {
                    bytes[at..at + (to - from) as usize].fill(0);
                }
            };
            if whole.start > whole.end {
                zero(offset, end);
                return Ok(());
            }
            zero(offset, whole.start * PAGE as u64);
            zero(whole.end * PAGE as u64, end);
            let (frames, ended) = pages.take(whole);
            drop(pages);
            self.let_go(frames, ended);
            Ok(())
        })?
    }

    /// Has space for a range.
    pub(crate) fn allocate(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        len: u64,
    ) -> Result<(), Errno> {
        self.turn.with(lwp, |()| match self.storage() {
            Storage::Medium | Storage::Nowhere => {
                self.flush_in_turn(lwp)?;
                self.mount().break_promise();
                self.fs_to_change(lwp)
                    .allocate(lwp, self.number(), offset, len)?;
                self.forget_attributes();
                Ok(())
            }
            Storage::Pages => {
                let pages = offset / PAGE as u64..(offset + len).div_ceil(PAGE as u64);
                self.check_room(lwp, &pages)?;
                let mut locked = self.pages.lock(lwp);
                for page in pages {
                    if !locked.has(page) {
                        for mut frame in self.cache().frames(1)? {
                            frame.fill(0);
                            locked.insert(page, frame);
                        }
                        self.mount().count_pages(1, 0);
                    }
                }
                Ok(())
            }
        })?
    }

    /// Where data from `offset` on begins, or a hole. `ENXIO` beyond the end.
    pub(crate) fn seek_data(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        offset: u64,
        hole: bool,
    ) -> Result<u64, Errno> {
        let size = self.size(lwp)?;
        if offset >= size {
            return Err(Errno::ENXIO);
        }
        if self.storage() != Storage::Pages {
            return self.turn.with(lwp, |()| {
                self.flush_in_turn(lwp)?;
                self.fs().seek(lwp, self.number(), offset, hole)
            })?;
        }
        let page = self.pages.lock(lwp).seek(offset / PAGE as u64, hole);
        let found = page.map_or(size, |page| (page * PAGE as u64).max(offset));
        match found < size || hole {
            true => Ok(found.min(size)),
            false => Err(Errno::ENXIO),
        }
    }
}
