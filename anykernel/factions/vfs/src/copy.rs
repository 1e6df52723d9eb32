//! Copies from file to file, without a way through a program.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Blocking, Errno, Lwp, OpenFile, block};
use syscall::{Fd, Offset, UioIn, UioOut};

use crate::openfile::VnodeFile;
use crate::{Kind, Vnode};

/// Bytes of one piece.
const PIECE: usize = 256 * 1024;

/// Bytes of one call, at most, as on Linux.
const MOST: usize = 0x7fff_f000;

/// Where one side of a copy stands: at an offset the caller gave, or where the file does.
struct Side<'a> {
    file: &'a VnodeFile,
    at: u64,
    given: bool,
}

impl<'a> Side<'a> {
    fn new(lwp: &Lwp<'_>, file: &'a VnodeFile, offset: &Offset<'_>) -> Result<Self, Errno> {
        let given = offset.get()?;
        let at = match given {
            Some(at) => at,
            None => file.with_position(lwp, |position| Ok(*position))?,
        };
        Ok(Side {
            file,
            at,
            given: given.is_some(),
        })
    }

    /// Says how far the copy came.
    fn end(&self, lwp: &Lwp<'_>, offset: &mut Offset<'_>) -> Result<(), Errno> {
        if self.given {
            offset.put(self.at);
            return Ok(());
        }
        self.file.with_position(lwp, |position| {
            *position = self.at;
            Ok(())
        })
    }
}

fn check_file(vnode: &Arc<Vnode>) -> Result<(), Errno> {
    match vnode.kind() {
        Kind::File => Ok(()),
        Kind::Directory => Err(Errno::EISDIR),
        _ => Err(Errno::EINVAL),
    }
}

/// Moves bytes from a file to `write`, until `count`, the end, or an error with nothing done.
fn pump(
    lwp: &Lwp<'_>,
    from: &mut Side<'_>,
    count: usize,
    mut write: impl FnMut(&[u8]) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let count = count.min(MOST);
    let mut piece: Vec<u8> = alloc::vec![0; count.min(PIECE)];
    let mut done = 0;
    while done < count {
        let wanted = piece.len().min(count - done);
        let mut to = UioOut::from(syscall::UserOut::from(&mut piece[..wanted]));
        let step = from.file.read_at(lwp, from.at, &mut to);
        let step = step.and_then(|there| match there {
            0 => Ok(0),
            _ => write(&piece[..there]),
        });
        match step {
            Ok(0) => break,
            Ok(moved) => {
                done += moved;
                from.at += moved as u64;
                if moved < wanted {
                    continue;
                }
            }
            Err(_) if done > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(done)
}

/// Copies from a file to anything that is open for writing.
pub(crate) fn send(
    lwp: &Lwp<'_>,
    to: Fd,
    from: Fd,
    mut offset: Offset<'_>,
    count: usize,
) -> Result<usize, Errno> {
    let process = lwp.process();
    process.with_file(lwp, from, |source| {
        let file: &VnodeFile = source.downcast().ok_or(Errno::EINVAL)?;
        if !source.readable() {
            return Err(Errno::EBADF);
        }
        check_file(file.contents()).map_err(|_| Errno::EINVAL)?;
        process.with_file(lwp, to, |target| {
            if !target.writable() {
                return Err(Errno::EBADF);
            }
            let mut side = Side::new(lwp, file, &offset)?;
            let done = pump(lwp, &mut side, count, |bytes| write(lwp, target, bytes))?;
            side.end(lwp, &mut offset)?;
            Ok(done)
        })
    })
}

/// Writes to any open file, waiting as that waits.
fn write(lwp: &Lwp<'_>, open: &Arc<OpenFile>, bytes: &[u8]) -> Result<usize, Errno> {
    let file = open.file();
    let mut from = UioIn::from(syscall::UserIn::from(bytes));
    let how = Blocking::new(open.nonblock()).within(lwp, file.write_timeout());
    block(lwp, file.readiness(), how, || {
        file.try_write(lwp, &mut from)
    })
}

/// Copies between files.
pub(crate) fn range(
    lwp: &Lwp<'_>,
    (from, mut from_offset): (Fd, Offset<'_>),
    (to, mut to_offset): (Fd, Offset<'_>),
    count: usize,
) -> Result<usize, Errno> {
    let process = lwp.process();
    process.with_file(lwp, from, |source| {
        process.with_file(lwp, to, |target| {
            let (Some(source_file), Some(target_file)) = (
                source.downcast::<VnodeFile>(),
                target.downcast::<VnodeFile>(),
            ) else {
                return Err(Errno::EINVAL);
            };
            if !source.readable() || !target.writable() || target_file.appends() {
                return Err(Errno::EBADF);
            }
            check_file(source_file.contents())?;
            check_file(target_file.contents())?;
            let mut reading = Side::new(lwp, source_file, &from_offset)?;
            let mut writing = Side::new(lwp, target_file, &to_offset)?;
            let same = Arc::ptr_eq(source_file.contents(), target_file.contents());
            let (low, high) = (reading.at.min(writing.at), reading.at.max(writing.at));
            if same && high - low < count as u64 {
                return Err(Errno::EINVAL);
            }
            let done = pump(lwp, &mut reading, count, |bytes| {
                let mut from = UioIn::from(syscall::UserIn::from(bytes));
                let (count, end) = target_file.write_at(lwp, writing.at, &mut from)?;
                writing.at = end;
                Ok(count)
            })?;
            reading.end(lwp, &mut from_offset)?;
            writing.end(lwp, &mut to_offset)?;
            Ok(done)
        })
    })
}
