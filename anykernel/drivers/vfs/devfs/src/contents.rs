//! What is on block units, as files: one a unit, by the number it has among the nodes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use dev::Block;
use vfs::{
    Attributes, Changes, Entry, FileSystem, Ino, Kind, Place, Properties, Storage, Time, Usage,
};

use crate::nodes::Nodes;

/// `BDEVFS_MAGIC`.
const MAGIC: u32 = 0x6264_6576;

pub(crate) struct Contents(pub(crate) Arc<Nodes>);

/// Whole blocks around a range: from which byte on, how many bytes, and how many of them are before the range.
fn around(block: &Block, offset: u64, len: usize) -> (u64, usize, usize) {
    let size = u64::from(block.geometry().block_size);
    let start = offset / size * size;
    let before = (offset - start) as usize;
    let whole = (before + len).next_multiple_of(size as usize);
    (start, whole, before)
}

fn buffer(len: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

impl FileSystem for Contents {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Medium,
            read_only: false,
            largest_file: i64::MAX as u64,
            longest_name: 255,
            folds_case: false,
        }
    }

    fn fixes_sizes(&self) -> bool {
        true
    }

    fn root(&self) -> Ino {
        0
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        // A unit has all the room it says it has.
        Ok(Usage {
            block_size: 4096,
            blocks: u64::MAX >> 12,
            free_blocks: u64::MAX >> 12,
            ..Usage::default()
        })
    }

    fn lookup(&self, _lwp: &Lwp<'_>, _place: Place<'_>) -> Result<Ino, Errno> {
        Err(Errno::ENOENT)
    }

    fn attributes(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        let size = self.0.block(inode)?.size();
        Ok(Attributes {
            number: inode,
            kind: Kind::File,
            mode: 0o600,
            links: 1,
            owner: 0,
            group: 0,
            size,
            space: size,
            accessed: Time::default(),
            modified: Time::default(),
            changed: Time::default(),
            created: None,
        })
    }

    fn entries(
        &self,
        _lwp: &Lwp<'_>,
        _directory: Ino,
        _from: u64,
        _each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        let block = self.0.block(file)?;
        let len = to.len().min(block.size().saturating_sub(offset) as usize);
        let to = &mut to[..len];
        let (start, whole, before) = around(&block, offset, len);
        if whole == len {
            block.read_at(lwp, start, to)?;
        } else {
            let mut bytes = buffer(whole)?;
            block.read_at(lwp, start, &mut bytes)?;
            to.copy_from_slice(&bytes[before..before + len]);
        }
        Ok(len)
    }

    fn read_link(&self, _lwp: &Lwp<'_>, _link: Ino) -> Result<Vec<u8>, Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, from: &[u8]) -> Result<(), Errno> {
        let block = self.0.block(file)?;
        let end = offset.checked_add(from.len() as u64);
        if end.is_none_or(|end| end > block.size()) {
            return Err(Errno::ENOSPC);
        }
        block.check_unclaimed()?;
        let (start, whole, before) = around(&block, offset, from.len());
        if whole == from.len() {
            return block.write_at(lwp, start, from);
        }
        let mut bytes = buffer(whole)?;
        block.read_at(lwp, start, &mut bytes)?;
        bytes[before..before + from.len()].copy_from_slice(from);
        block.write_at(lwp, start, &bytes)
    }

    /// Times are nobody's, and a unit's size is what it is.
    fn change(&self, _lwp: &Lwp<'_>, _inode: Ino, changes: &Changes) -> Result<(), Errno> {
        match changes.size {
            Some(_) => Err(Errno::EINVAL),
            None => Ok(()),
        }
    }

    fn sync_file(&self, lwp: &Lwp<'_>, file: Ino, _data_only: bool) -> Result<(), Errno> {
        self.0.block(file)?.flush(lwp)
    }

    fn sync(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let mut result = Ok(());
        for block in self.0.dev().blocks() {
            if !block.geometry().read_only {
                result = result.and(block.flush(lwp));
            }
        }
        result
    }
}
