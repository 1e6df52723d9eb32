//! The entries of a directory, from the system's form to that of the hypercall.

use std::os::fd::{AsRawFd, OwnedFd};

use hypercall::Errno;

use crate::last_errno;

/// Bytes that are read at once.
const PIECE: usize = 32 * 1024;

/// Bytes of an entry of the system's before its name: number, where the next is, length, kind.
const HEAD: usize = 19;

/// Fills `to` with entries from `from` on; how many bytes.
pub(super) fn fill(directory: &OwnedFd, from: u64, to: &mut [u8]) -> Result<i64, Errno> {
    let from = libc::off_t::try_from(from).map_err(|_| Errno::EINVAL)?;
    // SAFETY: no memory is involved.
    if unsafe { libc::lseek(directory.as_raw_fd(), from, libc::SEEK_SET) } < 0 {
        return Err(Errno::from_number(last_errno()));
    }
    let mut piece = vec![0u8; PIECE.min(to.len().max(512))];
    let mut filled = 0;
    // A piece may hold nothing but `.` and `..`.
    while filled == 0 {
        let (fd, start, len) = (directory.as_raw_fd(), piece.as_mut_ptr(), piece.len());
        // SAFETY: the call writes at most so many bytes.
        let read = unsafe { libc::syscall(libc::SYS_getdents64, fd, start, len) };
        let mut rest = match usize::try_from(read) {
            Ok(0) => break,
            Ok(read) => piece.get(..read).ok_or(Errno::EIO)?,
            Err(_) => return Err(Errno::from_number(last_errno())),
        };
        while !rest.is_empty() {
            let (entry, others) = split(rest).ok_or(Errno::EIO)?;
            rest = others;
            if matches!(entry.name, b"." | b"..") {
                continue;
            }
            match entry.put(&mut to[filled..]) {
                Some(len) => filled += len,
                None if filled == 0 => return Err(Errno::EINVAL),
                None => return Ok(filled as i64),
            }
        }
    }
    Ok(filled as i64)
}

struct Entry<'a> {
    number: [u8; 8],
    next: [u8; 8],
    kind: u8,
    name: &'a [u8],
}

/// The first entry, and the rest.
fn split(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let len = u16::from_ne_bytes(bytes.get(16..18)?.try_into().ok()?);
    let (entry, rest) = bytes.split_at_checked(usize::from(len))?;
    let name = entry.get(HEAD..)?;
    let entry = Entry {
        number: entry.get(..8)?.try_into().ok()?,
        next: entry.get(8..16)?.try_into().ok()?,
        kind: *entry.get(18)?,
        name: name.split(|byte| *byte == 0).next()?,
    };
    Some((entry, rest))
}

impl Entry<'_> {
    /// Puts it in front, where there is room; how many bytes.
    fn put(&self, to: &mut [u8]) -> Option<usize> {
        let padded = self.name.len().next_multiple_of(8);
        let to = to.get_mut(..24 + padded)?;
        let kind = u32::from(self.kind) << 12;
        to[..8].copy_from_slice(&self.number);
        to[8..16].copy_from_slice(&self.next);
        to[16..20].copy_from_slice(&kind.to_ne_bytes());
        to[20..24].copy_from_slice(&(self.name.len() as u32).to_ne_bytes());
        to[24..].fill(0);
        to[24..24 + self.name.len()].copy_from_slice(self.name);
        Some(24 + padded)
    }
}
