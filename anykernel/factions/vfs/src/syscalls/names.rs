//! The system calls that make names, take them away and open what they stand for.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::consts::*;
use syscall::{Fd, NewFd, Path, UserOut};

use super::HERE;
use crate::calls::{self, At};
use crate::{Device, Kind, Person, open};

/// Opens a file, or makes one with these permissions.
#[syscall]
pub fn openat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    flags: u32,
    mode: u32,
) -> Result<NewFd, Errno> {
    let at = At::of(lwp, at, &path)?;
    let file = open::open(lwp, at.start(), path.get()?, flags, mode)?;
    lwp.process().open(lwp, file, flags)
}

/// Opens a file, or makes one with these permissions.
#[syscall]
pub fn open(lwp: &Lwp<'_>, path: Path<'_>, flags: u32, mode: u32) -> Result<NewFd, Errno> {
    openat(lwp, HERE, path, flags, mode)
}

/// Makes an empty file, or empties one, and opens it for writing.
#[syscall]
pub fn creat(lwp: &Lwp<'_>, path: Path<'_>, mode: u32) -> Result<NewFd, Errno> {
    openat(lwp, HERE, path, O_CREAT | O_WRONLY | O_TRUNC, mode)
}

/// Makes a directory.
#[syscall]
pub fn mkdirat(lwp: &Lwp<'_>, at: Fd, path: Path<'_>, mode: u32) -> Result<(), Errno> {
    calls::make(lwp, at, path, Kind::Directory, mode & 0o1777, &[])
}

/// Makes a directory.
#[syscall]
pub fn mkdir(lwp: &Lwp<'_>, path: Path<'_>, mode: u32) -> Result<(), Errno> {
    mkdirat(lwp, HERE, path, mode)
}

/// Makes a file, a FIFO, a socket's name, or a node of a device.
#[syscall]
pub fn mknodat(lwp: &Lwp<'_>, at: Fd, path: Path<'_>, mode: u32, device: u64) -> Result<(), Errno> {
    let kind = match mode & S_IFMT {
        0 => Kind::File,
        S_IFDIR => return Err(Errno::EPERM),
        S_IFLNK => return Err(Errno::EINVAL),
        _ => Kind::of_bits(mode, Device::of_number(device)).map_err(|_| Errno::EINVAL)?,
    };
    let root = Person::of(lwp)?.credentials().is_root();
    if kind.device().is_some() && !root {
        return Err(Errno::EPERM);
    }
    calls::make(lwp, at, path, kind, mode, &[])
}

/// Makes a file, a FIFO, a socket's name, or a node of a device.
#[syscall]
pub fn mknod(lwp: &Lwp<'_>, path: Path<'_>, mode: u32, device: u64) -> Result<(), Errno> {
    mknodat(lwp, HERE, path, mode, device)
}

/// Makes a symbolic link that says `target`.
#[syscall]
pub fn symlinkat(lwp: &Lwp<'_>, target: Path<'_>, at: Fd, path: Path<'_>) -> Result<(), Errno> {
    let target = target.get()?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    calls::make(lwp, at, path, Kind::Symlink, 0o777, target)
}

/// Makes a symbolic link that says `target`.
#[syscall]
pub fn symlink(lwp: &Lwp<'_>, target: Path<'_>, path: Path<'_>) -> Result<(), Errno> {
    symlinkat(lwp, target, HERE, path)
}

/// Gives a file one more name.
#[syscall]
pub fn linkat(
    lwp: &Lwp<'_>,
    from_at: Fd,
    from: Path<'_>,
    at: Fd,
    path: Path<'_>,
    flags: u32,
) -> Result<(), Errno> {
    if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let follow = flags & AT_SYMLINK_FOLLOW != 0;
    let target = calls::find(lwp, from_at, &from, follow, flags & AT_EMPTY_PATH != 0)?;
    calls::link(lwp, &target, at, path)
}

/// Gives a file one more name.
#[syscall]
pub fn link(lwp: &Lwp<'_>, from: Path<'_>, path: Path<'_>) -> Result<(), Errno> {
    linkat(lwp, HERE, from, HERE, path, 0)
}

/// Takes a name away; with `AT_REMOVEDIR` that of an empty directory.
#[syscall]
pub fn unlinkat(lwp: &Lwp<'_>, at: Fd, path: Path<'_>, flags: u32) -> Result<(), Errno> {
    if flags & !AT_REMOVEDIR != 0 {
        return Err(Errno::EINVAL);
    }
    calls::remove(lwp, at, path, flags & AT_REMOVEDIR != 0)
}

/// Takes a name away.
#[syscall]
pub fn unlink(lwp: &Lwp<'_>, path: Path<'_>) -> Result<(), Errno> {
    unlinkat(lwp, HERE, path, 0)
}

/// Takes the name of an empty directory away.
#[syscall]
pub fn rmdir(lwp: &Lwp<'_>, path: Path<'_>) -> Result<(), Errno> {
    unlinkat(lwp, HERE, path, AT_REMOVEDIR)
}

/// Gives a file another name, at once: `RENAME_NOREPLACE`, `RENAME_EXCHANGE`.
#[syscall]
pub fn renameat2(
    lwp: &Lwp<'_>,
    from_at: Fd,
    from: Path<'_>,
    to_at: Fd,
    to: Path<'_>,
    flags: u32,
) -> Result<(), Errno> {
    calls::rename(lwp, (from_at, from), (to_at, to), flags)
}

/// Gives a file another name, at once.
#[syscall]
pub fn renameat(
    lwp: &Lwp<'_>,
    from_at: Fd,
    from: Path<'_>,
    to_at: Fd,
    to: Path<'_>,
) -> Result<(), Errno> {
    renameat2(lwp, from_at, from, to_at, to, 0)
}

/// Gives a file another name, at once.
#[syscall]
pub fn rename(lwp: &Lwp<'_>, from: Path<'_>, to: Path<'_>) -> Result<(), Errno> {
    renameat2(lwp, HERE, from, HERE, to, 0)
}

/// What a symbolic link says: as many bytes as there is room for.
#[syscall]
pub fn readlinkat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    buffer: UserOut<'_>,
) -> Result<usize, Errno> {
    if buffer.is_empty() {
        return Err(Errno::EINVAL);
    }
    let link = calls::find(lwp, at, &path, false, true)?;
    calls::put(&link.read_link(lwp)?, buffer)
}

/// What a symbolic link says: as many bytes as there is room for.
#[syscall]
pub fn readlink(lwp: &Lwp<'_>, path: Path<'_>, buffer: UserOut<'_>) -> Result<usize, Errno> {
    readlinkat(lwp, HERE, path, buffer)
}
