//! Changes of inodes, where the crate's own ways are not those of the faction.

use base::Errno;
use rsext4::{
    Ext4Timestamp, FileExtentTarget, FilePermissions, InodeInfo, InodeMetadataUpdate, InodeNumber,
};
use vfs::{Changes, Time};

use crate::error::errno;
use crate::filesystem::State;
use crate::times::{self, Which};

/// Extents that are looked at at once.
const BATCH: usize = 128;

/// Bits of a mode that a change of contents or owner clears, unless somebody decides otherwise, as the faction does.
const SET_ID: u16 = 0o6000;

impl State {
    /// Ends an inode without a name.
    pub(crate) fn reap(&mut self, inode: InodeNumber) -> Result<(), Errno> {
        self.contents.forget(inode);
        self.ext4.reap_unlinked_inode(inode).map_err(errno)?;
        self.nameless.remove(&inode.raw());
        Ok(())
    }

    /// Whether there is room for a range of a file. `ENOSPC` if not: the crate would begin, and lose what it had by then.
    pub(crate) fn check_space(
        &mut self,
        file: InodeNumber,
        offset: u64,
        len: u64,
    ) -> Result<(), Errno> {
        /// Blocks that the file's map may need, and the directory of its attributes.
        const MORE: u64 = 8;
        let usage = self.ext4.statfs();
        let size = usage.block_size.max(1);
        let end = offset.checked_add(len).ok_or(Errno::EFBIG)?;
        let (first, end) = (offset / size, end.div_ceil(size));
        if usage.free_blocks >= end - first + MORE {
            return Ok(());
        }
        let (mut at, mut absent) = (first * size, end - first);
        while at < end * size {
            let target = FileExtentTarget::Data;
            let map = self
                .ext4
                .inode_extents(file, at, end * size - at, target, BATCH);
            let map = map.map_err(errno)?;
            for extent in &map.extents {
                let (start, stop) = (
                    extent.logical_start,
                    extent.logical_start.saturating_add(extent.length),
                );
                let here = stop.min(end * size).saturating_sub(start.max(at));
                absent = absent.saturating_sub(here / size);
                at = at.max(stop);
            }
            if map.complete || map.extents.is_empty() {
                break;
            }
        }
        match absent == 0 || usage.free_blocks >= absent + MORE {
            true => Ok(()),
            false => Err(Errno::ENOSPC),
        }
    }

    /// Changes contents without what the crate does to the mode then. Pages are written when it suits, and who wrote them
    /// has lost those bits already.
    pub(crate) fn keeping_mode<R>(
        &mut self,
        file: InodeNumber,
        f: impl FnOnce(&mut Self) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let mode = self.ext4.inode(file).map_err(errno)?.mode;
        let result = f(self)?;
        if mode & SET_ID != 0 {
            self.update(
                file,
                InodeMetadataUpdate {
                    permissions: Some(permissions(mode.into())?),
                    ..InodeMetadataUpdate::default()
                },
            )?;
        }
        Ok(result)
    }

    pub(crate) fn change(
        &mut self,
        inode: InodeNumber,
        changes: &Changes,
        time: Time,
    ) -> Result<(), Errno> {
        let before = self.ext4.inode(inode).map_err(errno)?;
        if let Some(size) = changes.size {
            self.times.set(inode.raw(), times::CONTENTS, time);
            self.contents.change(inode);
            self.ext4.truncate_inode(inode, size).map_err(errno)?;
        }
        if changes.owner.is_some() || changes.group.is_some() {
            let owner = (
                changes.owner.unwrap_or(before.uid),
                changes.group.unwrap_or(before.gid),
            );
            self.update(
                inode,
                InodeMetadataUpdate {
                    owner: Some(owner),
                    ..InodeMetadataUpdate::default()
                },
            )?;
        }
        // The mode at last, and in any case: what is above may have cleared bits of it.
        self.update(
            inode,
            InodeMetadataUpdate {
                permissions: Some(permissions(changes.mode.unwrap_or(before.mode.into()))?),
                atime: changes.accessed.map(timestamp),
                mtime: changes.modified.map(timestamp),
                ..InodeMetadataUpdate::default()
            },
        )?;
        self.times.set(inode.raw(), times::STATE, time);
        for (which, time) in [
            (Which::Accessed, changes.accessed),
            (Which::Modified, changes.modified),
        ] {
            if let Some(time) = time {
                self.times.set(inode.raw(), &[which], time);
            }
        }
        Ok(())
    }

    pub(crate) fn update(
        &mut self,
        inode: InodeNumber,
        update: InodeMetadataUpdate,
    ) -> Result<InodeInfo, Errno> {
        self.ext4
            .update_inode_metadata(inode, update)
            .map_err(errno)
    }
}

/// Permissions, as the crate has them.
pub(crate) fn permissions(mode: u32) -> Result<FilePermissions, Errno> {
    FilePermissions::new((mode & 0o7777) as u16).map_err(errno)
}

/// A moment, as the crate has it.
pub(crate) fn timestamp(time: Time) -> Ext4Timestamp {
    Ext4Timestamp::new(time.seconds, time.nanoseconds)
}
