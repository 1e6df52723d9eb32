//! What the crate below stands on: a disk, and a clock.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::sync::Leaf;
use base::{Errno, Lender, Lwp};
use rsext4::superblock::Ext4Superblock;
use rsext4::{
    BlockIo, Clock, DeviceCapabilities, DeviceGeometry, Ext4Error, Ext4Result, Ext4Timestamp,
    SectorId,
};
use vfs::Time;

use crate::source::{SECTOR, Source};

/// A volume, with an lwp lent for each call.
pub(crate) struct Medium {
    source: Arc<Source>,
    lender: Arc<Lender>,
    padding: Padding,
    /// The block with a superblock that says that all is well, and where it is, until everything else is on the disk: the
    /// crate writes it along with what the journal would have to repair.
    last: Option<(u64, Vec<u8>)>,
}

/// Bits at the end of bitmaps of inodes, for which there are none: they have to be set, and the crate does not set them
/// where it makes a bitmap. No checksum covers them.
pub(crate) struct Padding {
    /// The first byte of each such bitmap.
    pub(crate) bitmaps: BTreeSet<u64>,
    /// Where in them the bits begin, and where they end, in bytes.
    pub(crate) bits: Range<usize>,
}

impl Medium {
    pub(crate) fn new(source: Arc<Source>, lender: Arc<Lender>, padding: Padding) -> Self {
        Medium {
            source,
            lender,
            padding,
            last: None,
        }
    }

    fn lent(&self, f: impl FnOnce(&Lwp<'_>) -> Result<(), Errno>) -> Ext4Result<()> {
        self.lender.with(f).flatten().map_err(|errno| match errno {
            Errno::ENOMEM => Ext4Error::no_memory(),
            Errno::EROFS => Ext4Error::read_only(),
            _ => Ext4Error::io(),
        })
    }
}

impl BlockIo for Medium {
    fn read(&mut self, buffer: &mut [u8], sector: SectorId, _count: u32) -> Ext4Result<()> {
        let offset = sector.raw().saturating_mul(SECTOR as u64);
        self.lent(|lwp| self.source.read_at(lwp, offset, buffer))?;
        if let Some((last, bytes)) = &self.last
            && *last == offset
        {
            let len = bytes.len().min(buffer.len());
            buffer[..len].copy_from_slice(&bytes[..len]);
        }
        Ok(())
    }

    fn write(&mut self, buffer: &[u8], sector: SectorId, _count: u32) -> Ext4Result<()> {
        if let Some(aside) = &self.source.aside {
            return aside.with(|aside| aside.write(sector.raw(), buffer));
        }
        let offset = sector.raw().saturating_mul(SECTOR as u64);
        if says_all_is_well(offset, buffer) {
            self.last = Some((offset, buffer.to_vec()));
            return Ok(());
        }
        self.lent(|lwp| self.source.volume.write_at(lwp, offset, buffer))?;
        let Padding { bitmaps, bits } = &self.padding;
        for bitmap in bitmaps.range(offset..offset.saturating_add(buffer.len() as u64)) {
            let ones = [0xff; rsext4::MAX_BLOCK_SIZE as usize];
            let at = bitmap + bits.start as u64;
            self.lent(|lwp| self.source.volume.write_at(lwp, at, &ones[..bits.len()]))?;
        }
        Ok(())
    }

    fn geometry(&self) -> DeviceGeometry {
        DeviceGeometry::new(SECTOR as u32, self.source.volume.size() / SECTOR as u64)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        DeviceCapabilities {
            read_only: self.source.volume.read_only() && self.source.aside.is_none(),
            flush: true,
            ..DeviceCapabilities::default()
        }
    }

    fn flush(&mut self) -> Ext4Result<()> {
        if self.source.aside.is_some() {
            return Ok(());
        }
        self.lent(|lwp| self.source.volume.flush(lwp))?;
        if let Some((offset, bytes)) = &self.last {
            self.lent(|lwp| {
                self.source.volume.write_at(lwp, *offset, bytes)?;
                self.source.volume.flush(lwp)
            })?;
            self.last = None;
        }
        Ok(())
    }
}

/// Whether these bytes have a superblock in them that calls the file system clean.
fn says_all_is_well(offset: u64, bytes: &[u8]) -> bool {
    /// Where a superblock has its state, in 16 bits.
    const STATE: usize = 0x3a;
    let start = rsext4::SUPERBLOCK_OFFSET.checked_sub(offset);
    let state = start.and_then(|start| bytes.get(usize::try_from(start).ok()? + STATE..)?.first());
    state.is_some_and(|state| u16::from(*state) & Ext4Superblock::EXT4_VALID_FS != 0)
}

/// What time it is for the crate: each operation says when it happens.
pub(crate) struct Now(Leaf<Ext4Timestamp>);

impl Now {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Now(Leaf::new(Ext4Timestamp::UNIX_EPOCH)))
    }

    pub(crate) fn set(&self, time: Time) {
        let time = Ext4Timestamp::new(time.seconds, time.nanoseconds);
        self.0.with(|now| *now = time);
    }
}

/// A [`Now`], in the crate's hands.
pub(crate) struct SharedNow(pub(crate) Arc<Now>);

impl Clock for SharedNow {
    fn now(&self) -> Ext4Result<Ext4Timestamp> {
        Ok(self.0.0.with(|now| *now))
    }
}
