//! The system calls on files.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::consts::*;
use syscall::{
    Address, Dirent, DirentsOut, Fd, FdPair, IovIn, IovOut, NewFd, Offset, Path, StatFsOut,
    StatOut, Str, Times, UserIn, UserOut,
};

use crate::calls::{self, At, of_file, walk};
use crate::inotify::Inotify;
use crate::lookup::Walk;
use crate::openfile::Whence;
use crate::pipe::{Ends, Pipe};
use crate::{Credentials, Device, Kind, Person, mapping, open, stat, xattr};

const HERE: Fd = Fd(AT_FDCWD);

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

/// What is known of a file.
#[syscall]
pub fn fstatat(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    mut to: StatOut<'_>,
    flags: u32,
) -> Result<(), Errno> {
    const KNOWN: u32 = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    let empty = flags & AT_EMPTY_PATH != 0;
    if empty && at != HERE && path.get()?.is_empty() {
        return fstat(lwp, at, to);
    }
    let vnode = calls::find(lwp, at, &path, follow, empty)?;
    to.put(stat::stat(lwp, &vnode)?)
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
    lwp.process()
        .with_file(lwp, fd, |open| to.put(calls::stat_open(lwp, open)?))
}

/// Gives a file a size.
#[syscall]
pub fn truncate(lwp: &Lwp<'_>, path: Path<'_>, size: i64) -> Result<(), Errno> {
    let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
    calls::truncate(lwp, path, size)
}

/// Gives an open file a size.
#[syscall]
pub fn ftruncate(lwp: &Lwp<'_>, fd: Fd, size: i64) -> Result<(), Errno> {
    let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
    lwp.process().with_file(lwp, fd, |open| {
        let vnode = calls::to_change(open)?;
        match vnode.kind() {
            Kind::File => vnode.resize(lwp, size),
            _ => Err(Errno::EINVAL),
        }
    })
}

/// Has space for a range of a file, or none (`FALLOC_FL_PUNCH_HOLE`).
#[syscall]
pub fn fallocate(lwp: &Lwp<'_>, fd: Fd, mode: u32, offset: i64, len: i64) -> Result<(), Errno> {
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    let len = u64::try_from(len).ok().filter(|len| *len > 0);
    let len = len.ok_or(Errno::EINVAL)?;
    lwp.process().with_file(lwp, fd, |open| {
        calls::allocate(lwp, calls::to_change(open)?, mode, offset, len)
    })
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

/// Moves in a file, and says where to.
#[syscall]
pub fn lseek(lwp: &Lwp<'_>, fd: Fd, offset: i64, whence: u32) -> Result<i64, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let whence = match whence {
            SEEK_SET => Whence::Start,
            SEEK_CUR => Whence::Here,
            SEEK_END => Whence::End,
            SEEK_DATA => Whence::Data,
            SEEK_HOLE => Whence::Hole,
            _ => return Err(Errno::EINVAL),
        };
        let file = calls::seekable(open)?;
        Ok(file.seek(lwp, offset, whence)? as i64)
    })
}

/// Reads from a place.
#[syscall]
pub fn pread(lwp: &Lwp<'_>, fd: Fd, buffer: UserOut<'_>, offset: i64) -> Result<usize, Errno> {
    calls::read_at(lwp, fd, &mut buffer.into(), offset)
}

/// Writes to a place.
#[syscall]
pub fn pwrite(lwp: &Lwp<'_>, fd: Fd, buffer: UserIn<'_>, offset: i64) -> Result<usize, Errno> {
    calls::write_at(lwp, fd, &mut buffer.into(), offset)
}

/// Reads from a place into scattered buffers.
#[syscall]
pub fn preadv(lwp: &Lwp<'_>, fd: Fd, buffers: IovOut<'_>, offset: i64) -> Result<usize, Errno> {
    calls::read_at(lwp, fd, &mut buffers.uio()?, offset)
}

/// Writes to a place from scattered buffers.
#[syscall]
pub fn pwritev(lwp: &Lwp<'_>, fd: Fd, buffers: IovIn<'_>, offset: i64) -> Result<usize, Errno> {
    calls::write_at(lwp, fd, &mut buffers.uio()?, offset)
}

/// The next entries of a directory: how many bytes they took, zero at the end.
#[syscall]
pub fn getdents64(lwp: &Lwp<'_>, fd: Fd, mut buffer: DirentsOut<'_>) -> Result<usize, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let (mut taken, mut refused) = (0, false);
        of_file(open)?.entries(lwp, &mut |entry| {
            let bytes = buffer.push(&Dirent {
                inode: entry.number,
                next: entry.next,
                kind: entry.kind.map_or(0, |kind| (kind.bits() >> 12) as u8),
                name: entry.name,
            });
            taken += bytes.unwrap_or(0);
            refused = bytes.is_none();
            bytes.is_some()
        })?;
        match taken == 0 && refused {
            true => Err(Errno::EINVAL),
            false => Ok(taken),
        }
    })
}

/// The path of where the process stands, with a NUL behind it: how many bytes. `ERANGE` if there is less room.
#[syscall]
pub fn getcwd(lwp: &Lwp<'_>, buffer: UserOut<'_>) -> Result<usize, Errno> {
    let walk = Walk::new(lwp)?;
    let mut path = walk.path_of(&walk.person.directory(lwp)?)?;
    path.push(0);
    match path.len() <= buffer.len() {
        true => calls::put(&path, buffer),
        false => Err(Errno::ERANGE),
    }
}

/// Goes to a directory.
#[syscall]
pub fn chdir(lwp: &Lwp<'_>, path: Path<'_>) -> Result<(), Errno> {
    let directory = calls::directory(lwp, path)?;
    Person::of(lwp)?.set_directory(directory);
    Ok(())
}

/// Goes to an open directory.
#[syscall]
pub fn fchdir(lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let vnode = of_file(open)?.vnode();
        walk(lwp)?.check_directory(vnode)?;
        Person::of(lwp)?.set_directory(vnode.clone());
        Ok(())
    })
}

/// Has paths begin at a directory.
#[syscall]
pub fn chroot(lwp: &Lwp<'_>, path: Path<'_>) -> Result<(), Errno> {
    let directory = calls::directory(lwp, path)?;
    let person = Person::of(lwp)?;
    if !person.credentials().is_root() {
        return Err(Errno::EPERM);
    }
    person.set_root(directory);
    Ok(())
}

/// Sets the bits that new files do not get; what they were.
#[syscall]
pub fn umask(lwp: &Lwp<'_>, mask: u32) -> Result<u32, Errno> {
    Ok(Person::of(lwp)?.set_umask(mask))
}

/// Has what was written to a file survive a loss of power.
#[syscall]
pub fn fsync(lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
    calls::sync_file(lwp, fd, false)
}

/// Has a file's contents survive a loss of power.
#[syscall]
pub fn fdatasync(lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
    calls::sync_file(lwp, fd, true)
}

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

/// Copies from a file to any other, from where it stands or from an offset.
#[syscall]
pub fn sendfile(
    lwp: &Lwp<'_>,
    to: Fd,
    from: Fd,
    offset: Offset<'_>,
    count: usize,
) -> Result<usize, Errno> {
    crate::copy::send(lwp, to, from, offset, count)
}

/// Copies between two files, from where they stand or from offsets.
#[syscall]
pub fn copy_file_range(
    lwp: &Lwp<'_>,
    from: Fd,
    from_offset: Offset<'_>,
    to: Fd,
    to_offset: Offset<'_>,
    count: usize,
    flags: u32,
) -> Result<usize, Errno> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    crate::copy::range(lwp, (from, from_offset), (to, to_offset), count)
}

/// Locks a file with others (`LOCK_SH`) or alone (`LOCK_EX`), or lets go (`LOCK_UN`); with `LOCK_NB` nobody waits.
#[syscall]
pub fn flock(lwp: &Lwp<'_>, fd: Fd, operation: u32) -> Result<(), Errno> {
    calls::lock(lwp, fd, operation)
}

/// A copy of a file in memory, or zeros (`MAP_ANONYMOUS`), where the kernel likes: its address. There is no virtual memory, so
/// what others write is not seen in it, and a shared one (`MAP_SHARED`) goes to its file by `msync` and `munmap`.
#[syscall]
pub fn mmap(
    lwp: &Lwp<'_>,
    _address: Address,
    len: usize,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: i64,
) -> Result<Address, Errno> {
    mapping::map(lwp, len, protection, flags, fd, offset)
}

/// Writes a range of a shared mapping to its file, and with `MS_SYNC` has it survive a loss of power.
#[syscall]
pub fn msync(lwp: &Lwp<'_>, range: UserIn<'_>, flags: u32) -> Result<(), Errno> {
    mapping::synchronise(lwp, range, flags)
}

/// Ends a mapping, which is named as a whole; a shared one goes to its file.
#[syscall]
pub fn munmap(lwp: &Lwp<'_>, range: UserIn<'_>) -> Result<(), Errno> {
    mapping::unmap(lwp, range)
}

/// A set of watches, from which what happens to files is read (`inotify(7)`). Of the flags there are `O_NONBLOCK` and
/// `O_CLOEXEC`.
#[syscall]
pub fn inotify_init1(lwp: &Lwp<'_>, flags: u32) -> Result<NewFd, Errno> {
    if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let set = Inotify::new(lwp, Person::of(lwp)?.vfs().watches());
    lwp.process().open(lwp, set, O_RDONLY | flags)
}

/// Watches what a path leads to, or changes what is heard of it: the watch's number in the set.
#[syscall]
pub fn inotify_add_watch(lwp: &Lwp<'_>, set: Fd, path: Path<'_>, mask: u32) -> Result<i32, Errno> {
    calls::watch(lwp, set, path, mask)
}

/// Ends a watch.
#[syscall]
pub fn inotify_rm_watch(lwp: &Lwp<'_>, set: Fd, watch: i32) -> Result<(), Errno> {
    calls::unwatch(lwp, set, watch)
}

/// A pipe: an end to read, an end to write. Of the flags there are `O_NONBLOCK` and `O_CLOEXEC`.
#[syscall]
pub fn pipe2(lwp: &Lwp<'_>, mut ends: FdPair<'_>, flags: u32) -> Result<(), Errno> {
    if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    ends.require()?;
    let pipe = Pipe::new();
    let [reader, writer] = [(true, false), (false, true)]
        .map(|(reads, writes)| pipe.open(lwp, Ends { reads, writes }));
    let process = lwp.process();
    let reader = process.open(lwp, reader, O_RDONLY | flags)?;
    match process.open(lwp, writer, O_WRONLY | flags) {
        Ok(writer) => {
            ends.put([reader, writer]);
            Ok(())
        }
        Err(errno) => {
            base::syscalls::close(lwp, Fd(reader.0))?;
            Err(errno)
        }
    }
}

/// A pipe: an end to read, an end to write.
#[syscall]
pub fn pipe(lwp: &Lwp<'_>, ends: FdPair<'_>) -> Result<(), Errno> {
    pipe2(lwp, ends, 0)
}

/// The user the process acts for.
#[syscall]
pub fn getuid(lwp: &Lwp<'_>) -> Result<u32, Errno> {
    Ok(Person::of(lwp)?.credentials().user)
}

/// The group the process acts for.
#[syscall]
pub fn getgid(lwp: &Lwp<'_>) -> Result<u32, Errno> {
    Ok(Person::of(lwp)?.credentials().group)
}

/// Acts for another user from now on.
#[syscall]
pub fn setuid(lwp: &Lwp<'_>, user: u32) -> Result<(), Errno> {
    calls::change_person(lwp, |old| Credentials { user, ..old })
}

/// Acts for another group from now on.
#[syscall]
pub fn setgid(lwp: &Lwp<'_>, group: u32) -> Result<(), Errno> {
    calls::change_person(lwp, |old| Credentials { group, ..old })
}
