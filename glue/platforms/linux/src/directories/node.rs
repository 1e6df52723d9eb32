//! A file of the host, by a descriptor of it.
//!
//! The descriptor stands for the file and opens nothing. For contents it is opened once more, through
//! `/proc/thread-self/fd`: that is the only way to open this file and not what has its name meanwhile, which might be a
//! device.

use std::ffi::{CStr, CString, c_int};
use std::mem;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use hypercall::{Errno, HostChanges, HostFile, HostTime, HostUsage};

use super::names::{Name, raw};
use crate::last_errno;

/// Nothing leads out of a directory: not `..`, not a link, not a mount.
const CONFINED: u64 = libc::RESOLVE_BENEATH
    | libc::RESOLVE_NO_SYMLINKS
    | libc::RESOLVE_NO_MAGICLINKS
    | libc::RESOLVE_NO_XDEV;

const NOTHING: &CStr = c"";

/// How contents are opened. What would wait, or become the process's terminal, is not opened at all; this is for sure.
const OPEN: c_int = libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

/// What whoever sets an extended attribute asks for.
const XATTR_REMOVE: u32 = 4;

/// A file of the host.
pub(super) struct Node {
    fd: Arc<OwnedFd>,
    /// The bits of its mode that say what it is, which do not change.
    kind: u32,
    /// Opened for reading, and for writing, once somebody wants that.
    contents: [Mutex<Option<Arc<OwnedFd>>>; 2],
}

#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}

pub(super) fn check(result: c_int) -> Result<(), Errno> {
    match result {
        0.. => Ok(()),
        _ => Err(Errno::from_number(last_errno())),
    }
}

fn owned(fd: c_int) -> Result<OwnedFd, Errno> {
    check(fd)?;
    // SAFETY: the system just gave it out, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn position(offset: u64) -> Result<libc::off_t, Errno> {
    libc::off_t::try_from(offset).map_err(|_| Errno::EFBIG)
}

/// The path that leads to a descriptor of the calling thread, whatever that is of.
pub(super) fn through_proc(fd: RawFd) -> CString {
    let path = format!("/proc/thread-self/fd/{fd}");
    CString::new(path).unwrap_or_default()
}

fn open_confined(directory: RawFd, name: &CStr, flags: c_int, mode: u32) -> Result<OwnedFd, Errno> {
    // SAFETY: the structure is plain data for which zeros are good.
    let mut how: libc::open_how = unsafe { mem::zeroed() };
    how.flags = (flags | libc::O_CLOEXEC) as u64;
    how.mode = u64::from(mode);
    how.resolve = CONFINED;
    let (name, size) = (name.as_ptr(), mem::size_of_val(&how));
    // SAFETY: the call reads a name that ends in NUL, and the structure.
    let fd = unsafe { libc::syscall(libc::SYS_openat2, directory, name, &raw const how, size) };
    owned(fd as c_int)
}

impl Node {
    fn new(fd: Arc<OwnedFd>) -> Result<Self, Errno> {
        let mut node = Node {
            fd,
            kind: 0,
            contents: [Mutex::new(None), Mutex::new(None)],
        };
        node.kind = node.mode()? & libc::S_IFMT;
        Ok(node)
    }

    /// The directory of a path. `EOPNOTSUPP` where no `/proc` is mounted.
    pub(super) fn root(path: &[u8]) -> Result<Self, Errno> {
        let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: the calls read names that end in NUL, and write the structure.
        let (fd, proc) = unsafe {
            let mut about: libc::statfs = mem::zeroed();
            let found = libc::statfs(c"/proc/thread-self/fd".as_ptr(), &raw mut about);
            let proc = found == 0 && about.f_type == libc::PROC_SUPER_MAGIC;
            (libc::open(path.as_ptr(), flags), proc)
        };
        let fd = owned(fd)?;
        match proc {
            true => Node::new(Arc::new(fd)),
            false => Err(Errno::EOPNOTSUPP),
        }
    }

    /// A file that was made by opening it.
    pub(super) fn made(file: Arc<OwnedFd>) -> Result<Self, Errno> {
        let mut node = Node::new(file.clone())?;
        // Its mode may not let it be opened again.
        node.contents = [Mutex::new(Some(file.clone())), Mutex::new(Some(file))];
        Ok(node)
    }

    pub(super) fn raw(&self) -> RawFd {
        raw(&*self.fd)
    }

    /// The bits of its mode that say what it is.
    pub(super) fn kind(&self) -> u32 {
        self.kind
    }

    /// What a directory has by a name.
    pub(super) fn find(&self, name: &Name) -> Result<Node, Errno> {
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let fd = open_confined(self.raw(), name.as_c(), flags, 0)?;
        Node::new(Arc::new(fd))
    }

    /// A new file, open for reading and writing.
    pub(super) fn create_file(&self, name: &Name, mode: u32) -> Result<OwnedFd, Errno> {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | OPEN;
        open_confined(self.raw(), name.as_c(), flags, mode)
    }

    /// Opens a directory for its entries.
    pub(super) fn open_directory(&self) -> Result<OwnedFd, Errno> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: the call reads a name that ends in NUL.
        owned(unsafe { libc::openat(self.raw(), c".".as_ptr(), flags) })
    }

    /// A file's contents, opened now if nobody has asked before.
    fn contents(&self, access: Access) -> Result<Arc<OwnedFd>, Errno> {
        match self.kind {
            libc::S_IFREG => {}
            libc::S_IFDIR => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
        let (slot, flags) = match access {
            Access::Read => (&self.contents[0], libc::O_RDONLY),
            Access::Write => (&self.contents[1], libc::O_WRONLY),
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*slot {
            return Ok(open.clone());
        }
        let path = through_proc(self.raw());
        // SAFETY: the call reads a name that ends in NUL.
        let open = Arc::new(owned(unsafe { libc::open(path.as_ptr(), flags | OPEN) })?);
        *slot = Some(open.clone());
        Ok(open)
    }

    /// A file's contents, for reading or writing, whichever is allowed.
    fn any_contents(&self) -> Result<Arc<OwnedFd>, Errno> {
        self.contents(Access::Read)
            .or_else(|_| self.contents(Access::Write))
    }

    pub(super) fn look(&self, about: &mut HostFile) -> Result<(), Errno> {
        // SAFETY: the structure is plain data for which zeros are good; the call writes it.
        let found = unsafe {
            let mut found: libc::statx = mem::zeroed();
            let wanted = libc::STATX_BASIC_STATS | libc::STATX_BTIME;
            let flags = libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW;
            let place = &raw mut found;
            check(libc::statx(
                self.raw(),
                NOTHING.as_ptr(),
                flags,
                wanted,
                place,
            ))?;
            found
        };
        let time = |time: libc::statx_timestamp| HostTime {
            seconds: time.tv_sec,
            nanoseconds: time.tv_nsec,
        };
        *about = HostFile {
            handle: 0,
            device: libc::makedev(found.stx_dev_major, found.stx_dev_minor),
            number: found.stx_ino,
            mode: u32::from(found.stx_mode),
            links: found.stx_nlink,
            owner: found.stx_uid,
            group: found.stx_gid,
            size: found.stx_size,
            space: found.stx_blocks * 512,
            accessed: time(found.stx_atime),
            modified: time(found.stx_mtime),
            changed: time(found.stx_ctime),
            created: match found.stx_mask & libc::STATX_BTIME {
                0 => HostTime::default(),
                _ => time(found.stx_btime),
            },
        };
        Ok(())
    }

    pub(super) fn mode(&self) -> Result<u32, Errno> {
        let mut about = HostFile::default();
        self.look(&mut about)?;
        Ok(about.mode)
    }

    pub(super) fn read(&self, offset: u64, to: &mut [u8]) -> Result<i64, Errno> {
        let contents = self.contents(Access::Read)?;
        let mut done = 0;
        while done < to.len() {
            let rest = &mut to[done..];
            let at = position(offset + done as u64)?;
            let (start, len) = (rest.as_mut_ptr().cast(), rest.len());
            // SAFETY: the call writes at most what is borrowed.
            match unsafe { libc::pread(raw(&*contents), start, len, at) } {
                0 => break,
                count @ 1.. => done += count as usize,
                _ if last_errno() == libc::EINTR => {}
                _ if done > 0 => break,
                _ => return Err(Errno::from_number(last_errno())),
            }
        }
        Ok(done as i64)
    }

    pub(super) fn write(&self, offset: u64, from: &[u8]) -> Result<(), Errno> {
        let contents = self.contents(Access::Write)?;
        let mut done = 0;
        while done < from.len() {
            let rest = &from[done..];
            let at = position(offset + done as u64)?;
            let (start, len) = (rest.as_ptr().cast(), rest.len());
            // SAFETY: the call reads at most what is borrowed.
            match unsafe { libc::pwrite(raw(&*contents), start, len, at) } {
                count @ 0.. => done += count as usize,
                _ if last_errno() == libc::EINTR => {}
                _ => return Err(Errno::from_number(last_errno())),
            }
        }
        Ok(())
    }

    pub(super) fn read_link(&self, to: &mut [u8]) -> Result<i64, Errno> {
        let (start, len) = (to.as_mut_ptr().cast(), to.len());
        // SAFETY: the call writes at most what is borrowed.
        let count = unsafe { libc::readlinkat(self.raw(), NOTHING.as_ptr(), start, len) };
        match count {
            0.. => Ok(count as i64),
            _ => Err(Errno::from_number(last_errno())),
        }
    }

    pub(super) fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        if self.kind == libc::S_IFLNK {
            return Err(Errno::EOPNOTSUPP);
        }
        let path = through_proc(self.raw());
        // SAFETY: the call reads a name that ends in NUL.
        check(unsafe { libc::chmod(path.as_ptr(), mode) })
    }

    pub(super) fn change(&self, changes: &HostChanges) -> Result<(), Errno> {
        let has = |which| changes.which & which != 0;
        if has(HostChanges::SIZE) {
            let (contents, size) = (self.contents(Access::Write)?, position(changes.size)?);
            // SAFETY: no memory is involved.
            check(unsafe { libc::ftruncate(raw(&*contents), size) })?;
        }
        if has(HostChanges::OWNER | HostChanges::GROUP) {
            let one = |which, id| if has(which) { id } else { u32::MAX };
            let owner = one(HostChanges::OWNER, changes.owner);
            let group = one(HostChanges::GROUP, changes.group);
            let (fd, flags) = (self.raw(), libc::AT_EMPTY_PATH);
            // SAFETY: the call reads a name that ends in NUL.
            check(unsafe { libc::fchownat(fd, NOTHING.as_ptr(), owner, group, flags) })?;
        }
        // A new owner takes bits of the mode away.
        if has(HostChanges::MODE) {
            self.set_mode(changes.mode)?;
        }
        if has(HostChanges::ACCESSED | HostChanges::MODIFIED) {
            let one = |which, time: HostTime| libc::timespec {
                tv_sec: time.seconds,
                tv_nsec: match has(which) {
                    true => i64::from(time.nanoseconds),
                    false => libc::UTIME_OMIT,
                },
            };
            let times = [
                one(HostChanges::ACCESSED, changes.accessed),
                one(HostChanges::MODIFIED, changes.modified),
            ];
            let (fd, flags) = (self.raw(), libc::AT_EMPTY_PATH);
            // SAFETY: the call reads a name that ends in NUL, and two times.
            check(unsafe { libc::utimensat(fd, NOTHING.as_ptr(), times.as_ptr(), flags) })?;
        }
        Ok(())
    }

    pub(super) fn reserve(&self, offset: u64, len: u64, punch: bool) -> Result<(), Errno> {
        let mode = match punch {
            true => libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE,
            false => libc::FALLOC_FL_KEEP_SIZE,
        };
        let (offset, len) = (position(offset)?, position(len)?);
        let contents = self.contents(Access::Write)?;
        // SAFETY: no memory is involved.
        check(unsafe { libc::fallocate(raw(&*contents), mode, offset, len) })
    }

    pub(super) fn seek(&self, offset: u64, hole: bool) -> Result<i64, Errno> {
        let whence = if hole {
            libc::SEEK_HOLE
        } else {
            libc::SEEK_DATA
        };
        let contents = self.any_contents()?;
        // SAFETY: no memory is involved.
        let found = unsafe { libc::lseek(raw(&*contents), position(offset)?, whence) };
        match found {
            0.. => Ok(found),
            _ => Err(Errno::from_number(last_errno())),
        }
    }

    pub(super) fn xattr(&self, name: &[u8], to: &mut [u8]) -> Result<i64, Errno> {
        let path = through_proc(self.raw());
        let (path, start, len) = (path.as_ptr(), to.as_mut_ptr(), to.len());
        if len == 0 {
            return Err(Errno::ERANGE);
        }
        let count = if name.is_empty() {
            // SAFETY: the call reads a name that ends in NUL, and writes at most what is borrowed.
            unsafe { libc::listxattr(path, start.cast(), len) }
        } else {
            let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
            // SAFETY: as above.
            unsafe { libc::getxattr(path, name.as_ptr(), start.cast(), len) }
        };
        match count {
            0.. => Ok(count as i64),
            _ => Err(Errno::from_number(last_errno())),
        }
    }

    pub(super) fn set_xattr(&self, name: &[u8], value: &[u8], flags: u32) -> Result<(), Errno> {
        let path = through_proc(self.raw());
        let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
        let (path, name) = (path.as_ptr(), name.as_ptr());
        if flags == XATTR_REMOVE {
            // SAFETY: the calls read names that end in NUL, and what is borrowed.
            return check(unsafe { libc::removexattr(path, name) });
        }
        let (start, len) = (value.as_ptr().cast(), value.len());
        // SAFETY: as above.
        check(unsafe { libc::setxattr(path, name, start, len, flags as c_int) })
    }

    pub(super) fn usage(&self, usage: &mut HostUsage) -> Result<(), Errno> {
        // SAFETY: the structure is plain data for which zeros are good; the call writes it.
        let about = unsafe {
            let mut about: libc::statfs = mem::zeroed();
            check(libc::fstatfs(self.raw(), &raw mut about))?;
            about
        };
        *usage = HostUsage {
            block_size: about.f_frsize as u32,
            longest_name: about.f_namelen as u32,
            blocks: about.f_blocks,
            free_blocks: about.f_bavail,
            inodes: about.f_files,
            free_inodes: about.f_ffree,
        };
        Ok(())
    }

    pub(super) fn sync(&self, data_only: bool) -> Result<(), Errno> {
        let open = match self.kind {
            libc::S_IFREG => self.any_contents()?,
            libc::S_IFDIR => Arc::new(self.open_directory()?),
            // There is nothing of it but its name.
            _ => return Ok(()),
        };
        // SAFETY: no memory is involved.
        let result = unsafe {
            match data_only {
                true => libc::fdatasync(raw(&*open)),
                false => libc::fsync(raw(&*open)),
            }
        };
        check(result)
    }

    pub(super) fn sync_all(&self) -> Result<(), Errno> {
        let open = self.open_directory()?;
        // SAFETY: no memory is involved.
        check(unsafe { libc::syncfs(raw(&open)) })
    }
}
