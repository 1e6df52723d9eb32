//! The disk: blocks that are checked, what is known of groups, and the state of it all in the superblock.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Charge, Errno, Failure, Level, Lwp, log};
use bio::Volume;
use vfs::Time;

use crate::bytes::{put_u16, put_u32, u16_at};
use crate::features::{self, Feature};
use crate::group::Group;
use crate::layout::{self, DESCRIPTOR, Layout, SUPERBLOCK};

/// Where things stand in the superblock.
const FREE_BLOCKS: usize = 12;
const FREE_INODES: usize = 16;
const MOUNTED: usize = 44;
const WRITTEN: usize = 48;
const MOUNTS: usize = 52;
const STATE: usize = 58;
/// Bits of its state: it was unmounted in order; something is wrong.
const VALID: u16 = 1;
const ERRORS: u16 = 2;

/// A disk with groups.
pub(crate) struct Disk {
    pub(crate) volume: Arc<Volume>,
    pub(crate) layout: Layout,
    pub(crate) groups: Vec<Group>,
    /// What the superblock is to say.
    superblock: Vec<u8>,
    /// Its state as it was mounted.
    was: u16,
    /// It says on the disk that something is under way.
    marked: bool,
    _charge: Charge,
}

impl Disk {
    pub(crate) fn open(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Disk, Failure> {
        let superblock = layout::read(lwp, &volume)?;
        features::check(&superblock, volume.read_only())?;
        let layout = Layout::new(&superblock, volume.size())?;
        let count = layout.groups as usize;
        let memory = lwp.instance().memory();
        let charge = memory.charge(count * size_of::<Group>())?;
        let mut groups = Vec::new();
        groups.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        for number in 0..layout.groups {
            let mut raw = [0; DESCRIPTOR];
            let at = layout.descriptors() + u64::from(number) * DESCRIPTOR as u64;
            volume.read_at(lwp, at, &mut raw)?;
            groups.push(Group::new(&layout, number, &raw)?);
        }
        let was = u16_at(&superblock, STATE);
        if was & VALID == 0 || was & ERRORS != 0 {
            let what = "ext2: it was not unmounted in order, or has errors; e2fsck repairs that";
            log!(lwp.instance(), Level::Warning, "{what}");
        }
        Ok(Disk {
            volume,
            layout,
            groups,
            superblock,
            was,
            marked: false,
            _charge: charge,
        })
    }

    /// Says in the log what is wrong and where, and on the disk that something is.
    pub(crate) fn wrong(&mut self, lwp: &Lwp<'_>, what: core::fmt::Arguments<'_>) -> Errno {
        if self.was & ERRORS == 0 {
            log!(
                lwp.instance(),
                Level::Error,
                "ext2: {what}; e2fsck repairs that"
            );
        }
        self.was |= ERRORS;
        Errno::EUCLEAN
    }

    // ---- blocks ----

    /// Holds that a block may be a file's. `EUCLEAN`, with whose it was to be.
    pub(crate) fn check(&mut self, lwp: &Lwp<'_>, block: u32, inode: u32) -> Result<(), Errno> {
        let fits = self.layout.split(block).is_some_and(|(group, _)| {
            !self.groups[group as usize].keeps(&self.layout, group, block)
        });
        match fits {
            true => Ok(()),
            false => Err(self.wrong(
                lwp,
                format_args!("inode {inode}: block {block} is no file's"),
            )),
        }
    }

    /// Reads a number in a block of numbers.
    pub(crate) fn number(&self, lwp: &Lwp<'_>, block: u32, index: u32) -> Result<u32, Errno> {
        let mut raw = [0; 4];
        let at = self.layout.place(block) + u64::from(index) * 4;
        self.volume.read_at(lwp, at, &mut raw)?;
        Ok(u32::from_le_bytes(raw))
    }

    pub(crate) fn set_number(
        &self,
        lwp: &Lwp<'_>,
        block: u32,
        index: u32,
        value: u32,
    ) -> Result<(), Errno> {
        let at = self.layout.place(block) + u64::from(index) * 4;
        self.volume.write_at(lwp, at, &value.to_le_bytes())
    }

    /// Reads a block.
    pub(crate) fn read(&self, lwp: &Lwp<'_>, block: u32) -> Result<Vec<u8>, Errno> {
        let mut raw = Vec::new();
        let len = self.layout.block_size as usize;
        raw.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
        raw.resize(len, 0);
        self.volume
            .read_at(lwp, self.layout.place(block), &mut raw)?;
        Ok(raw)
    }

    /// Writes a block.
    pub(crate) fn write(&self, lwp: &Lwp<'_>, block: u32, raw: &[u8]) -> Result<(), Errno> {
        self.volume.write_at(lwp, self.layout.place(block), raw)
    }

    /// Has a block be zeros.
    pub(crate) fn clear(&self, lwp: &Lwp<'_>, block: u32) -> Result<(), Errno> {
        const ZEROS: [u8; 4096] = [0; 4096];
        let (mut at, end) = (self.layout.place(block), self.layout.place(block + 1));
        while at < end {
            let len = (end - at).min(ZEROS.len() as u64);
            self.volume.write_at(lwp, at, &ZEROS[..len as usize])?;
            at += len;
        }
        Ok(())
    }

    // ---- the state as a whole ----

    /// Blocks that are free, and inodes.
    pub(crate) fn free(&self) -> (u64, u64) {
        let sum =
            |of: fn(&Group) -> u16| self.groups.iter().map(|group| u64::from(of(group))).sum();
        (
            sum(|group| group.free_blocks),
            sum(|group| group.free_inodes),
        )
    }

    /// Says on the disk, before anything is changed, that something is under way.
    pub(crate) fn mark(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.marked {
            return Ok(());
        }
        if self.volume.read_only() {
            return Err(Errno::EROFS);
        }
        let mounts = u16_at(&self.superblock, MOUNTS).saturating_add(1);
        put_u16(&mut self.superblock, MOUNTS, mounts);
        put_u32(&mut self.superblock, MOUNTED, Time::now().seconds as u32);
        self.marked = true;
        let written = self.write_superblock(lwp, false);
        let flushed = written.and_then(|()| self.volume.flush(lwp));
        self.marked = flushed.is_ok();
        flushed
    }

    /// Has the superblock say that there are files of 2 GiB or more. `EFBIG` in revision 0, which cannot.
    pub(crate) fn mark_large(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.mark_feature(lwp, features::LARGE_FILE, Errno::EFBIG)
    }

    /// Has the superblock say that there are blocks of attributes. `EOPNOTSUPP` in revision 0, which cannot.
    pub(crate) fn mark_xattrs(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.mark_feature(lwp, features::EXT_ATTR, Errno::EOPNOTSUPP)
    }

    fn mark_feature(&mut self, lwp: &Lwp<'_>, feature: Feature, errno: Errno) -> Result<(), Errno> {
        if feature.is_in(&self.superblock) {
            return Ok(());
        }
        if !self.layout.dynamic {
            return Err(errno);
        }
        feature.put(&mut self.superblock);
        self.mark(lwp)?;
        self.write_superblock(lwp, false)
    }

    fn write_superblock(&mut self, lwp: &Lwp<'_>, closed: bool) -> Result<(), Errno> {
        let (blocks, inodes) = self.free();
        let raw = &mut self.superblock;
        put_u32(raw, FREE_BLOCKS, blocks as u32);
        put_u32(raw, FREE_INODES, inodes as u32);
        put_u32(raw, WRITTEN, Time::now().seconds as u32);
        let valid = if closed { self.was & VALID } else { 0 };
        put_u16(raw, STATE, self.was & !VALID | valid);
        // What revision 0 has behind that is not looked at, and stays.
        let len = if self.layout.dynamic { raw.len() } else { 84 };
        self.volume.write_at(lwp, SUPERBLOCK, &raw[..len])
    }

    /// Writes all.
    pub(crate) fn sync(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if !self.marked {
            return Ok(());
        }
        self.write_groups(lwp)?;
        self.write_superblock(lwp, false)?;
        self.volume.flush(lwp)
    }

    fn write_groups(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let first = self.layout.descriptors();
        for (number, group) in (0u64..).zip(&mut self.groups) {
            if group.changed {
                let mut raw = [0; DESCRIPTOR];
                let at = first + number * DESCRIPTOR as u64;
                self.volume.read_at(lwp, at, &mut raw)?;
                group.store(&mut raw);
                self.volume.write_at(lwp, at, &raw)?;
                group.changed = false;
            }
        }
        Ok(())
    }

    /// Writes all, and then that nothing is left undone, unless something was before.
    pub(crate) fn close(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if !self.marked {
            return Ok(());
        }
        self.sync(lwp)?;
        self.write_superblock(lwp, true)?;
        self.volume.flush(lwp)?;
        self.marked = false;
        Ok(())
    }
}
