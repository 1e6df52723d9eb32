//! The system calls on file systems as a whole.

use base::{Errno, Level, Lwp, write_log};
use markers::syscall;
use syscall::consts::*;
use syscall::{Fd, Path, StatFsOut, Str};

use super::HERE;
use crate::calls::{self, of_file};
use crate::{MountArguments, Person, stat};

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
/// there is `MS_RDONLY`. What goes wrong is in the log, too.
#[syscall]
pub fn mount(
    lwp: &Lwp<'_>,
    source: Path<'_>,
    target: Path<'_>,
    format: Str<'_>,
    flags: u64,
    options: Str<'_>,
) -> Result<(), Errno> {
    let person = Person::of(lwp)?;
    if !person.credentials().is_root() {
        return Err(Errno::EPERM);
    }
    if flags & !u64::from(MS_RDONLY) != 0 {
        return Err(Errno::EINVAL);
    }
    // Some have no source, and most no options.
    let options = match options.get() {
        Err(Errno::EFAULT) => "",
        options => options?,
    };
    let source = match source.get() {
        Err(Errno::EFAULT) => &b""[..],
        source => source?,
    };
    // A node of a disk means that, wherever it stands.
    let unit = calls::find(lwp, HERE, &source.into(), true, false)
        .ok()
        .and_then(|node| person.vfs().unit(node.kind()));
    let source = unit.as_ref().map_or(source, |unit| unit.as_bytes());
    let format = format.get()?;
    let arguments = MountArguments {
        source,
        read_only: flags & u64::from(MS_RDONLY) != 0,
        options,
    };
    let on = calls::find(lwp, HERE, &target, true, false)?;
    let format = (format != "auto").then_some(format);
    let mounted = person.vfs().mount(lwp, Some(on), format, &arguments);
    match mounted {
        Ok(_) => Ok(()),
        Err(failure) => {
            write_log(
                lwp.instance(),
                Level::Warning,
                format_args!("mount: {failure}"),
            );
            Err(failure.errno())
        }
    }
}

/// Unmounts what is mounted on a directory; with `MNT_FORCE` whoever uses it.
#[syscall]
pub fn umount2(lwp: &Lwp<'_>, target: Path<'_>, flags: u32) -> Result<(), Errno> {
    if flags & !(MNT_FORCE | UMOUNT_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL);
    }
    let person = Person::of(lwp)?;
    if !person.credentials().is_root() {
        return Err(Errno::EPERM);
    }
    let follow = flags & UMOUNT_NOFOLLOW == 0;
    let root = calls::find(lwp, HERE, &target, follow, false)?;
    person.vfs().unmount(lwp, root, flags & MNT_FORCE != 0)
}
