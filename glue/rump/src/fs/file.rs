//! Open files.

use alloc::vec::Vec;

use syscall::consts::*;
use syscall::{Errno, Fd, NewTime, Offset, Path, Stamp, Times};
use vfs::syscalls;

use crate::fs::{HERE, Metadata};
use crate::{AsDescriptor, Descriptor, Kernel, Result};

/// An open file or directory. Closed when dropped.
#[derive(Debug)]
pub struct File(Descriptor);

/// From where a position is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekFrom {
    /// From the start.
    Start(u64),
    /// From the end.
    End(i64),
    /// From where the file stands.
    Current(i64),
}

/// How a file is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    read: bool,
    write: bool,
    flags: u32,
    mode: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// Neither for reading nor for writing.
    pub fn new() -> Self {
        OpenOptions {
            read: false,
            write: false,
            flags: 0,
            mode: 0o666,
        }
    }

    fn flag(&mut self, flag: u32, on: bool) -> &mut Self {
        self.flags = if on {
            self.flags | flag
        } else {
            self.flags & !flag
        };
        self
    }

    /// For reading.
    pub fn read(&mut self, on: bool) -> &mut Self {
        self.read = on;
        self
    }

    /// For writing.
    pub fn write(&mut self, on: bool) -> &mut Self {
        self.write = on;
        self
    }

    /// For writing at the end.
    pub fn append(&mut self, on: bool) -> &mut Self {
        self.write |= on;
        self.flag(O_APPEND, on)
    }

    /// Empties it.
    pub fn truncate(&mut self, on: bool) -> &mut Self {
        self.flag(O_TRUNC, on)
    }

    /// Makes it if it is not there.
    pub fn create(&mut self, on: bool) -> &mut Self {
        self.flag(O_CREAT, on)
    }

    /// Makes it, or fails with `EEXIST`.
    pub fn create_new(&mut self, on: bool) -> &mut Self {
        self.flag(O_CREAT | O_EXCL, on)
    }

    /// Fails with `ELOOP` for a symbolic link.
    pub fn no_follow(&mut self, on: bool) -> &mut Self {
        self.flag(O_NOFOLLOW, on)
    }

    /// The permissions of a file that is made.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Opens it. `EINVAL` if it is neither for reading nor for writing.
    pub fn open(&self, kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<File> {
        self.open_at(kernel, HERE, path.as_ref())
    }

    /// The flags of `open`. `EINVAL` if it is neither for reading nor for writing.
    pub(super) fn flags(&self) -> Result<u32> {
        let access = match (self.read, self.write) {
            (true, false) => O_RDONLY,
            (false, true) => O_WRONLY,
            (true, true) => O_RDWR,
            (false, false) => return Err(Errno::EINVAL),
        };
        Ok(self.flags | access)
    }

    fn open_at(&self, kernel: &Kernel, at: Fd, path: &[u8]) -> Result<File> {
        let flags = self.flags()? | O_CLOEXEC;
        Descriptor::open(kernel, |lwp| {
            syscalls::openat(lwp, at, path.into(), flags, self.mode)
        })
        .map(File)
    }
}

impl File {
    /// Opens a file for reading.
    pub fn open(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<File> {
        OpenOptions::new().read(true).open(kernel, path)
    }

    /// Opens a file for writing, emptied, or made if it is not there.
    pub fn create(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(kernel, path)
    }

    /// Opens a directory; a symbolic link is `ELOOP` or `ENOTDIR`.
    pub fn open_directory(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<File> {
        directory().open(kernel, path)
    }

    /// Opens a directory that is in this one.
    pub fn open_directory_at(&self, name: impl AsRef<[u8]>) -> Result<File> {
        directory().open_at(self.0.kernel(), self.0.fd(), name.as_ref())
    }

    /// Opens what a path leads to that begins in this directory.
    pub fn open_at(&self, path: impl AsRef<[u8]>, options: &OpenOptions) -> Result<File> {
        options.open_at(self.0.kernel(), self.0.fd(), path.as_ref())
    }

    /// Makes a system call with its descriptor.
    pub fn call<R>(&self, f: impl FnOnce(&base::Lwp<'_>, Fd) -> Result<R>) -> Result<R> {
        self.0.call(f)
    }

    /// Reads from where it stands: how many bytes, zero at the end.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer)
    }

    /// Reads up to the end.
    pub fn read_to_end(&self, bytes: &mut Vec<u8>) -> Result<usize> {
        let before = bytes.len();
        let size = self.metadata()?.len();
        let mut step = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .clamp(64, 1 << 20);
        loop {
            let len = bytes.len();
            bytes.try_reserve(step).map_err(|_| Errno::ENOMEM)?;
            bytes.resize(len + step, 0);
            let count = self.read(&mut bytes[len..])?;
            bytes.truncate(len + count);
            if count == 0 {
                return Ok(len - before);
            }
            step = step.max(4096);
        }
    }

    /// Reads from byte `offset` on, and stays where it stands.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let offset = i64::try_from(offset).map_err(|_| Errno::EINVAL)?;
        self.call(|lwp, fd| syscalls::pread(lwp, fd, buffer.into(), offset))
    }

    /// Writes to where it stands: how many bytes.
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        self.0.write(bytes)
    }

    /// Writes all of them.
    pub fn write_all(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let count = self.write(bytes)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Writes to byte `offset`, and stays where it stands.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let offset = i64::try_from(offset).map_err(|_| Errno::EINVAL)?;
        self.call(|lwp, fd| syscalls::pwrite(lwp, fd, bytes.into(), offset))
    }

    /// Copies up to `count` bytes from where it stands to where another file stands.
    pub fn copy_to(&self, to: &File, count: usize) -> Result<usize> {
        let none = || Offset::new(None);
        self.call(|lwp, fd| syscalls::copy_file_range(lwp, fd, none(), to.0.fd(), none(), count, 0))
    }

    /// Moves, and says where to.
    pub fn seek(&self, to: SeekFrom) -> Result<u64> {
        let (offset, whence) = match to {
            SeekFrom::Start(offset) => {
                (i64::try_from(offset).map_err(|_| Errno::EINVAL)?, SEEK_SET)
            }
            SeekFrom::End(offset) => (offset, SEEK_END),
            SeekFrom::Current(offset) => (offset, SEEK_CUR),
        };
        self.lseek(offset, whence)
    }

    /// Where data from `offset` on begins, which it moves to. `ENXIO` if there is none.
    pub fn seek_data(&self, offset: u64) -> Result<u64> {
        let offset = i64::try_from(offset).map_err(|_| Errno::ENXIO)?;
        self.lseek(offset, SEEK_DATA)
    }

    /// Where a hole from `offset` on begins, which it moves to. `ENXIO` beyond the end, which is one.
    pub fn seek_hole(&self, offset: u64) -> Result<u64> {
        let offset = i64::try_from(offset).map_err(|_| Errno::ENXIO)?;
        self.lseek(offset, SEEK_HOLE)
    }

    fn lseek(&self, offset: i64, whence: u32) -> Result<u64> {
        let at = self.call(|lwp, fd| syscalls::lseek(lwp, fd, offset, whence))?;
        Ok(at as u64)
    }

    /// What is known of it.
    pub fn metadata(&self) -> Result<Metadata> {
        Metadata::of(|to| self.call(|lwp, fd| syscalls::fstat(lwp, fd, to)))
    }

    /// Gives it a size.
    pub fn set_len(&self, size: u64) -> Result<()> {
        let size = i64::try_from(size).map_err(|_| Errno::EFBIG)?;
        self.call(|lwp, fd| syscalls::ftruncate(lwp, fd, size))
    }

    /// Has space for a range, with modes as `fallocate` has them.
    pub fn allocate(&self, mode: u32, offset: u64, len: u64) -> Result<()> {
        let offset = i64::try_from(offset).map_err(|_| Errno::EFBIG)?;
        let len = i64::try_from(len).map_err(|_| Errno::EFBIG)?;
        self.call(|lwp, fd| syscalls::fallocate(lwp, fd, mode, offset, len))
    }

    /// Sets its permissions.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        self.call(|lwp, fd| syscalls::fchmod(lwp, fd, mode))
    }

    /// Sets the times of the last access and the last change.
    pub fn set_times(&self, accessed: Stamp, modified: Stamp) -> Result<()> {
        let times = Times::new(Ok([NewTime::At(accessed), NewTime::At(modified)]));
        self.call(|lwp, fd| syscalls::futimens(lwp, fd, times))
    }

    /// Has everything of it survive a loss of power.
    pub fn sync_all(&self) -> Result<()> {
        self.call(syscalls::fsync)
    }

    /// Has its contents survive a loss of power.
    pub fn sync_data(&self) -> Result<()> {
        self.call(syscalls::fdatasync)
    }

    /// Another handle of the same open file.
    pub fn try_clone(&self) -> Result<File> {
        self.0.try_clone().map(File)
    }

    /// What a path leads to that begins in this directory.
    pub fn metadata_at(&self, path: impl AsRef<[u8]>) -> Result<Metadata> {
        let path = Path::from(path.as_ref());
        Metadata::of(|to| {
            self.call(|lwp, fd| syscalls::fstatat(lwp, fd, path, to, AT_SYMLINK_NOFOLLOW))
        })
    }
}

fn directory() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).no_follow(true).flag(O_DIRECTORY, true);
    options
}

impl From<Descriptor> for File {
    fn from(descriptor: Descriptor) -> Self {
        File(descriptor)
    }
}

impl AsDescriptor for File {
    fn as_descriptor(&self) -> &Descriptor {
        &self.0
    }
}
