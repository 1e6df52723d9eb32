//! Frames: the memory of pages, one by one or in runs.
//!
//! A run is one piece of the host's memory, which such a host as Linux has there all at once for less than page by page.
//! It goes back as a whole: frames of a run of which some are in use stay among the spare ones, to be used again first.
// Frames of a run are parts of one allocation, each with an owner of its own.
#![allow(unsafe_code)]

use alloc::alloc::{alloc_zeroed, dealloc};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use base::Errno;

use crate::page::PAGE;

type Bytes = [u8; PAGE];

/// The memory of a page.
pub(crate) struct Frame {
    bytes: NonNull<Bytes>,
    run: Arc<Run>,
}

// SAFETY: a frame is the only owner of its bytes, wherever it is.
unsafe impl Send for Frame {}
// SAFETY: who has it by reference only reads.
unsafe impl Sync for Frame {}

/// Memory of frames, until the last of them is gone.
struct Run {
    start: NonNull<Bytes>,
    layout: Layout,
}

// SAFETY: it does nothing but to end, wherever that is.
unsafe impl Send for Run {}
// SAFETY: as above.
unsafe impl Sync for Run {}

impl Drop for Run {
    fn drop(&mut self) {
        // SAFETY: it was allocated so, and no frame is left.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) };
    }
}

impl Frame {
    /// Adds so many frames of zeros, one at least, from one piece of memory. `ENOMEM`.
    pub(crate) fn run(count: usize, to: &mut Vec<Frame>) -> Result<(), Errno> {
        let count = count.max(1);
        let layout = Layout::array::<Bytes>(count).map_err(|_| Errno::ENOMEM)?;
        to.try_reserve(count).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start.cast::<Bytes>()).ok_or(Errno::ENOMEM)?;
        #[cfg(feature = "paging")]
        if count > 1 {
            let address = start.as_ptr().expose_provenance();
            hypercall::paging::prefault(address, layout.size());
        }
        let run = Arc::new(Run { start, layout });
        to.extend((0..count).map(|index| Frame {
            // SAFETY: inside of the allocation. Each index is given once, and the run outlives its frames.
            bytes: unsafe { start.add(index) },
            run: run.clone(),
        }));
        Ok(())
    }

    /// What tells its run from others.
    fn address(&self) -> usize {
        Arc::as_ptr(&self.run).addr()
    }

    /// Frames of its run.
    fn of_run(&self) -> usize {
        self.run.layout.size() / PAGE
    }
}

impl Deref for Frame {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        // SAFETY: initialised bytes that are this frame's alone.
        unsafe { self.bytes.as_ref() }
    }
}

impl DerefMut for Frame {
    fn deref_mut(&mut self) -> &mut Bytes {
        // SAFETY: as above.
        unsafe { self.bytes.as_mut() }
    }
}

/// Frames nobody uses, by the runs that they are of.
pub(crate) struct Spare {
    runs: BTreeMap<usize, Vec<Frame>>,
    count: usize,
}

impl Spare {
    pub(crate) fn new() -> Self {
        Spare {
            runs: BTreeMap::new(),
            count: 0,
        }
    }

    /// Adds at most so many of them, as they are.
    pub(crate) fn take(&mut self, most: usize, to: &mut Vec<Frame>) {
        let mut left = most;
        while left > 0
            && let Some(mut run) = self.runs.last_entry()
        {
            let frames = run.get_mut();
            let count = frames.len().min(left);
            to.extend(frames.drain(frames.len() - count..).rev());
            if frames.is_empty() {
                run.remove();
            }
            self.count -= count;
            left -= count;
        }
    }

    /// Keeps frames. Of whole runs, only as long as there are no more than `enough` frames: the others come back.
    pub(crate) fn keep(&mut self, frames: Vec<Frame>, enough: usize) -> Vec<Vec<Frame>> {
        let mut back = Vec::new();
        for frame in frames {
            let (address, of_run) = (frame.address(), frame.of_run());
            let run = self.runs.entry(address).or_default();
            run.push(frame);
            self.count += 1;
            if run.len() == of_run && self.count > enough {
                self.count -= of_run;
                back.extend(self.runs.remove(&address));
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        Frame::run(count, &mut frames).unwrap();
        frames
    }

    #[test]
    fn frames_of_a_run_are_apart() {
        let mut frames = run(3);
        for (index, frame) in frames.iter_mut().enumerate() {
            assert!(frame.iter().all(|byte| *byte == 0));
            frame.fill(index as u8 + 1);
        }
        let last = frames.pop().unwrap();
        drop(frames);
        assert!(last.iter().all(|byte| *byte == 3));
    }

    #[test]
    fn whole_runs_go_and_parts_of_one_stay() {
        let mut spare = Spare::new();
        let mut part = run(4);
        let used = part.split_off(3);
        let weak = Arc::downgrade(&used[0].run);
        assert!(spare.keep(part, 0).is_empty());
        assert_eq!(spare.count, 3);
        let mut some = Vec::new();
        spare.take(2, &mut some);
        assert_eq!((some.len(), spare.count), (2, 1));
        assert!(spare.keep(some, 0).is_empty());
        let back = spare.keep(used, 0);
        assert_eq!((back.len(), back[0].len(), spare.count), (1, 4, 0));
        drop(back);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn enough_is_kept() {
        let mut spare = Spare::new();
        assert!(spare.keep(run(2), 4).is_empty());
        assert!(spare.keep(run(2), 4).is_empty());
        assert_eq!(spare.keep(run(2), 4).len(), 1);
        let mut all = Vec::new();
        spare.take(100, &mut all);
        assert_eq!((all.len(), spare.count, spare.runs.len()), (4, 0, 0));
    }
}
