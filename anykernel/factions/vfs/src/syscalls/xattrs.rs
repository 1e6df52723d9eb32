//! The system calls on extended attributes.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::{Fd, Path, UserIn, UserOut};

use super::HERE;
use crate::calls::{self, of_file};
use crate::xattr;

/// The value of an extended attribute, or with no room how long it is.
#[syscall]
pub fn getxattr(
    lwp: &Lwp<'_>,
    path: Path<'_>,
    name: Path<'_>,
    value: UserOut<'_>,
) -> Result<usize, Errno> {
    let vnode = calls::find(lwp, HERE, &path, true, false)?;
    xattr::xattr(lwp, &vnode, name, value)
}

/// As `getxattr`; a symbolic link is itself.
#[syscall]
pub fn lgetxattr(
    lwp: &Lwp<'_>,
    path: Path<'_>,
    name: Path<'_>,
    value: UserOut<'_>,
) -> Result<usize, Errno> {
    let vnode = calls::find(lwp, HERE, &path, false, false)?;
    xattr::xattr(lwp, &vnode, name, value)
}

/// As `getxattr`, of an open file.
#[syscall]
pub fn fgetxattr(
    lwp: &Lwp<'_>,
    fd: Fd,
    name: Path<'_>,
    value: UserOut<'_>,
) -> Result<usize, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        xattr::xattr(lwp, of_file(open)?.vnode(), name, value)
    })
}

/// Sets an extended attribute: a new one (`XATTR_CREATE`), one that is there (`XATTR_REPLACE`), or either.
#[syscall]
pub fn setxattr(
    lwp: &Lwp<'_>,
    path: Path<'_>,
    name: Path<'_>,
    value: UserIn<'_>,
    flags: u32,
) -> Result<(), Errno> {
    let vnode = calls::find(lwp, HERE, &path, true, false)?;
    xattr::set_xattr(lwp, &vnode, name, value, flags)
}

/// As `setxattr`; a symbolic link is itself.
#[syscall]
pub fn lsetxattr(
    lwp: &Lwp<'_>,
    path: Path<'_>,
    name: Path<'_>,
    value: UserIn<'_>,
    flags: u32,
) -> Result<(), Errno> {
    let vnode = calls::find(lwp, HERE, &path, false, false)?;
    xattr::set_xattr(lwp, &vnode, name, value, flags)
}

/// As `setxattr`, of an open file.
#[syscall]
pub fn fsetxattr(
    lwp: &Lwp<'_>,
    fd: Fd,
    name: Path<'_>,
    value: UserIn<'_>,
    flags: u32,
) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        xattr::set_xattr(lwp, of_file(open)?.vnode(), name, value, flags)
    })
}

/// The names of all extended attributes, each with a NUL behind it, or with no room how long they are.
#[syscall]
pub fn listxattr(lwp: &Lwp<'_>, path: Path<'_>, names: UserOut<'_>) -> Result<usize, Errno> {
    xattr::xattrs(lwp, &calls::find(lwp, HERE, &path, true, false)?, names)
}

/// As `listxattr`; a symbolic link is itself.
#[syscall]
pub fn llistxattr(lwp: &Lwp<'_>, path: Path<'_>, names: UserOut<'_>) -> Result<usize, Errno> {
    xattr::xattrs(lwp, &calls::find(lwp, HERE, &path, false, false)?, names)
}

/// As `listxattr`, of an open file.
#[syscall]
pub fn flistxattr(lwp: &Lwp<'_>, fd: Fd, names: UserOut<'_>) -> Result<usize, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        xattr::xattrs(lwp, of_file(open)?.vnode(), names)
    })
}

/// Takes an extended attribute away.
#[syscall]
pub fn removexattr(lwp: &Lwp<'_>, path: Path<'_>, name: Path<'_>) -> Result<(), Errno> {
    xattr::remove_xattr(lwp, &calls::find(lwp, HERE, &path, true, false)?, name)
}

/// As `removexattr`; a symbolic link is itself.
#[syscall]
pub fn lremovexattr(lwp: &Lwp<'_>, path: Path<'_>, name: Path<'_>) -> Result<(), Errno> {
    xattr::remove_xattr(lwp, &calls::find(lwp, HERE, &path, false, false)?, name)
}

/// As `removexattr`, of an open file.
#[syscall]
pub fn fremovexattr(lwp: &Lwp<'_>, fd: Fd, name: Path<'_>) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        xattr::remove_xattr(lwp, of_file(open)?.vnode(), name)
    })
}
