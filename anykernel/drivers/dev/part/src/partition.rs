//! A partition as a disk.

use alloc::sync::Arc;

use base::Lwp;
use dev::{Block, Disk, Geometry, Request};

use crate::table::Partition;

/// A part of another unit, which lies within that.
pub(crate) struct PartitionDisk {
    pub(crate) whole: Arc<Block>,
    pub(crate) partition: Partition,
}

impl Disk for PartitionDisk {
    fn geometry(&self) -> Geometry {
        Geometry {
            blocks: self.partition.count,
            ..self.whole.geometry()
        }
    }

    fn label(&self) -> &str {
        &self.partition.name
    }

    fn most_discarded(&self) -> u64 {
        self.whole.most_discarded()
    }

    fn whole(&self) -> Option<&Arc<Block>> {
        Some(&self.whole)
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        // It fits the partition, and so its place on the whole is one.
        request.first += self.partition.first;
        self.whole.submit(lwp, request);
    }
}
