//! Control data of messages: what `CMSG_FIRSTHDR` and its like walk over, in Linux's layout.

use alloc::vec::Vec;
use core::{ptr, slice};

use base::Errno;
use syscall::consts::{SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET};
use syscall::{Control, Credentials, MsgResult};

/// `struct cmsghdr`: a length of the size of `size_t`, level and type.
const HEADER: usize = size_of::<usize>() + 8;
/// A descriptor.
const FD: usize = 4;
/// `struct ucred`.
const CREDENTIALS: usize = 12;
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

/// How many descriptors there is room for, alone and beside credentials.
pub(crate) fn room(len: usize) -> [usize; 2] {
    [len, len.saturating_sub(aligned(HEADER + CREDENTIALS))]
        .map(|len| len.saturating_sub(HEADER) / FD)
}

/// Control data that is written, in a room that has an end.
struct Writer {
    bytes: Vec<u8>,
    room: usize,
    /// Something found no room.
    cut: bool,
}

impl Writer {
    /// Adds what has room: of the padding at its end, as much as there is.
    fn add(&mut self, level: u32, kind: u32, data: &[u8]) {
        let room = self.room - self.bytes.len();
        let len = (HEADER + data.len()).min(room);
        self.cut |= len < HEADER + data.len();
        if len < HEADER {
            return;
        }
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(level.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(&data[..len - HEADER]);
        let padding = aligned(len).min(room) - len;
        self.bytes.resize(self.bytes.len() + padding, 0);
    }
}

/// The control data of a result, and whether something found no room.
fn encode(result: &MsgResult, room: usize) -> (Vec<u8>, bool) {
    let mut writer = Writer {
        bytes: Vec::new(),
        room,
        cut: false,
    };
    for control in &result.control {
        writer.add(control.level, control.kind, &control.data);
    }
    if let Some(Credentials { pid, uid, gid }) = result.credentials {
        let words = [pid as u32, uid, gid].map(u32::to_ne_bytes);
        writer.add(SOL_SOCKET, SCM_CREDENTIALS, words.as_flattened());
    }
    if !result.descriptors.is_empty() {
        let numbers: Vec<_> = result
            .descriptors
            .iter()
            .map(|fd| fd.0.to_ne_bytes())
            .collect();
        writer.add(SOL_SOCKET, SCM_RIGHTS, numbers.as_flattened());
    }
    (writer.bytes, writer.cut)
}

/// Writes the control data of a result: how much of the room it took, and whether something found none.
///
/// # Safety
///
/// `to` is good for writing `len` bytes.
pub(crate) unsafe fn write(result: &MsgResult, to: *mut u8, len: usize) -> (usize, bool) {
    let (bytes, cut) = encode(result, len);
    // SAFETY: the caller's word, and there are no more than `len`.
    unsafe { ptr::copy(bytes.as_ptr(), to, bytes.len()) };
    (bytes.len(), cut)
}

#[cfg(test)]
mod tests {
    use syscall::NewFd;

    use super::*;

    fn rights(descriptors: &[i32]) -> MsgResult {
        MsgResult {
            descriptors: descriptors.iter().copied().map(NewFd).collect(),
            ..MsgResult::default()
        }
    }

    #[test]
    fn descriptors_survive_the_way_out_and_in() {
        let (bytes, cut) = encode(&rights(&[3, 7, 1]), 100);
        assert_eq!((bytes.len(), cut), (aligned(HEADER + 12), false));
        let twice = [&bytes[..], &bytes[..]].concat();
        let all = decode(&twice).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0], all[1]);
        assert_eq!((all[0].level, all[0].kind), (SOL_SOCKET, SCM_RIGHTS));
        let fds: Vec<u32> = [0, 4, 8].map(|at| word(&all[0].data, at)).to_vec();
        assert_eq!(fds, [3, 7, 1]);
        // Without the padding at its end.
        assert_eq!(decode(&bytes[..HEADER + 12]).unwrap(), all[..1]);
        assert_eq!(
            encode(&rights(&[3, 7, 1]), HEADER + 12).0.len(),
            HEADER + 12
        );
        assert_eq!(encode(&rights(&[]), 100), (Vec::new(), false));
    }

    #[test]
    fn credentials_come_first_and_are_cut_to_their_room() {
        let mut result = rights(&[5]);
        result.credentials = Some(Credentials {
            pid: 7,
            uid: 0,
            gid: 0,
        });
        let (bytes, cut) = encode(&result, 100);
        assert!(!cut);
        let all = decode(&bytes).unwrap();
        assert_eq!((all[0].kind, all[1].kind), (SCM_CREDENTIALS, SCM_RIGHTS));
        assert_eq!((all[0].data.len(), word(&all[0].data, 0)), (12, 7));
        result.descriptors.clear();
        for (room, written) in [(0, 0), (HEADER - 1, 0), (HEADER + 4, HEADER + 4)] {
            let (bytes, cut) = encode(&result, room);
            assert_eq!((bytes.len(), cut), (written, true));
        }
    }

    #[test]
    fn lengths_that_cannot_be() {
        let (mut bytes, _) = encode(&rights(&[3]), 100);
        for len in [0, HEADER - 1, bytes.len() + 1, usize::MAX] {
            bytes[..size_of::<usize>()].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(decode(&bytes), Err(Errno::EINVAL), "{len}");
        }
        // Too little for a header is nothing.
        assert_eq!(decode(&bytes[..HEADER - 1]), Ok(Vec::new()));
        let lengths = [0, HEADER, HEADER + 3, HEADER + 4, HEADER + 11];
        assert_eq!(lengths.map(|len| room(len)[0]), [0, 0, 0, 1, 2]);
        let both = aligned(HEADER + CREDENTIALS) + HEADER + 4;
        assert_eq!((room(both - 1)[1], room(both)[1]), (0, 1));
    }
}
