//! What the system calls do, of inodes instead of paths: for servers of files, whose clients hold on to inodes, and for
//! walks that no change of names leads astray.
//!
//! Rights are those of the process that calls, as with paths. What is mounted on a directory is not seen through it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, File, Lwp};
use syscall::consts::{AT_FDCWD, RENAME_EXCHANGE, RENAME_NOREPLACE};
use syscall::{Fd, Path, Stat, StatFs, UserIn, UserOut};

use crate::directory::Replace;
use crate::lookup::Walk;
use crate::rights::Access;
use crate::{Changes, Creation, Entry, Kind, Person, Vnode, calls, open, stat, xattr};

/// `EINVAL` for what is no name of an entry, as `..`.
fn check_name(name: &[u8]) -> Result<(), Errno> {
    let odd = name.is_empty() || name == b"." || name == b"..";
    match odd || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
        true => Err(Errno::EINVAL),
        false => Ok(()),
    }
}

/// A walk that may search a directory for a name.
fn walk<'a>(lwp: &'a Lwp<'a>, directory: &Arc<Vnode>, name: &[u8]) -> Result<Walk<'a>, Errno> {
    check_name(name)?;
    let walk = Walk::new(lwp)?;
    walk.check_directory(directory)?;
    Ok(walk)
}

/// The inode that a path leads to; a symbolic link at its end is itself.
pub fn find(lwp: &Lwp<'_>, path: Path<'_>) -> Result<Arc<Vnode>, Errno> {
    calls::find(lwp, Fd(AT_FDCWD), &path, false, false)
}

/// The inode of a name in a directory; a symbolic link is itself. `EINVAL` for `.`, `..` and what is no name.
pub fn lookup(lwp: &Lwp<'_>, directory: &Arc<Vnode>, name: &[u8]) -> Result<Arc<Vnode>, Errno> {
    walk(lwp, directory, name)?;
    directory.lookup(lwp, name)
}

/// What is known of it.
pub fn status(lwp: &Lwp<'_>, vnode: &Arc<Vnode>) -> Result<Stat, Errno> {
    stat::stat(lwp, vnode)
}

/// How full its file system is.
pub fn usage(lwp: &Lwp<'_>, vnode: &Arc<Vnode>) -> Result<StatFs, Errno> {
    stat::statfs(lwp, vnode.mount())
}

/// What a symbolic link says.
pub fn read_link(lwp: &Lwp<'_>, vnode: &Arc<Vnode>) -> Result<Vec<u8>, Errno> {
    vnode.read_link(lwp)
}

/// Gives the entries of a directory but `.` and `..`, from the one at `from` on, until `each` takes no more.
pub fn entries(
    lwp: &Lwp<'_>,
    directory: &Arc<Vnode>,
    from: u64,
    each: &mut dyn FnMut(Entry<'_>) -> bool,
) -> Result<(), Errno> {
    directory.check_directory()?;
    directory.check(lwp, &Person::of(lwp)?.credentials(), Access::READ)?;
    directory.turn.with(lwp, |()| {
        let number = directory.number();
        directory.fs().entries(lwp, number, from, each)
    })?
}

/// Opens it, with flags as `open` has them.
pub fn open(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, flags: u32) -> Result<Arc<dyn File>, Errno> {
    open::open_vnode(lwp, &Walk::new(lwp)?, vnode.clone(), flags, false)
}

/// Makes an inode in a directory, the process's; with these permissions, which no mask takes from.
pub fn create(
    lwp: &Lwp<'_>,
    directory: &Arc<Vnode>,
    name: &[u8],
    kind: Kind,
    mode: u32,
    target: &[u8],
) -> Result<Arc<Vnode>, Errno> {
    let walk = walk(lwp, directory, name)?;
    if kind.device().is_some() && !walk.who.is_root() {
        return Err(Errno::EPERM);
    }
    let new = walk.creation(directory, kind, mode)?;
    let mode = new.mode | mode & 0o7777;
    directory.create(
        lwp,
        &walk.who,
        name,
        &Creation {
            mode,
            target,
            ..new
        },
    )
}

/// Gives an inode one more name.
pub fn link(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    directory: &Arc<Vnode>,
    name: &[u8],
) -> Result<(), Errno> {
    let walk = walk(lwp, directory, name)?;
    directory.link(lwp, &walk.who, name, vnode)
}

/// Takes a name away: that of an empty directory, or of anything else.
pub fn remove(
    lwp: &Lwp<'_>,
    directory: &Arc<Vnode>,
    name: &[u8],
    is_directory: bool,
) -> Result<(), Errno> {
    let walk = walk(lwp, directory, name)?;
    directory.remove(lwp, &walk.who, name, is_directory)
}

/// Gives what has a name another, with flags as `renameat2` has them.
pub fn rename(
    lwp: &Lwp<'_>,
    from: (&Arc<Vnode>, &[u8]),
    to: (&Arc<Vnode>, &[u8]),
    flags: u32,
) -> Result<(), Errno> {
    let replace = Replace::by_flags(flags)?;
    let walk = walk(lwp, from.0, from.1)?;
    check_name(to.1)?;
    walk.check_directory(to.0)?;
    from.0.rename(lwp, &walk.who, from.1, to.0, to.1, replace)
}

impl Replace {
    /// What flags of `renameat2` ask for.
    pub(crate) fn by_flags(flags: u32) -> Result<Replace, Errno> {
        match flags {
            0 => Ok(Replace::Yes),
            RENAME_NOREPLACE => Ok(Replace::No),
            RENAME_EXCHANGE => Ok(Replace::Exchange),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Changes attributes. The time of the last change of anything is now, whatever is said.
pub fn change(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, changes: &Changes) -> Result<(), Errno> {
    vnode.mount().check_writable()?;
    if let Some(size) = changes.size {
        match vnode.kind() {
            Kind::File => {}
            Kind::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
        vnode.check(lwp, &Person::of(lwp)?.credentials(), Access::WRITE)?;
        vnode.resize(lwp, size)?;
    }
    let others = Changes {
        size: None,
        changed: None,
        ..*changes
    };
    match others == Changes::default() {
        true => Ok(()),
        false => calls::change(lwp, vnode, others),
    }
}

/// The value of an extended attribute, or with no room how long it is.
pub fn xattr(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    name: Path<'_>,
    to: UserOut<'_>,
) -> Result<usize, Errno> {
    xattr::xattr(lwp, vnode, name, to)
}

/// The names of all extended attributes, each with a NUL behind it, or with no room how long they are.
pub fn xattrs(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, to: UserOut<'_>) -> Result<usize, Errno> {
    xattr::xattrs(lwp, vnode, to)
}

/// Sets an extended attribute, with flags as `setxattr` has them.
pub fn set_xattr(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    name: Path<'_>,
    value: UserIn<'_>,
    flags: u32,
) -> Result<(), Errno> {
    xattr::set_xattr(lwp, vnode, name, value, flags)
}

/// Takes an extended attribute away.
pub fn remove_xattr(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, name: Path<'_>) -> Result<(), Errno> {
    xattr::remove_xattr(lwp, vnode, name)
}

/// Has everything of its file system survive a loss of power.
pub fn sync(lwp: &Lwp<'_>, vnode: &Arc<Vnode>) -> Result<(), Errno> {
    vnode.mount().sync(lwp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_entries() {
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0"] {
            assert_eq!(check_name(name), Err(Errno::EINVAL), "{name:?}");
        }
        for name in [&b"..."[..], b" ", b"\xff", b".a"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }
}
