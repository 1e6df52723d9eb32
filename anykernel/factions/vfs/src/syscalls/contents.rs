//! The system calls on what is in files.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::consts::*;
use syscall::{Address, Dirent, DirentsOut, Fd, IovIn, IovOut, Offset, Path, UserIn, UserOut};

use crate::calls::{self, of_file};
use crate::openfile::Whence;
use crate::{Kind, mapping};

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
