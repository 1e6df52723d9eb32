//! What a file system is to the faction: one trait, whose operations are about inodes.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Failure, Lwp};

use crate::{Attributes, Changes, Creation, Kind};

/// The number of an inode, by which a file system knows it. It stays the same as long as the faction has not said
/// [`forget`](FileSystem::forget), even when the last name is gone.
pub type Ino = u64;

/// Where the contents of files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// On something that is read and written. The faction keeps pages of it, and writes them back.
    Medium,
    /// In the faction's pages: they are all there is, and what was never written is zero. Attributes likewise:
    /// the file system hears of them before an inode is forgotten only.
    Pages,
    /// Somewhere that changes by itself, as the kernel's own state or a directory of the host: nothing is kept, and the
    /// file system is asked each time.
    Nowhere,
}

/// What a file system is like. It does not change while it is mounted.
#[derive(Clone, Copy, Debug)]
pub struct Properties {
    /// What `statfs` calls its kind, Linux's number.
    pub magic: u32,
    /// Where the contents of files are.
    pub storage: Storage,
    /// Nothing can be changed.
    pub read_only: bool,
    /// Bytes of the largest file.
    pub largest_file: u64,
    /// The longest name, in bytes.
    pub longest_name: u32,
    /// Names found once may not be remembered under the same spelling only: `A` and `a` are the same.
    pub folds_case: bool,
}

/// How full a file system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of a block.
    pub block_size: u32,
    /// Blocks in all.
    pub blocks: u64,
    /// Blocks nobody has.
    pub free_blocks: u64,
    /// Inodes in all, or zero if there are as many as wanted.
    pub inodes: u64,
    /// Inodes nobody has.
    pub free_inodes: u64,
}

/// A name in a directory.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The directory.
    pub directory: Ino,
    /// The name: not empty, no longer than names may be, without `/` and NUL, and neither `.` nor `..`.
    pub name: &'a [u8],
}

/// An entry of a directory.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The inode.
    pub number: Ino,
    /// What it is, if the directory says so.
    pub kind: Option<Kind>,
    /// Where the next entry is: what to go on from.
    pub next: u64,
}

/// Whether an extended attribute is to be there before it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It may be there.
    Any,
    /// It must not (`EEXIST`).
    New,
    /// It must (`ENODATA`).
    Old,
}

/// Reads into pieces one behind the other, by way of a buffer that `read` fills: how many bytes.
pub fn read_pieces(
    to: &mut [&mut [u8]],
    read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let len = to.iter().map(|piece| piece.len()).sum();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(len, 0);
    let count = read(&mut bytes)?;
    let mut rest = &bytes[..count];
    for piece in to {
        let (here, others) = rest.split_at(piece.len().min(rest.len()));
        piece[..here.len()].copy_from_slice(here);
        rest = others;
    }
    Ok(count)
}

/// A mounted file system.
///
/// The faction has checked rights, names and kinds before it calls: that a directory is one, that what is removed is
/// no mount point, that a directory is not moved into itself. It calls from any number of threads at once; calls that
/// change one directory, or one file's contents, come one after the other. A call may wait, and the lock of a file system
/// that does so is [`base::Exclusive`].
///
/// What is on a medium is an enemy: whatever stands there, a call ends, with an error (`EUCLEAN` where the medium
/// contradicts itself), and without much memory.
pub trait FileSystem: Send + Sync {
    /// What it is like.
    fn properties(&self) -> Properties;

    /// Whether names stay what they were until the faction changes them; where others change them, they do not.
    fn remembers_names(&self) -> bool {
        true
    }

    /// Whether files have a size that writing does not change, as disks do.
    fn fixes_sizes(&self) -> bool {
        false
    }

    /// The inode of its root directory.
    fn root(&self) -> Ino;

    /// How full it is.
    fn usage(&self, lwp: &Lwp<'_>) -> Result<Usage, Errno>;

    /// The inode of a name. `ENOENT` if there is none.
    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno>;

    /// All that is known of an inode beside its contents.
    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno>;

    /// Gives the entries of a directory, but `.` and `..`, from the one at `from` on (zero: the first) until `each`
    /// returns `false`: that entry then was not taken. Entries that come or go meanwhile may be given or not; all others
    /// are given once.
    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno>;

    /// Fills `to` from byte `offset` of a file on: how many bytes, fewer only at the end.
    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno>;

    /// As [`read`](Self::read), into pieces one behind the other.
    fn read_pieces(
        &self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        to: &mut [&mut [u8]],
    ) -> Result<usize, Errno> {
        read_pieces(to, |to| self.read(lwp, file, offset, to))
    }

    /// What a symbolic link says.
    fn read_link(&self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno>;

    /// Writes all of `from` from byte `offset` of a file on, which grows if it ends before. `ENOSPC`.
    fn write(&self, _lwp: &Lwp<'_>, _file: Ino, _offset: u64, _from: &[u8]) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    /// Changes attributes. A new size cuts a file off, or has zeros behind it.
    fn change(&self, _lwp: &Lwp<'_>, _inode: Ino, _changes: &Changes) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    /// Makes an inode with one name. `EEXIST`, `ENOSPC`, `EPERM` for a kind that it does not have.
    fn create(&self, _lwp: &Lwp<'_>, _place: Place<'_>, _new: &Creation<'_>) -> Result<Ino, Errno> {
        Err(Errno::EROFS)
    }

    /// Gives an inode that is no directory one more name. `EEXIST`, `EMLINK`, `EPERM` if it has no such thing.
    fn link(&self, _lwp: &Lwp<'_>, _inode: Ino, _place: Place<'_>) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    /// Takes a name away from `inode`, which stays until it is [forgotten](Self::forget). `ENOTEMPTY` for a directory
    /// with entries.
    fn remove(&self, _lwp: &Lwp<'_>, _place: Place<'_>, _inode: Ino) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    /// Gives `inode` the name `to` instead of `from`, at once. What has that name loses it, as by [`remove`](Self::remove).
    fn rename(
        &self,
        _lwp: &Lwp<'_>,
        _inode: Ino,
        _from: Place<'_>,
        _to: Place<'_>,
        _replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    /// Has two names each other's inode, at once.
    fn exchange(&self, _lwp: &Lwp<'_>, _one: Place<'_>, _other: Place<'_>) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Has space for a range of a file, so that writing there does not fail for want of it; the size stays.
    fn allocate(&self, _lwp: &Lwp<'_>, _file: Ino, _offset: u64, _len: u64) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Has a range of a file read as zeros, and takes no space where it can; the size stays.
    fn punch(&self, _lwp: &Lwp<'_>, _file: Ino, _offset: u64, _len: u64) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Where the next data from `offset` on begins, or with `hole` the next hole. `ENXIO` if there is none; the end of
    /// the file is a hole.
    fn seek(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, hole: bool) -> Result<u64, Errno> {
        let size = self.attributes(lwp, file)?.size;
        match (offset < size, hole) {
            (true, false) => Ok(offset),
            (true, true) => Ok(size),
            (false, _) => Err(Errno::ENXIO),
        }
    }

    /// The value of an extended attribute. `ENODATA` if there is none.
    fn xattr(&self, _lwp: &Lwp<'_>, _inode: Ino, _name: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// The names of all extended attributes.
    fn xattrs(&self, _lwp: &Lwp<'_>, _inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Sets an extended attribute, or takes it away. `ENODATA`, `EEXIST`, `ENOSPC`.
    fn set_xattr(
        &self,
        _lwp: &Lwp<'_>,
        _inode: Ino,
        _name: &[u8],
        _value: Option<&[u8]>,
        _existence: Existence,
    ) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Nobody uses an inode any more. One without names ends here, and its number may be another's.
    fn forget(&self, _lwp: &Lwp<'_>, _inode: Ino) -> Result<(), Errno> {
        Ok(())
    }

    /// Has what was written to a file so far survive a loss of power: all of it, or with `data_only` at least what it
    /// takes to read the contents.
    fn sync_file(&self, lwp: &Lwp<'_>, _file: Ino, _data_only: bool) -> Result<(), Errno> {
        self.sync(lwp)
    }

    /// Has everything so far survive a loss of power.
    fn sync(&self, _lwp: &Lwp<'_>) -> Result<(), Errno> {
        Ok(())
    }

    /// The end: everything is written, and nothing is called after it.
    fn unmount(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.sync(lwp)
    }
}

/// What is asked for when something is mounted.
#[derive(Clone, Copy, Debug)]
pub struct MountArguments<'a> {
    /// What to mount: the name of a block unit, a directory of the host; nothing to some.
    pub source: &'a [u8],
    /// Nothing is to be changed, not even by a journal that is not empty.
    pub read_only: bool,
    /// Options of the file system's own, separated by commas.
    pub options: &'a str,
}

/// What is asked for when a new file system is made.
#[derive(Clone, Copy, Debug)]
pub struct MakeArguments<'a> {
    /// What to make it on: the name of a block unit.
    pub source: &'a [u8],
    /// The name it is to have, for people; empty for none.
    pub label: &'a str,
}

/// A kind of file system, as its component registers it.
pub trait Format: Send + Sync {
    /// The name, as in `mount -t`.
    fn name(&self) -> &'static str;

    /// Whether the source looks like one, for a mount that names no kind. What needs no source never does.
    fn recognises(&self, lwp: &Lwp<'_>, source: &[u8]) -> bool;

    /// Makes a file system of it. The failure names what is wrong with the source, and where.
    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure>;

    /// Makes a new file system with nothing in it, whatever there is now; what fails half way is recognised as none.
    /// `EOPNOTSUPP` of a driver that makes none; else the failure names what is wrong with the source or the label.
    fn make(&self, _lwp: &Lwp<'_>, _arguments: &MakeArguments<'_>) -> Result<(), Failure> {
        let message = format!("the driver of {} makes no new file systems", self.name());
        Err(Failure::new(Errno::EOPNOTSUPP, message))
    }
}
