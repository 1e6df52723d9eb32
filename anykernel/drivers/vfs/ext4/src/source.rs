//! The disk, and what is in memory instead of it.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use base::sync::Leaf;
use base::{Charge, Errno, Lwp, Memory};
use bio::Volume;
use rsext4::{Ext4Error, Ext4Result};

/// Bytes of a sector, as the crate sees the disk. A volume takes any piece, so this need not be the disk's.
pub(crate) const SECTOR: usize = 512;

/// A volume, and what is to be read instead of parts of it.
pub(crate) struct Source {
    pub(crate) volume: Arc<Volume>,
    /// Where what is written goes, if not to the volume.
    pub(crate) aside: Option<Leaf<Aside>>,
}

/// Sectors that are written to memory only: the journal of a file system that is to stay as it is.
pub(crate) struct Aside {
    sectors: BTreeMap<u64, Box<[u8; SECTOR]>>,
    charge: Charge,
}

impl Source {
    pub(crate) fn new(volume: Arc<Volume>) -> Self {
        Source {
            volume,
            aside: None,
        }
    }

    /// Has all that is written from now on stay in memory, charged to this account.
    pub(crate) fn set_aside(&mut self, memory: &Arc<Memory>) {
        self.aside = Some(Leaf::new(Aside {
            sectors: BTreeMap::new(),
            charge: memory.nothing(),
        }));
    }

    /// Fills `to` from byte `offset` on.
    pub(crate) fn read_at(&self, lwp: &Lwp<'_>, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        self.volume.read_at(lwp, offset, to)?;
        if let Some(aside) = &self.aside {
            aside.with(|aside| aside.read(offset, to));
        }
        Ok(())
    }
}

impl Aside {
    /// Takes whole sectors.
    pub(crate) fn write(&mut self, first: u64, from: &[u8]) -> Ext4Result<()> {
        // What an entry of the map takes beside the sector.
        const OVERHEAD: usize = 64;
        for (sector, bytes) in (first..).zip(from.chunks_exact(SECTOR)) {
            if !self.sectors.contains_key(&sector) {
                let more = self.charge.bytes() + SECTOR + OVERHEAD;
                let charged = self.charge.resize(more);
                charged.map_err(|_| Ext4Error::no_memory())?;
            }
            let place = self.sectors.entry(sector);
            let place = place.or_insert_with(|| Box::new([0; SECTOR]));
            place.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn read(&self, offset: u64, to: &mut [u8]) {
        let size = SECTOR as u64;
        let end = offset + to.len() as u64;
        for (sector, bytes) in self.sectors.range(offset / size..end.div_ceil(size)) {
            let start = sector * size;
            let (first, last) = (start.max(offset), (start + size).min(end));
            let from = &bytes[(first - start) as usize..(last - start) as usize];
            to[(first - offset) as usize..(last - offset) as usize].copy_from_slice(from);
        }
    }
}
