//! A file or a block device, and what the system does with it.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::{ffi::OsStr, ptr};

use hypercall::{DiskInfo, Errno};

use super::Memory;
use crate::last_errno;

/// What a file is read and written in, in bytes: what file systems and tables of partitions expect.
const FILE_BLOCK: u32 = 512;

// Requests of block devices (linux/fs.h).
const BLKROGET: libc::Ioctl = 0x125e;
const BLKSSZGET: libc::Ioctl = 0x1268;
const BLKGETSIZE64: libc::Ioctl = 0x8008_1272_u32 as libc::Ioctl;
const BLKDISCARD: libc::Ioctl = 0x1277;

/// An open file or block device, locked against others.
pub(super) struct DiskFile {
    file: File,
    is_device: bool,
    /// Whether its file system is memory, where no read waits, and none says so.
    in_memory: bool,
    info: DiskInfo,
}

impl DiskFile {
    /// Opens what is there; nothing is made. `EBUSY` if somebody else has it and one of the two writes, `EINVAL`
    /// if it is neither a file nor a block device.
    pub(super) fn open(name: &[u8], writable: bool) -> Result<Self, Errno> {
        let file = OpenOptions::new()
            .read(true)
            .write(writable)
            // A pipe of this name must not make us wait for its other end.
            .custom_flags(libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(OsStr::from_bytes(name))
            .map_err(|error| crate::frames::errno(&error))?;
        let about = file
            .metadata()
            .map_err(|error| crate::frames::errno(&error))?;
        let is_device = about.file_type().is_block_device();
        if !is_device && !about.is_file() {
            return Err(Errno::EINVAL);
        }
        lock(file.as_raw_fd(), writable)?;
        let mut info = DiskInfo {
            size: about.len(),
            block_size: FILE_BLOCK,
            flags: if writable {
                DiskInfo::DISCARDS
            } else {
                DiskInfo::READ_ONLY
            },
        };
        if is_device {
            device_info(file.as_raw_fd(), &mut info)?;
        }
        let in_memory = !is_device && is_in_memory(file.as_raw_fd())?;
        Ok(DiskFile {
            file,
            is_device,
            in_memory,
            info,
        })
    }

    pub(super) fn info(&self) -> DiskInfo {
        self.info
    }

    /// Reads what the system has in its cache, and says how many bytes that were.
    pub(super) fn read_cached(&self, offset: u64, memory: Memory) -> Result<usize, Errno> {
        let part = part(memory);
        let offset = position(offset)?;
        let flags = if self.in_memory { 0 } else { libc::RWF_NOWAIT };
        // SAFETY: the kernel lends the memory until the operation has ended.
        let read = unsafe { libc::preadv2(self.raw(), &raw const part, 1, offset, flags) };
        match read {
            1.. => Ok(read as usize),
            // Nothing was cached, or it cannot be said without waiting: then somebody waits.
            _ => Ok(0),
        }
    }

    pub(super) fn read(&self, offset: u64, memory: Memory) -> Result<(), Errno> {
        // SAFETY: the kernel lends the memory until the operation has ended.
        all(offset, memory, |offset, memory| unsafe {
            libc::pread(self.raw(), memory.pointer(), memory.len, offset)
        })
    }

    pub(super) fn write(&self, offset: u64, memory: Memory) -> Result<(), Errno> {
        // SAFETY: the kernel lends the memory until the operation has ended.
        all(offset, memory, |offset, memory| unsafe {
            libc::pwrite(self.raw(), memory.pointer(), memory.len, offset)
        })
    }

    pub(super) fn flush(&self) -> Result<(), Errno> {
        // SAFETY: no memory is involved.
        check(unsafe { libc::fdatasync(self.raw()) })
    }

    pub(super) fn discard(&self, offset: u64, len: u64) -> Result<(), Errno> {
        if self.is_device {
            let range = [offset, len];
            // SAFETY: the call reads two numbers.
            return check(unsafe { libc::ioctl(self.raw(), BLKDISCARD, range.as_ptr()) });
        }
        let hole = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        let (offset, len) = (position(offset)?, position(len)?);
        // SAFETY: no memory is involved.
        check(unsafe { libc::fallocate(self.raw(), hole, offset, len) })
    }

    pub(super) fn raw(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl Memory {
    pub(super) fn pointer(self) -> *mut libc::c_void {
        ptr::with_exposed_provenance_mut(self.address)
    }
}

fn part(memory: Memory) -> libc::iovec {
    libc::iovec {
        iov_base: memory.pointer(),
        iov_len: memory.len,
    }
}

/// Goes on until all of the memory is read or written.
fn all(
    mut offset: u64,
    memory: Memory,
    mut transfer: impl FnMut(libc::off_t, Memory) -> isize,
) -> Result<(), Errno> {
    let mut rest = Some(memory);
    while let Some(memory) = rest {
        match transfer(position(offset)?, memory) {
            // The file was cut short by somebody else.
            0 => return Err(Errno::EIO),
            done @ 1.. => {
                offset += done as u64;
                rest = memory.after(done as usize);
            }
            _ if last_errno() == libc::EINTR => {}
            _ => return Err(Errno::from_number(last_errno())),
        }
    }
    Ok(())
}

/// Locks the whole file, for us among all who lock it: other kernels, and QEMU.
fn lock(fd: RawFd, writable: bool) -> Result<(), Errno> {
    let kind = if writable {
        libc::F_WRLCK
    } else {
        libc::F_RDLCK
    };
    // SAFETY: the structure is plain data for which zeros are good: the whole file.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as i16;
    lock.l_whence = libc::SEEK_SET as i16;
    // SAFETY: the call reads the structure. The lock is the open file's, not the process's.
    match check(unsafe { libc::fcntl(fd, libc::F_OFD_SETLK, &raw const lock) }) {
        Err(Errno::EAGAIN | Errno::EACCES) => Err(Errno::EBUSY),
        other => other,
    }
}

fn device_info(fd: RawFd, info: &mut DiskInfo) -> Result<(), Errno> {
    let (mut read_only, mut block_size): (c_int, c_int) = (0, 0);
    // SAFETY: each call writes the one number that it is given a place for.
    unsafe {
        check(libc::ioctl(fd, BLKGETSIZE64, &raw mut info.size))?;
        check(libc::ioctl(fd, BLKSSZGET, &raw mut block_size))?;
        check(libc::ioctl(fd, BLKROGET, &raw mut read_only))?;
    }
    info.block_size = block_size as u32;
    if read_only != 0 {
        info.flags = DiskInfo::READ_ONLY;
    }
    Ok(())
}

fn is_in_memory(fd: RawFd) -> Result<bool, Errno> {
    // SAFETY: the structure is plain data for which zeros are good.
    let mut about: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the call fills the structure in.
    check(unsafe { libc::fstatfs(fd, &raw mut about) })?;
    Ok(about.f_type == libc::TMPFS_MAGIC)
}

fn position(offset: u64) -> Result<libc::off_t, Errno> {
    libc::off_t::try_from(offset).map_err(|_| Errno::EINVAL)
}

fn check(answer: c_int) -> Result<(), Errno> {
    match answer {
        -1 => Err(Errno::from_number(last_errno())),
        _ => Ok(()),
    }
}
