//! A part of a disk as one.

use alloc::sync::Arc;

use base::{Errno, Lwp};
use dev::{Block, Disk, Geometry, Request};
use syscall::consts::ETFS_SIZE_ENDOFF;

pub(crate) struct Window {
    whole: Arc<Block>,
    first: u64,
    count: u64,
}

impl Window {
    /// The `size` bytes from byte `begin` on. `EINVAL` unless these are whole blocks, one at least, and in it.
    pub(crate) fn new(whole: &Arc<Block>, begin: u64, size: u64) -> Result<Self, Errno> {
        let Geometry {
            block_size, blocks, ..
        } = whole.geometry();
        let block = u64::from(block_size);
        let (first, past) = (begin / block, begin % block);
        let behind = blocks.checked_sub(first).ok_or(Errno::EINVAL)?;
        let (count, rest) = match size {
            ETFS_SIZE_ENDOFF => (behind, 0),
            size => (size / block, size % block),
        };
        match past == 0 && rest == 0 && (1..=behind).contains(&count) {
            true => Ok(Window {
                whole: whole.clone(),
                first,
                count,
            }),
            false => Err(Errno::EINVAL),
        }
    }
}

impl Disk for Window {
    fn geometry(&self) -> Geometry {
        Geometry {
            blocks: self.count,
            ..self.whole.geometry()
        }
    }

    fn most_discarded(&self) -> u64 {
        self.whole.most_discarded()
    }

    fn whole(&self) -> Option<&Arc<Block>> {
        Some(&self.whole)
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        // It fits the window, and so its place on the whole is one.
        request.first += self.first;
        self.whole.submit(lwp, request);
    }
}
