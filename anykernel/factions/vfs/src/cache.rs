//! The bound of what pages take, and who gives up which when it is reached.
//!
//! Pages of files on a medium are in a queue by chunks, in the order they came. Who needs room takes chunks from its front:
//! what was used since it was last there goes to the end once more, what differs from the medium stays until it is
//! written. Pages of files that are nowhere else are not in the queue; they are charged to the kernel's memory alone.
//!
//! Whoever makes too much differ from the medium writes back first, what has waited longest: nobody else would so
//! soon (see [`expiry`](crate::expiry)).

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Charge, Errno, Lwp, Memory};
use hashbrown::HashSet;

use crate::Vnode;
use crate::frame::{Frame, Spare};
use crate::page::PAGE;

/// Frames kept for the next who needs one.
const SPARE: usize = 1024;

/// Who needs so many frames is given them from a run.
const MANY: usize = 16;

/// Frames of a run: where the host has memory there before it is touched, a MiB, else those of a run cost no less.
const LONGEST: usize = if cfg!(feature = "paging") { 256 } else { 1 };

/// Chunks looked at before somebody who needs room writes back instead.
const LOOKS: usize = 256;

/// Entries of queues that nobody looks through.
const ENTRIES: usize = 4096;

struct State {
    /// For all frames in use.
    charge: Charge,
    spare: Spare,
    /// Frames of files on a medium.
    cached: u64,
    /// Those that differ from it.
    dirty: u64,
    /// Chunks of files on a medium.
    chunks: VecDeque<(Weak<Vnode>, u64)>,
    /// Files that may differ from their medium, in the order they began to.
    files: VecDeque<Weak<Vnode>>,
    /// How many entries these two may have before somebody looks which are of no use.
    enough: usize,
}

impl State {
    /// Forgets what the queues have of files that are gone, and what they have twice, when that may be half of them.
    fn prune(&mut self) {
        if self.chunks.len() + self.files.len() < self.enough {
            return;
        }
        let mut seen = HashSet::new();
        self.chunks.retain(|(file, chunk)| {
            file.strong_count() > 0 && seen.insert((file.as_ptr(), *chunk))
        });
        self.files.retain(|file| file.strong_count() > 0);
        self.enough = ENTRIES.max(2 * (self.chunks.len() + self.files.len()));
    }
}

/// What pages there are, of all files of a kernel.
pub(crate) struct Cache {
    memory: Arc<Memory>,
    /// The most frames for files on a medium.
    limit: u64,
    state: Leaf<State>,
}

impl Cache {
    /// A cache of at most so many bytes.
    pub(crate) fn new(memory: &Arc<Memory>, bytes: u64) -> Self {
        Cache {
            memory: memory.clone(),
            limit: (bytes / PAGE as u64).max(64),
            state: Leaf::new(State {
                charge: memory.nothing(),
                spare: Spare::new(),
                cached: 0,
                dirty: 0,
                chunks: VecDeque::new(),
                files: VecDeque::new(),
                enough: ENTRIES,
            }),
        }
    }

    /// Frames of anything: as many as wanted, or as there is memory for. `ENOMEM` if that is none.
    pub(crate) fn frames(&self, wanted: usize) -> Result<Vec<Frame>, Errno> {
        let most = wanted.min(self.memory.left_for_bulk() / PAGE);
        let mut frames = Vec::new();
        frames.try_reserve_exact(most).map_err(|_| Errno::ENOMEM)?;
        self.state.with(|state| {
            let bytes = state.charge.bytes();
            state.charge.resize(bytes + most * PAGE)?;
            state.spare.take(most, &mut frames);
            Ok::<_, Errno>(())
        })?;
        while frames.len() < most && self.add_frames(most, &mut frames).is_ok() {}
        self.uncharge(most - frames.len());
        match frames.is_empty() {
            true => Err(Errno::ENOMEM),
            false => Ok(frames),
        }
    }

    /// Adds frames from the host, at most as many as are missing; what else comes with them is spare.
    fn add_frames(&self, wanted: usize, frames: &mut Vec<Frame>) -> Result<(), Errno> {
        let missing = wanted - frames.len();
        // A run is not to be much of the memory there is.
        let affords = self.memory.left_for_bulk() / PAGE > 16 * LONGEST;
        let count = match missing >= MANY && affords {
            true => LONGEST,
            false => 1,
        };
        Frame::run(count, frames)?;
        if frames.len() > wanted {
            let mut rest = frames.split_off(wanted);
            // In the order that they are taken again.
            rest.reverse();
            self.state.with(|state| state.spare.keep(rest, SPARE));
        }
        Ok(())
    }

    fn uncharge(&self, frames: usize) {
        if frames == 0 {
            return;
        }
        self.state.with(|state| {
            let bytes = state.charge.bytes();
            // Less never fails.
            let _ = state.charge.resize(bytes - frames * PAGE);
        });
    }

    /// Takes frames back.
    pub(crate) fn give(&self, frames: Vec<Frame>) {
        if frames.is_empty() {
            return;
        }
        self.uncharge(frames.len());
        let rest = self.state.with(|state| state.spare.keep(frames, SPARE));
        drop(rest);
    }

    /// Frames of a file on a medium came, with these new chunks, and went.
    pub(crate) fn count(&self, came: u64, went: u64, vnode: &Arc<Vnode>, chunks: &[u64]) {
        self.state.with(|state| {
            state.cached = state.cached + came - went;
            let chunks = chunks.iter().map(|chunk| (Arc::downgrade(vnode), *chunk));
            state.chunks.extend(chunks);
            state.prune();
        });
    }

    /// Pages of a file began to differ from its medium, the first of them with `begins`, and ended to.
    pub(crate) fn differ(&self, began: u64, ended: u64, begins: Option<&Arc<Vnode>>) {
        self.state.with(|state| {
            state.dirty = state.dirty + began - ended;
            state.files.extend(begins.map(Arc::downgrade));
            state.prune();
        });
    }

    /// Bytes of files on a medium that are kept.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.with(|state| state.cached) * PAGE as u64
    }

    /// Bytes that differ from their medium.
    pub(crate) fn dirty_bytes(&self) -> u64 {
        self.state.with(|state| state.dirty) * PAGE as u64
    }

    /// Makes room for what a call is about to add. The caller has no file's turn. What cannot be written back stays:
    /// its file knows why, and when there is no more room for such, so does whoever writes.
    pub(crate) fn make_room(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let limit = self.limit.min(self.affordable());
        let (cached, dirty) = self.state.with(|state| (state.cached, state.dirty));
        if cached >= limit {
            // No more than is kept for the next: nothing goes to the host to come back from there.
            let more = (limit / 16).min(SPARE as u64 / 2);
            self.reclaim(lwp, cached - limit + more);
        }
        if dirty <= limit / 2 {
            return Ok(());
        }
        match self.write_back(lwp, dirty - limit / 4) {
            Err(errno) if dirty >= limit => Err(errno),
            _ => Ok(()),
        }
    }

    /// How many frames the kernel's memory has for files on a medium, with those they have.
    fn affordable(&self) -> u64 {
        let left = (self.memory.left_for_bulk() / PAGE) as u64;
        self.state.with(|state| state.cached) + left / 2
    }

    fn reclaim(&self, lwp: &Lwp<'_>, wanted: u64) {
        let mut freed = 0;
        for _ in 0..LOOKS.max(2 * wanted as usize) {
            if freed >= wanted {
                return;
            }
            let Some((weak, chunk)) = self.state.with(|state| state.chunks.pop_front()) else {
                return;
            };
            let Some(vnode) = weak.upgrade() else {
                continue;
            };
            let (frames, left) = vnode.reclaim(lwp, chunk);
            freed += frames.len() as u64;
            self.state.with(|state| {
                state.cached -= frames.len() as u64;
                if left {
                    state.chunks.push_back((weak, chunk));
                }
            });
            self.give(frames);
        }
    }

    fn write_back(&self, lwp: &Lwp<'_>, wanted: u64) -> Result<(), Errno> {
        let until = self.state.with(|state| state.dirty).saturating_sub(wanted);
        for _ in 0..LOOKS {
            if self.state.with(|state| state.dirty) <= until {
                break;
            }
            let Some(weak) = self.state.with(|state| state.files.pop_front()) else {
                break;
            };
            if let Some(vnode) = weak.upgrade() {
                vnode.pages.lock(lwp).list(false);
                if let Err(errno) = vnode.flush(lwp) {
                    // Its next `fsync` says so; meanwhile others have their turn.
                    if vnode.pages.lock(lwp).list(true) {
                        self.differ(0, 0, Some(&vnode));
                    }
                    return Err(errno);
                }
            }
        }
        Ok(())
    }
}
