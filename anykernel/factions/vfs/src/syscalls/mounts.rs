//! The system calls on file systems as a whole.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::{Fd, Path, StatFsOut, Str};

use super::HERE;
use crate::calls::{self, of_file};
use crate::{Person, stat};

/// Has everything survive a loss of power.
#[syscall]
pub fn sync(lwp: &Lwp<'_>) -> Result<(), Errno> {
    // Linux's has nothing to say; whoever wants to know asks `syncfs`.
    let _ = Person::of(lwp)?.vfs().sync(lwp);
    Ok(())
}

/// Has everything of a file system survive a loss of power.
#[syscall]
pub fn syncfs(lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
    lwp.process()
        .with_file(lwp, fd, |open| of_file(open)?.vnode().mount().sync(lwp))
}

/// How full a file system is.
#[syscall]
pub fn statfs(lwp: &Lwp<'_>, path: Path<'_>, mut to: StatFsOut<'_>) -> Result<(), Errno> {
    let vnode = calls::find(lwp, HERE, &path, true, false)?;
    to.put(stat::statfs(lwp, vnode.mount())?)
}

/// How full the file system of an open file is.
#[syscall]
pub fn fstatfs(lwp: &Lwp<'_>, fd: Fd, mut to: StatFsOut<'_>) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        to.put(stat::statfs(lwp, of_file(open)?.vnode().mount())?)
    })
}

/// Mounts `source` on a directory: a file system of this kind, or with `auto` one that is recognised. Of the flags
/// there is `MS_RDONLY`.
#[syscall]
pub fn mount(
    lwp: &Lwp<'_>,
    source: Path<'_>,
    target: Path<'_>,
    format: Str<'_>,
    flags: u64,
    options: Str<'_>,
) -> Result<(), Errno> {
    calls::mount(lwp, source, target, format, flags, options)
}

/// Unmounts what is mounted on a directory; with `MNT_FORCE` whoever uses it.
#[syscall]
pub fn umount2(lwp: &Lwp<'_>, target: Path<'_>, flags: u32) -> Result<(), Errno> {
    calls::unmount(lwp, target, flags)
}
