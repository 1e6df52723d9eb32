//! Writing back: what pages have goes to the medium, and pages go.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Lwp};

use crate::contents::RUN;
use crate::failures::Known;
use crate::frame::Frame;
use crate::page::PAGE;
use crate::{Storage, Vnode};

impl Vnode {
    /// Writes back what differs from the medium.
    pub(crate) fn flush(self: &Arc<Self>, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.turn.with(lwp, |()| self.flush_in_turn(lwp))?
    }

    /// As [`flush`](Self::flush) for who has the turn. An error is kept for whoever synchronises; what was not written
    /// still differs.
    pub(crate) fn flush_in_turn(self: &Arc<Self>, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.storage() != Storage::Medium {
            return Ok(());
        }
        let (mut from, mut bytes) = (0, Vec::new());
        let result = loop {
            match self.flush_run(lwp, from, &mut bytes) {
                Ok(Some(next)) => from = next,
                Ok(None) => break self.tell(lwp),
                Err(errno) => break Err(errno),
            }
        };
        result.inspect_err(|errno| self.state.with(|state| state.failures.note(*errno)))
    }

    /// Writes back the first run from a page on, by way of `bytes`; where the next may be.
    fn flush_run(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        from: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<u64>, Errno> {
        let size = self.size(lwp)?;
        let mut pages = self.pages.lock(lwp);
        let Some(run) = pages.next_dirty(from, RUN) else {
            return Ok(None);
        };
        let start = run.start * PAGE as u64;
        let len = (run.end * PAGE as u64).min(size).saturating_sub(start) as usize;
        bytes.clear();
        bytes
            .try_reserve_exact(len.next_multiple_of(PAGE))
            .map_err(|_| Errno::ENOMEM)?;
        for page in run.clone() {
            if let Some(page) = pages.get_clean(page) {
                bytes.extend_from_slice(page);
            }
        }
        bytes.truncate(len);
        let ended = pages.mark(run.clone(), false);
        drop(pages);
        self.cache().differ(0, ended, None);
        let written = self.fs().write(lwp, self.number(), start, bytes);
        if let Err(errno) = written {
            let began = self.pages.lock(lwp).mark(run, true);
            self.cache().differ(began, 0, None);
            return Err(errno);
        }
        // Blocks were found for it.
        let pending = self.state.with(|state| {
            state.known.take();
            state.pending.size
        });
        if pending.is_some_and(|size| size <= start + len as u64) {
            self.state.with(|state| state.pending.size = None);
        }
        Ok(Some(run.end))
    }

    /// Has it survive a loss of power; what writing back failed with, if that is news to who asks.
    pub(crate) fn sync(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        known: &Leaf<Known>,
        data_only: bool,
    ) -> Result<(), Errno> {
        let note = |errno: &Errno| self.state.with(|state| state.failures.note(*errno));
        let synced = self.flush(lwp).and_then(|()| {
            let synced = self.fs().sync_file(lwp, self.number(), data_only);
            synced.inspect_err(note)
        });
        let told = known.with(|known| self.state.with(|state| state.failures.tell(known)));
        synced.and(told)
    }

    /// What somebody knows of failures who opens it now.
    pub(crate) fn known_failures(&self) -> Leaf<Known> {
        Leaf::new(self.state.with(|state| state.failures.known()))
    }

    /// Gives up pages of a chunk that nobody used of late: their frames, and whether any are left.
    pub(crate) fn reclaim(&self, lwp: &Lwp<'_>, chunk: u64) -> (Vec<Frame>, bool) {
        let mut frames = Vec::new();
        let left = self.pages.lock(lwp).reclaim(chunk, &mut frames);
        (frames, left)
    }

    /// Gives up all pages: of a file that ends, or that is as its medium is.
    pub(crate) fn empty(self: &Arc<Self>, lwp: &Lwp<'_>) {
        let (frames, ended) = self.pages.lock(lwp).cut(0);
        self.let_go(frames, ended);
    }
}
