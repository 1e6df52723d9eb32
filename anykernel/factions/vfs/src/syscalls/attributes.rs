//! The system calls on what is known of files beside their contents.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::consts::*;
use syscall::{Fd, Path, Stat, StatOut, StatxOut, Times};

use super::HERE;
use crate::calls::{self, of_file};
use crate::stat;

/// Flags of all calls that say what is known by a path.
const STAT_FLAGS: u32 = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;

fn known(lwp: &Lwp<'_>, at: Fd, path: &Path<'_>, flags: u32) -> Result<Stat, Errno> {
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    let empty = flags & AT_EMPTY_PATH != 0;
    if empty && at != HERE && path.get()?.is_empty() {
        return known_of_open(lwp, at);
    }
    let vnode = calls::find(lwp, at, path, follow, empty)?;
    stat::stat(lwp, &vnode)
}

fn known_of_open(lwp: &Lwp<'_>, fd: Fd) -> Result<Stat, Errno> {
    lwp.process()
        .with_file(lwp, fd, |open| calls::stat_open(lwp, open))
}

/// What is known of a file.
#[syscall]
pub fn fstatat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    mut to: StatOut<'_>,
    flags: u32,
) -> Result<(), Errno> {
    if flags & !STAT_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    to.put(known(lwp, at, &path, flags)?)
}

/// What is known of a file, with the time when it was made. All that is known is said, whatever `mask` asks for; of
/// the flags those about servers (`AT_STATX_FORCE_SYNC`, `AT_STATX_DONT_SYNC`) change nothing.
#[syscall]
pub fn statx(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    flags: u32,
    mask: u32,
    mut to: StatxOut<'_>,
) -> Result<(), Errno> {
    let both = flags & AT_STATX_SYNC_TYPE == AT_STATX_SYNC_TYPE;
    if flags & !(STAT_FLAGS | AT_STATX_SYNC_TYPE) != 0 || both || mask & STATX__RESERVED != 0 {
        return Err(Errno::EINVAL);
    }
    to.put(known(lwp, at, &path, flags)?)
}

/// What is known of a file.
#[syscall]
pub fn stat(lwp: &Lwp<'_>, path: Path<'_>, to: StatOut<'_>) -> Result<(), Errno> {
    fstatat(lwp, HERE, path, to, 0)
}

/// What is known of a file; a symbolic link is itself.
#[syscall]
pub fn lstat(lwp: &Lwp<'_>, path: Path<'_>, to: StatOut<'_>) -> Result<(), Errno> {
    fstatat(lwp, HERE, path, to, AT_SYMLINK_NOFOLLOW)
}

/// What is known of an open file.
#[syscall]
pub fn fstat(lwp: &Lwp<'_>, fd: Fd, mut to: StatOut<'_>) -> Result<(), Errno> {
    to.put(known_of_open(lwp, fd)?)
}

/// Sets a file's permissions.
#[syscall]
pub fn fchmodat(lwp: &Lwp<'_>, at: Fd, path: Path<'_>, mode: u32) -> Result<(), Errno> {
    let vnode = calls::find(lwp, at, &path, true, false)?;
    calls::change_mode(lwp, &vnode, mode)
}

/// Sets a file's permissions.
#[syscall]
pub fn chmod(lwp: &Lwp<'_>, path: Path<'_>, mode: u32) -> Result<(), Errno> {
    fchmodat(lwp, HERE, path, mode)
}

/// Sets an open file's permissions.
#[syscall]
pub fn fchmod(lwp: &Lwp<'_>, fd: Fd, mode: u32) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        calls::change_mode(lwp, of_file(open)?.vnode(), mode)
    })
}

/// Sets a file's owner and group; `u32::MAX` is the one it has.
#[syscall]
pub fn fchownat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    owner: u32,
    group: u32,
    flags: u32,
) -> Result<(), Errno> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    let vnode = calls::find(lwp, at, &path, follow, flags & AT_EMPTY_PATH != 0)?;
    calls::change_owner(lwp, &vnode, owner, group)
}

/// Sets a file's owner and group.
#[syscall]
pub fn chown(lwp: &Lwp<'_>, path: Path<'_>, owner: u32, group: u32) -> Result<(), Errno> {
    fchownat(lwp, HERE, path, owner, group, 0)
}

/// Sets a file's owner and group; a symbolic link is itself.
#[syscall]
pub fn lchown(lwp: &Lwp<'_>, path: Path<'_>, owner: u32, group: u32) -> Result<(), Errno> {
    fchownat(lwp, HERE, path, owner, group, AT_SYMLINK_NOFOLLOW)
}

/// Sets an open file's owner and group.
#[syscall]
pub fn fchown(lwp: &Lwp<'_>, fd: Fd, owner: u32, group: u32) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        calls::change_owner(lwp, of_file(open)?.vnode(), owner, group)
    })
}

/// Sets the times of the last access and the last change.
#[syscall]
pub fn utimensat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    times: Times,
    flags: u32,
) -> Result<(), Errno> {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    let vnode = calls::find(lwp, at, &path, follow, flags & AT_EMPTY_PATH != 0)?;
    calls::change_times(lwp, &vnode, times.get()?)
}

/// Sets an open file's times of the last access and the last change.
#[syscall]
pub fn futimens(lwp: &Lwp<'_>, fd: Fd, times: Times) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        calls::change_times(lwp, of_file(open)?.vnode(), times.get()?)
    })
}

/// Whether the process may read (4), write (2) or run (1) a file.
#[syscall]
pub fn faccessat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    mode: u32,
    flags: u32,
) -> Result<(), Errno> {
    if mode > 7 || flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    let vnode = calls::find(lwp, at, &path, follow, flags & AT_EMPTY_PATH != 0)?;
    calls::check_access(lwp, &vnode, mode)
}

/// Whether the process may read (4), write (2) or run (1) a file.
#[syscall]
pub fn access(lwp: &Lwp<'_>, path: Path<'_>, mode: u32) -> Result<(), Errno> {
    faccessat(lwp, HERE, path, mode, 0)
}
