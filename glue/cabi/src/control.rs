//! Control data of messages: what `CMSG_FIRSTHDR` and its like walk over, in Linux's layout.

use alloc::vec::Vec;
use core::{ptr, slice};

use base::Errno;
use syscall::consts::{SCM_RIGHTS, SOL_SOCKET};
use syscall::{Control, NewFd};

/// `struct cmsghdr`: a length of the size of `size_t`, level and type.
const HEADER: usize = size_of::<usize>() + 8;
/// A descriptor.
const FD: usize = 4;
/// More control data is no message (Linux's `optmem_max`, 128 KiB).
const MOST: usize = 128 * 1024;

fn aligned(len: usize) -> usize {
    len.next_multiple_of(size_of::<usize>())
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_ne_bytes(word)
}

/// Takes control data apart; `EINVAL` if a length is wrong.
pub(crate) fn decode(mut bytes: &[u8]) -> Result<Vec<Control>, Errno> {
    let mut all = Vec::new();
    while let Some((head, _)) = bytes.split_first_chunk() {
        let len = usize::from_ne_bytes(*head);
        if bytes.len() < HEADER {
            break;
        }
        if len < HEADER || len > bytes.len() {
            return Err(Errno::EINVAL);
        }
        all.push(Control {
            level: word(bytes, HEADER - 8),
            kind: word(bytes, HEADER - 4),
            data: bytes[HEADER..len].to_vec(),
        });
        bytes = bytes.get(aligned(len)..).unwrap_or(&[]);
    }
    Ok(all)
}

/// Reads the control data of a call.
///
/// # Safety
///
/// `control` is null or good for reading `len` bytes.
pub(crate) unsafe fn read(control: *const u8, len: usize) -> Result<Vec<Control>, Errno> {
    if len > MOST {
        return Err(Errno::ENOBUFS);
    }
    if len == 0 {
        return Ok(Vec::new());
    }
    if control.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the caller's word.
    decode(unsafe { slice::from_raw_parts(control, len) })
}

/// How many descriptors there is room for.
pub(crate) fn room(len: usize) -> usize {
    len.saturating_sub(HEADER) / FD
}

/// The control data that hands over descriptors; nothing if there are none.
fn rights(descriptors: &[NewFd]) -> Vec<u8> {
    if descriptors.is_empty() {
        return Vec::new();
    }
    let len = HEADER + descriptors.len() * FD;
    let mut bytes = Vec::with_capacity(aligned(len));
    bytes.extend(len.to_ne_bytes());
    bytes.extend(SOL_SOCKET.to_ne_bytes());
    bytes.extend(SCM_RIGHTS.to_ne_bytes());
    for descriptor in descriptors {
        bytes.extend(descriptor.0.to_ne_bytes());
    }
    bytes.resize(aligned(len), 0);
    bytes
}

/// Writes the control data that hands over descriptors, and returns how much of the room it took.
///
/// # Safety
///
/// `to` is good for writing `len` bytes, or both are nothing.
pub(crate) unsafe fn write(descriptors: &[NewFd], to: *mut u8, len: usize) -> usize {
    let bytes = rights(descriptors);
    // The padding at the end need not fit.
    let len = bytes.len().min(len);
    // SAFETY: the caller's word, and `bytes` has as many.
    unsafe { ptr::copy(bytes.as_ptr(), to, len) };
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_survive_the_way_out_and_in() {
        let bytes = rights(&[NewFd(3), NewFd(7), NewFd(1)]);
        assert_eq!(bytes.len(), aligned(HEADER + 12));
        let twice = [&bytes[..], &bytes[..]].concat();
        let all = decode(&twice).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0], all[1]);
        assert_eq!((all[0].level, all[0].kind), (SOL_SOCKET, SCM_RIGHTS));
        let fds: Vec<u32> = [0, 4, 8].map(|at| word(&all[0].data, at)).to_vec();
        assert_eq!(fds, [3, 7, 1]);
        // Without the padding at its end.
        assert_eq!(decode(&bytes[..HEADER + 12]).unwrap(), all[..1]);
        assert!(rights(&[]).is_empty());
    }

    #[test]
    fn lengths_that_cannot_be() {
        let mut bytes = rights(&[NewFd(3)]);
        for len in [0, HEADER - 1, bytes.len() + 1, usize::MAX] {
            bytes[..size_of::<usize>()].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(decode(&bytes), Err(Errno::EINVAL), "{len}");
        }
        // Too little for a header is nothing.
        assert_eq!(decode(&bytes[..HEADER - 1]), Ok(Vec::new()));
        assert_eq!(
            [0, HEADER, HEADER + 3, HEADER + 4, HEADER + 11].map(room),
            [0, 0, 0, 1, 2]
        );
    }
}
