//! Block units: what is read and written in blocks, any number of requests at a time.
//!
//! A driver implements [`Disk`], which only begins a request; it ends when the device says so, in deferred
//! work, with its completion. A request owns its buffer, so nothing outlives it: it comes back with the
//! completion, whatever happened. Who wants to wait does so at its system call ([`Block::read_at`] and its
//! like). What stands on disks — partitions, encryption — is a [`Disk`] over another one's unit, whose
//! completions end its own requests.

mod claim;
mod request;
mod transfer;

use alloc::string::String;
use alloc::sync::Arc;

use base::sync::{Leaf, Word};
use base::{Errno, Lwp};

pub use claim::Claim;
pub use request::{Done, Operation, Request};

/// What a disk is like. It does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a block, a power of two.
    pub block_size: u32,
    /// How many blocks there are.
    pub blocks: u64,
    /// Whether it cannot be written.
    pub read_only: bool,
    /// The most bytes of one request, a multiple of the block size.
    pub largest: usize,
}

/// What the driver of a disk gives to the faction.
pub trait Disk: Send + Sync {
    /// What the disk is like.
    fn geometry(&self) -> Geometry;

    /// What people call it, as a table of partitions says; empty if nobody named it.
    fn label(&self) -> &str {
        ""
    }

    /// The most blocks that one request discards; zero of a disk that cannot.
    fn most_discarded(&self) -> u64 {
        0
    }

    /// The unit that this is a part of.
    fn whole(&self) -> Option<&Arc<Block>> {
        None
    }

    /// Begins a request, which fits the geometry. It is completed later, or at once: with no lock held
    /// either way. Requests under way together have no order; a flush covers what was completed before
    /// it began.
    fn submit(&self, lwp: &Lwp<'_>, request: Request);
}

/// A disk under its name.
pub struct Block {
    name: String,
    geometry: Geometry,
    disk: Arc<dyn Disk>,
    removed: Word,
    claims: Leaf<claim::Claims>,
}

impl Block {
    pub(crate) fn new(name: String, disk: Arc<dyn Disk>) -> Self {
        Block {
            name,
            geometry: disk.geometry(),
            disk,
            removed: Word::new(0),
            claims: Leaf::new(claim::Claims::default()),
        }
    }

    /// The name, such as `vblk0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people call it, as a table of partitions says: whatever stands there, and perhaps of several the same. Empty
    /// if nobody named it.
    pub fn label(&self) -> &str {
        self.disk.label()
    }

    /// What the disk is like.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The most blocks that one request discards; zero if it cannot.
    pub fn most_discarded(&self) -> u64 {
        self.disk.most_discarded()
    }

    /// Bytes it holds.
    pub fn size(&self) -> u64 {
        self.geometry.blocks * u64::from(self.geometry.block_size)
    }

    pub(crate) fn remove(&self) {
        self.removed.set(1);
    }

    /// Begins a request; no lock is held. One that makes no sense is completed with an error: `ENXIO` if
    /// the disk is gone, `EROFS` if it cannot be written, `EOPNOTSUPP` if it does not discard, `EINVAL` for a
    /// part of a block or beyond the end.
    pub fn submit(&self, lwp: &Lwp<'_>, request: Request) {
        match self.check(&request) {
            Ok(()) => self.disk.submit(lwp, request),
            Err(errno) => request.complete(lwp, Err(errno)),
        }
    }

    fn check(&self, request: &Request) -> Result<(), Errno> {
        let Geometry {
            block_size,
            blocks,
            read_only,
            largest,
        } = self.geometry;
        if self.removed.get() != 0 {
            return Err(Errno::ENXIO);
        }
        let count = match request.operation {
            Operation::Flush => return Ok(()),
            Operation::Write | Operation::Discard { .. } if read_only => return Err(Errno::EROFS),
            Operation::Read | Operation::Write => {
                let len = request.buffer.len();
                if len > largest || !len.is_multiple_of(block_size as usize) {
                    return Err(Errno::EINVAL);
                }
                len as u64 / u64::from(block_size)
            }
            Operation::Discard { count } => match self.disk.most_discarded() {
                0 => return Err(Errno::EOPNOTSUPP),
                most if count > most => return Err(Errno::EINVAL),
                _ => count,
            },
        };
        let end = request.first.checked_add(count);
        match count > 0 && end.is_some_and(|end| end <= blocks) {
            true => Ok(()),
            false => Err(Errno::EINVAL),
        }
    }
}

#[cfg(test)]
mod tests;
