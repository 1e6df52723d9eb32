//! Files of the host that a copy makes. Each is made in an open directory, under a name that is one, and nothing that
//! is there already is followed or written: so nothing leads out of where the copy is to be.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rump::fs::{FileType, Metadata, Node, Stamp};
use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::{Errno, Result};

use super::Keep;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Makes something new of a name; what has it already, and is no directory, loses it.
fn replace<R>(at: BorrowedFd<'_>, name: &[u8], make: impl Fn() -> Result<R>) -> Result<R> {
    match make() {
        Err(Errno::EXIST) => {
            fs::unlinkat(at, name, AtFlags::empty())?;
            make()
        }
        made => made,
    }
}

/// A directory, new or there already.
pub(super) fn directory(at: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    match fs::mkdirat(at, name, Mode::RWXU) {
        Err(Errno::EXIST) => {}
        made => made?,
    }
    fs::openat(at, name, DIRECTORY, Mode::empty())
}

/// A new file of this length, which is all hole.
pub(super) fn file(at: BorrowedFd<'_>, name: &[u8], len: u64) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = replace(at, name, || {
        fs::openat(at, name, flags, Mode::RUSR | Mode::WUSR)
    })?;
    fs::ftruncate(&file, len)?;
    Ok(file)
}

pub(super) fn symlink(at: BorrowedFd<'_>, name: &[u8], target: &[u8]) -> Result<()> {
    replace(at, name, || fs::symlinkat(target, at, name))
}

/// One more name for a file that was copied before.
pub(super) fn link(old: (BorrowedFd<'_>, &[u8]), at: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    replace(at, name, || {
        fs::linkat(old.0, old.1, at, name, AtFlags::empty())
    })
}

/// A FIFO or a device.
pub(super) fn special(at: BorrowedFd<'_>, name: &[u8], metadata: &Metadata) -> Result<()> {
    let kind = match metadata.file_type() {
        FileType::Fifo => fs::FileType::Fifo,
        FileType::CharacterDevice => fs::FileType::CharacterDevice,
        FileType::BlockDevice => fs::FileType::BlockDevice,
        _ => return Err(Errno::OPNOTSUPP),
    };
    let mode = Mode::RUSR | Mode::WUSR;
    replace(at, name, || {
        fs::mknodat(at, name, kind, mode, metadata.stat().unit)
    })
}

/// Writes all of it to a place of a file.
pub(super) fn write(file: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> Result<()> {
    while !bytes.is_empty() {
        let count = rustix::io::pwrite(file, bytes, offset)?;
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

fn time(stamp: Stamp) -> Timespec {
    Timespec {
        tv_sec: stamp.seconds,
        tv_nsec: stamp.nanoseconds.into(),
    }
}

fn times(metadata: &Metadata) -> Timestamps {
    let stat = metadata.stat();
    Timestamps {
        last_access: time(stat.accessed),
        last_modification: time(stat.modified),
    }
}

/// Gives an open file or directory what the inode has beside its contents.
pub(super) fn dress(
    file: impl AsFd,
    node: &Node,
    metadata: &Metadata,
    keep: Keep,
) -> std::result::Result<(), String> {
    let (file, stat) = (file.as_fd(), metadata.stat());
    let says = |what: &'static str| move |errno: Errno| format!("{what} on the host: {errno}");
    if keep.all {
        let (user, group) = (Uid::from_raw(stat.user), Gid::from_raw(stat.group));
        fs::fchown(file, Some(user), Some(group)).map_err(says("its owner"))?;
    }
    let names = node
        .xattrs()
        .map_err(|errno| format!("extended attributes: {errno}"))?;
    for name in names.iter().filter(|name| keep.xattr(name)) {
        let value = node
            .xattr(name)
            .map_err(|errno| format!("extended attributes: {errno}"))?;
        match fs::fsetxattr(file, &name[..], &value, XattrFlags::empty()) {
            // There they have none.
            Err(Errno::OPNOTSUPP) => break,
            set => set.map_err(says("an extended attribute"))?,
        }
    }
    let mode = Mode::from_bits_truncate(keep.mode(metadata.mode()));
    fs::fchmod(file, mode).map_err(says("its permissions"))?;
    fs::futimens(file, &times(metadata)).map_err(says("its times"))
}

/// The same for what is not opened: a link, a FIFO, a device.
pub(super) fn dress_name(
    at: BorrowedFd<'_>,
    name: &[u8],
    metadata: &Metadata,
    keep: Keep,
) -> Result<()> {
    let stat = metadata.stat();
    let nofollow = AtFlags::SYMLINK_NOFOLLOW;
    if keep.all {
        let (user, group) = (Uid::from_raw(stat.user), Gid::from_raw(stat.group));
        fs::chownat(at, name, Some(user), Some(group), nofollow)?;
    }
    if !metadata.is_symlink() {
        // It was made by this copy, in a directory that it holds open.
        let mode = Mode::from_bits_truncate(keep.mode(metadata.mode()));
        fs::chmodat(at, name, mode, AtFlags::empty())?;
    }
    fs::utimensat(at, name, &times(metadata), nofollow)
}
