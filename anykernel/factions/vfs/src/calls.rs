//! What system calls on files have in common.

use alloc::sync::Arc;

use base::{Errno, Lwp, OpenFile};
use syscall::consts::*;
use syscall::{Fd, NewTime, Path, Stat, UioIn, UioOut, UserOut};

use crate::directory::Replace;
use crate::inotify::Inotify;
use crate::locks::Hold;
use crate::lookup::Walk;
use crate::openfile::VnodeFile;
use crate::pipe::PipeEnd;
use crate::rights::{Access, Credentials};
use crate::{Changes, Creation, Kind, Person, Time, Vnode, stat};

/// Where a relative path begins.
pub(crate) struct At(Option<Arc<Vnode>>);

impl At {
    /// At an open directory, or with `AT_FDCWD` where the process stands.
    pub(crate) fn of(lwp: &Lwp<'_>, at: Fd, path: &Path<'_>) -> Result<At, Errno> {
        if at.0 == AT_FDCWD || path.get()?.starts_with(b"/") {
            return Ok(At(None));
        }
        let vnode =
            lwp.process()
                .with_file(lwp, at, |open| match open.downcast::<VnodeFile>() {
                    Some(file) => Ok(file.vnode().clone()),
                    None => Err(Errno::ENOTDIR),
                })?;
        Ok(At(Some(vnode)))
    }

    pub(crate) fn start(&self) -> Option<&Arc<Vnode>> {
        self.0.as_ref()
    }
}

/// A walk of the process that acts.
pub(crate) fn walk<'a>(lwp: &'a Lwp<'a>) -> Result<Walk<'a>, Errno> {
    Walk::new(lwp)
}

/// What a path leads to; with `empty` an empty one leads to where it begins.
pub(crate) fn find(
    lwp: &Lwp<'_>,
    at: Fd,
    path: &Path<'_>,
    follow: bool,
    empty: bool,
) -> Result<Arc<Vnode>, Errno> {
    let start = At::of(lwp, at, path)?;
    let mut walk = Walk::new(lwp)?;
    let path = path.get()?;
    if empty && path.is_empty() {
        return match start.0 {
            Some(vnode) => Ok(vnode),
            None => walk.person.directory(lwp),
        };
    }
    walk.find(start.start(), path, follow)
}

/// The file of the faction that is open. `EBADF` for any other.
pub(crate) fn of_file(open: &Arc<OpenFile>) -> Result<&VnodeFile, Errno> {
    open.downcast().ok_or(Errno::EBADF)
}

/// The vnode of a file that is open for writing. `EINVAL` for what is not.
pub(crate) fn to_change(open: &Arc<OpenFile>) -> Result<&Arc<Vnode>, Errno> {
    let file: &VnodeFile = open.downcast().ok_or(Errno::EINVAL)?;
    match open.writable() {
        true => Ok(file.vnode()),
        false => Err(Errno::EINVAL),
    }
}

/// The file, if it has places. `ESPIPE` for what comes and goes in order only.
pub(crate) fn seekable(open: &Arc<OpenFile>) -> Result<&VnodeFile, Errno> {
    open.downcast().ok_or(Errno::ESPIPE)
}

/// Copies as much as there is room for.
pub(crate) fn put(bytes: &[u8], to: UserOut<'_>) -> Result<usize, Errno> {
    UioOut::from(to).put(bytes)
}

/// Makes an inode with a name.
pub(crate) fn make(
    lwp: &Lwp<'_>,
    at: Fd,
    path: Path<'_>,
    kind: Kind,
    mode: u32,
    target: &[u8],
) -> Result<(), Errno> {
    let at = At::of(lwp, at, &path)?;
    let mut walk = Walk::new(lwp)?;
    let last = walk.last(at.start(), path.get()?)?;
    let name = last.name.ok_or(Errno::EEXIST)?;
    if last.slash && kind != Kind::Directory {
        // A slash says directory, which this would not be.
        return Err(match walk.finish(last, false) {
            Ok(_) => Errno::EEXIST,
            Err(errno) => errno,
        });
    }
    walk.check_search(&last.directory)?;
    let new = walk.creation(&last.directory, kind, mode)?;
    let new = Creation { target, ..new };
    let new = match kind {
        Kind::Symlink => Creation { mode, ..new },
        _ => new,
    };
    last.directory.create(lwp, &walk.who, name, &new)?;
    Ok(())
}

/// Gives a vnode one more name.
pub(crate) fn link(
    lwp: &Lwp<'_>,
    target: &Arc<Vnode>,
    at: Fd,
    path: Path<'_>,
) -> Result<(), Errno> {
    let at = At::of(lwp, at, &path)?;
    let mut walk = Walk::new(lwp)?;
    let last = walk.last(at.start(), path.get()?)?;
    let name = last.name.ok_or(Errno::EEXIST)?;
    if last.slash {
        return Err(Errno::ENOENT);
    }
    walk.check_search(&last.directory)?;
    last.directory.link(lwp, &walk.who, name, target)
}

/// Takes a name away.
pub(crate) fn remove(lwp: &Lwp<'_>, at: Fd, path: Path<'_>, directory: bool) -> Result<(), Errno> {
    let start = At::of(lwp, at, &path)?;
    let mut walk = Walk::new(lwp)?;
    let bytes = path.get()?;
    let last = walk.last(start.start(), bytes)?;
    let Some(name) = last.name else {
        let end = bytes
            .trim_ascii_end()
            .rsplit(|byte| *byte == b'/')
            .find(|name| !name.is_empty());
        return Err(match (directory, end) {
            (false, _) => Errno::EISDIR,
            (true, Some(b".")) => Errno::EINVAL,
            (true, Some(b"..")) => Errno::ENOTEMPTY,
            (true, _) => Errno::EBUSY,
        });
    };
    if last.slash && !directory {
        let found = walk.finish(last, false)?;
        return Err(match found.is_directory() {
            true => Errno::EISDIR,
            false => Errno::ENOTDIR,
        });
    }
    walk.check_search(&last.directory)?;
    last.directory.remove(lwp, &walk.who, name, directory)
}

/// Gives what has a name another.
pub(crate) fn rename(
    lwp: &Lwp<'_>,
    from: (Fd, Path<'_>),
    to: (Fd, Path<'_>),
    flags: u32,
) -> Result<(), Errno> {
    let replace = Replace::by_flags(flags)?;
    let from_at = At::of(lwp, from.0, &from.1)?;
    let to_at = At::of(lwp, to.0, &to.1)?;
    let mut walk = Walk::new(lwp)?;
    let old = walk.last(from_at.start(), from.1.get()?)?;
    let new = walk.last(to_at.start(), to.1.get()?)?;
    let (Some(name), Some(new_name)) = (old.name, new.name) else {
        return Err(Errno::EBUSY);
    };
    walk.check_search(&old.directory)?;
    walk.check_search(&new.directory)?;
    if (old.slash || new.slash) && !old.directory.lookup(lwp, name)?.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    old.directory
        .rename(lwp, &walk.who, name, &new.directory, new_name, replace)
}

/// What is known of an open file of any kind.
pub(crate) fn stat_open(lwp: &Lwp<'_>, open: &Arc<OpenFile>) -> Result<Stat, Errno> {
    if let Some(file) = open.downcast::<VnodeFile>() {
        return stat::stat(lwp, file.vnode());
    }
    // Others have no inode: Linux says as little of theirs.
    let kind = match open.downcast::<PipeEnd>() {
        Some(_) => S_IFIFO,
        None => 0,
    };
    Ok(Stat {
        mode: kind | 0o600,
        links: 1,
        block_size: 4096,
        ..Stat::default()
    })
}

/// Gives a file a size.
pub(crate) fn truncate(lwp: &Lwp<'_>, path: Path<'_>, size: u64) -> Result<(), Errno> {
    let vnode = find(lwp, Fd(AT_FDCWD), &path, true, false)?;
    match vnode.kind() {
        Kind::Directory => return Err(Errno::EISDIR),
        Kind::File => {}
        _ => return Err(Errno::EINVAL),
    }
    vnode.check(lwp, &Person::of(lwp)?.credentials(), Access::WRITE)?;
    vnode.resize(lwp, size)
}

/// Has space for a range of a file, or none.
pub(crate) fn allocate(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    mode: u32,
    offset: u64,
    len: u64,
) -> Result<(), Errno> {
    match vnode.kind() {
        Kind::File => {}
        Kind::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::ENODEV),
    }
    let end = offset.checked_add(len).ok_or(Errno::EFBIG)?;
    if end > vnode.mount().properties().largest_file {
        return Err(Errno::EFBIG);
    }
    const PUNCH: u32 = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    match mode {
        0 | FALLOC_FL_KEEP_SIZE => {
            vnode.allocate(lwp, offset, len)?;
            match mode == 0 && end > vnode.attributes(lwp)?.size {
                true => vnode.resize(lwp, end),
                false => Ok(()),
            }
        }
        PUNCH => vnode.punch(lwp, offset, len),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// Changes attributes but the size, as far as the process may.
pub(crate) fn change(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, mut changes: Changes) -> Result<(), Errno> {
    vnode.mount().check_writable()?;
    let who = Person::of(lwp)?.credentials();
    who.check_change(&vnode.attributes(lwp)?, &mut changes)?;
    vnode.change(lwp, &changes)?;
    vnode.happened(lwp, IN_ATTRIB);
    Ok(())
}

/// Sets permissions.
pub(crate) fn change_mode(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, mode: u32) -> Result<(), Errno> {
    let changes = Changes {
        mode: Some(mode & 0o7777),
        ..Changes::default()
    };
    change(lwp, vnode, changes)
}

/// Sets owner and group; `u32::MAX` is the one there is.
pub(crate) fn change_owner(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    owner: u32,
    group: u32,
) -> Result<(), Errno> {
    let given = |id: u32| (id != u32::MAX).then_some(id);
    let changes = Changes {
        owner: given(owner),
        group: given(group),
        ..Changes::default()
    };
    change(lwp, vnode, changes)
}

/// Sets times. To now they may be set by whoever may write.
pub(crate) fn change_times(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    times: [NewTime; 2],
) -> Result<(), Errno> {
    if times == [NewTime::Same; 2] {
        return Ok(());
    }
    vnode.mount().check_writable()?;
    let who = Person::of(lwp)?.credentials();
    if !who.owns(&vnode.attributes(lwp)?) {
        match times {
            [NewTime::Now, NewTime::Now] => vnode.check(lwp, &who, Access::WRITE)?,
            _ => return Err(Errno::EPERM),
        }
    }
    let time = |new| match new {
        NewTime::Now => Some(Time::now()),
        NewTime::Same => None,
        NewTime::At(stamp) => Some(Time {
            seconds: stamp.seconds,
            nanoseconds: stamp.nanoseconds,
        }),
    };
    vnode.change(
        lwp,
        &Changes {
            accessed: time(times[0]),
            modified: time(times[1]),
            ..Changes::default()
        },
    )?;
    vnode.happened(lwp, IN_ATTRIB);
    Ok(())
}

/// Whether the process may do what the bits say.
pub(crate) fn check_access(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, mode: u32) -> Result<(), Errno> {
    let who = Person::of(lwp)?.credentials();
    vnode.check(lwp, &who, Access(mode))
}

/// The directory a path leads to, if the process may go there.
pub(crate) fn directory(lwp: &Lwp<'_>, path: Path<'_>) -> Result<Arc<Vnode>, Errno> {
    let found = find(lwp, Fd(AT_FDCWD), &path, true, false)?;
    walk(lwp)?.check_directory(&found)?;
    Ok(found)
}

impl Walk<'_> {
    /// `ENOTDIR`, `EACCES` unless it is a directory that may be gone through.
    pub(crate) fn check_directory(&self, vnode: &Arc<Vnode>) -> Result<(), Errno> {
        vnode.check_directory()?;
        self.check_search(vnode)
    }
}

fn place(offset: i64) -> Result<u64, Errno> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}

/// Reads from a place of an open file.
pub(crate) fn read_at(
    lwp: &Lwp<'_>,
    fd: Fd,
    to: &mut UioOut<'_>,
    offset: i64,
) -> Result<usize, Errno> {
    let offset = place(offset)?;
    lwp.process().with_file(lwp, fd, |open| {
        let file = seekable(open)?;
        match open.readable() {
            true => file.read_at(lwp, offset, to),
            false => Err(Errno::EBADF),
        }
    })
}

/// Writes to a place of an open file.
pub(crate) fn write_at(
    lwp: &Lwp<'_>,
    fd: Fd,
    from: &mut UioIn<'_>,
    offset: i64,
) -> Result<usize, Errno> {
    let offset = place(offset)?;
    lwp.process().with_file(lwp, fd, |open| {
        let file = seekable(open)?;
        match open.writable() {
            true => Ok(file.write_at(lwp, offset, from)?.0),
            false => Err(Errno::EBADF),
        }
    })
}

/// Has a file survive a loss of power.
pub(crate) fn sync_file(lwp: &Lwp<'_>, fd: Fd, data_only: bool) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let file: &VnodeFile = open.downcast().ok_or(Errno::EINVAL)?;
        file.sync(lwp, data_only)
    })
}

/// Watches what a path leads to: the watch's number.
pub(crate) fn watch(lwp: &Lwp<'_>, fd: Fd, path: Path<'_>, mask: u32) -> Result<i32, Errno> {
    const KNOWN: u32 = IN_ALL_EVENTS
        | IN_UNMOUNT
        | IN_ONLYDIR
        | IN_DONT_FOLLOW
        | IN_EXCL_UNLINK
        | IN_MASK_ADD
        | IN_ONESHOT;
    if mask & !KNOWN != 0 || mask & IN_ALL_EVENTS == 0 {
        return Err(Errno::EINVAL);
    }
    lwp.process().with_file(lwp, fd, |open| {
        let set: &Inotify = open.downcast().ok_or(Errno::EINVAL)?;
        let follow = mask & IN_DONT_FOLLOW == 0;
        let vnode = find(lwp, Fd(AT_FDCWD), &path, follow, false)?;
        if mask & IN_ONLYDIR != 0 {
            vnode.check_directory()?;
        }
        vnode.check(lwp, &Person::of(lwp)?.credentials(), Access::READ)?;
        set.add(lwp, vnode, mask)
    })
}

/// Ends a watch.
pub(crate) fn unwatch(lwp: &Lwp<'_>, fd: Fd, watch: i32) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let set: &Inotify = open.downcast().ok_or(Errno::EINVAL)?;
        set.remove(lwp, watch)
    })
}

/// Locks an open file as a whole, or lets go.
pub(crate) fn lock(lwp: &Lwp<'_>, fd: Fd, operation: u32) -> Result<(), Errno> {
    let hold = match operation & !LOCK_NB {
        LOCK_SH => Some(Hold::Shared),
        LOCK_EX => Some(Hold::Alone),
        LOCK_UN => None,
        _ => return Err(Errno::EINVAL),
    };
    lwp.process().with_file(lwp, fd, |open| {
        of_file(open)?.lock(lwp, hold, operation & LOCK_NB != 0)
    })
}

/// Acts for somebody else from now on: nobody but the superuser may.
pub(crate) fn change_person(
    lwp: &Lwp<'_>,
    f: impl FnOnce(Credentials) -> Credentials,
) -> Result<(), Errno> {
    let person = Person::of(lwp)?;
    let old = (*person.credentials()).clone();
    let root = old.is_root();
    let new = f(old.clone());
    match root || new == old {
        true => {
            person.set_credentials(new);
            Ok(())
        }
        false => Err(Errno::EPERM),
    }
}
