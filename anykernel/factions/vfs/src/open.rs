//! Opening: from a path and flags to a file.

use alloc::sync::Arc;

use base::{Errno, File, Lwp};
use syscall::consts::*;

use crate::lookup::{Last, Walk};
use crate::openfile::VnodeFile;
use crate::pipe::{Ends, Pipe};
use crate::rights::Access;
use crate::{Creation, Kind, Opened, Time, Vnode};

/// What flags of `open` ask for.
fn access(flags: u32) -> Result<Access, Errno> {
    match flags & O_ACCMODE {
        O_RDONLY if flags & O_TRUNC != 0 => Ok(Access::READ.and(Access::WRITE)),
        O_RDONLY => Ok(Access::READ),
        O_WRONLY => Ok(Access::WRITE),
        O_RDWR => Ok(Access::READ.and(Access::WRITE)),
        _ => Err(Errno::EINVAL),
    }
}

/// Opens what a path leads to, or makes it.
pub(crate) fn open(
    lwp: &Lwp<'_>,
    at: Option<&Arc<Vnode>>,
    path: &[u8],
    flags: u32,
    mode: u32,
) -> Result<Arc<dyn File>, Errno> {
    let mut walk = Walk::new(lwp)?;
    let follow = flags & O_NOFOLLOW == 0;
    let (vnode, made) = match flags & O_CREAT {
        0 => (walk.find(at, path, follow)?, false),
        _ => {
            let last = walk.last(at, path)?;
            find_or_create(lwp, &mut walk, last, flags, mode)?
        }
    };
    open_vnode(lwp, &walk, vnode, flags, made)
}

/// What the last name of a path stands for, or a new file; whether it is one.
fn find_or_create(
    lwp: &Lwp<'_>,
    walk: &mut Walk<'_>,
    last: Last<'_>,
    flags: u32,
    mode: u32,
) -> Result<(Arc<Vnode>, bool), Errno> {
    if last.slash || last.name.is_none() || flags & O_DIRECTORY != 0 {
        // There is no making a directory by opening it.
        return match flags & O_DIRECTORY {
            0 => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        };
    }
    let (directory, name) = (last.directory.clone(), last.name.unwrap_or_default());
    walk.check_search(&directory)?;
    let exclusive = flags & O_EXCL != 0;
    // A link to nothing has what it names made.
    let mut target = None;
    for _ in 0..2 {
        match directory.lookup(lwp, name) {
            Ok(_) if exclusive => return Err(Errno::EEXIST),
            Ok(found) if found.kind() == Kind::Symlink && flags & O_NOFOLLOW == 0 => {
                target = Some(found);
                break;
            }
            Ok(_) => return Ok((walk.finish(last, false)?, false)),
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
        let new = walk.creation(&directory, Kind::File, mode)?;
        match directory.create(lwp, &walk.who, name, &new) {
            // Somebody else was faster.
            Err(Errno::EEXIST) if !exclusive => {}
            made => return Ok((made?, true)),
        }
    }
    match target {
        Some(link) => {
            let path = walk.read_link(&link)?;
            let last = walk.last(Some(&directory), &path)?;
            find_or_create(lwp, walk, last, flags, mode)
        }
        None => Err(Errno::ENOENT),
    }
}

/// Opens a vnode.
pub(crate) fn open_vnode(
    lwp: &Lwp<'_>,
    walk: &Walk<'_>,
    vnode: Arc<Vnode>,
    flags: u32,
    made: bool,
) -> Result<Arc<dyn File>, Errno> {
    let wanted = access(flags)?;
    let writes = wanted.has(Access::WRITE);
    match vnode.kind() {
        Kind::Symlink => return Err(Errno::ELOOP),
        Kind::Directory if writes || flags & O_CREAT != 0 => return Err(Errno::EISDIR),
        Kind::Directory => {}
        _ if flags & O_DIRECTORY != 0 => return Err(Errno::ENOTDIR),
        _ => {}
    }
    // Who made a file may write it, whatever its mode says.
    if !made {
        vnode.check(lwp, &walk.who, wanted)?;
    }
    match vnode.kind() {
        Kind::Socket => Err(Errno::ENXIO),
        Kind::Character(_) | Kind::Block(_) => {
            match walk.person.vfs().open_device(lwp, vnode.kind())? {
                Opened::File(file) => Ok(file),
                Opened::Contents(contents) => Ok(open_contents(lwp, vnode, contents, flags)),
            }
        }
        Kind::Fifo => {
            let pipe = vnode.pipe.with(|weak| {
                weak.upgrade().unwrap_or_else(|| {
                    let pipe = Pipe::new();
                    *weak = Arc::downgrade(&pipe);
                    pipe
                })
            });
            let ends = Ends {
                reads: flags & O_ACCMODE != O_WRONLY,
                writes: flags & O_ACCMODE != O_RDONLY,
            };
            Ok(pipe.open_named(lwp, ends, flags & O_NONBLOCK != 0)?)
        }
        _ => {
            if flags & O_TRUNC != 0 && !made && vnode.kind() == Kind::File {
                vnode.resize(lwp, 0)?;
            }
            Ok(open_contents(lwp, vnode.clone(), vnode, flags))
        }
    }
}

fn open_contents(
    lwp: &Lwp<'_>,
    vnode: Arc<Vnode>,
    contents: Arc<Vnode>,
    flags: u32,
) -> Arc<dyn File> {
    vnode.happened(lwp, IN_OPEN);
    let writes = flags & O_ACCMODE != O_RDONLY;
    let append = flags & O_APPEND != 0;
    let synchronous = flags & (O_SYNC | O_DSYNC) != 0;
    Arc::new(VnodeFile::new(vnode, contents, writes, append, synchronous))
}

impl Walk<'_> {
    /// What a new inode in a directory begins with. A directory with set-group-id hands its group on.
    pub(crate) fn creation(
        &self,
        directory: &Arc<Vnode>,
        kind: Kind,
        mode: u32,
    ) -> Result<Creation<'static>, Errno> {
        let parent = directory.attributes(self.lwp())?;
        let hands_on = parent.mode & S_ISGID != 0;
        let mut mode = mode & 0o7777 & !self.person.umask();
        if hands_on && kind == Kind::Directory {
            mode |= S_ISGID;
        }
        Ok(Creation {
            kind,
            target: &[],
            mode,
            owner: self.who.user,
            group: if hands_on {
                parent.group
            } else {
                self.who.group
            },
            time: Time::now(),
        })
    }
}
