//! Control data of messages: the interface's records, and the system's layout of the same.

use std::ffi::c_void;
use std::ptr;

use hypercall::Errno;

/// The three words in front of a record's bytes.
const HEADER: usize = 12;

/// Room for control data in the system's layout.
pub(super) struct Room([u64; Room::SIZE / 8]);

impl Room {
    /// Bytes of it: what all that a socket can be asked to tell takes, several times.
    pub(super) const SIZE: usize = 1024;

    pub(super) fn new() -> Room {
        Room([0; Room::SIZE / 8])
    }

    pub(super) fn start(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    /// Fills it with these records and returns how much that takes: `EINVAL` if they end early, `ENOBUFS` if they have
    /// no room.
    pub(super) fn fill(&mut self, mut records: &[u8]) -> Result<usize, Errno> {
        let mut used = 0;
        while !records.is_empty() {
            let (header, rest) = records.split_at_checked(HEADER).ok_or(Errno::EINVAL)?;
            let word = |at: usize| {
                let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
                u32::from_ne_bytes(bytes)
            };
            let data = rest.get(..word(8) as usize).ok_or(Errno::EINVAL)?;
            // SAFETY: these compute sizes and touch no memory.
            let (space, len) = unsafe { (libc::CMSG_SPACE(word(8)), libc::CMSG_LEN(word(8))) };
            if data.len() > Room::SIZE || space as usize > Room::SIZE - used {
                return Err(Errno::ENOBUFS);
            }
            // SAFETY: from `used` on, which is a multiple of the alignment, there is room for all of the message.
            unsafe {
                let message = self.start().cast::<u8>().add(used).cast::<libc::cmsghdr>();
                (*message).cmsg_len = len as usize;
                (*message).cmsg_level = word(0) as i32;
                (*message).cmsg_type = word(4) as i32;
                ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(message), data.len());
            }
            used += space as usize;
            records = rest.get(data.len().next_multiple_of(4)..).unwrap_or(&[]);
        }
        Ok(used)
    }
}

/// Writes the control data of a message as records, as many as there is room for, and returns how much they take.
///
/// # Safety
///
/// A call filled in the message, and what it names is there.
pub(super) unsafe fn read(message: &libc::msghdr, to: &mut [u8]) -> usize {
    let mut written = 0;
    // SAFETY: the caller's word; the system's own functions walk over what the system wrote.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(message);
        while let Some(one) = next.as_ref() {
            let len = one.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
            let data = std::slice::from_raw_parts(libc::CMSG_DATA(one), len);
            let whole = HEADER + len.next_multiple_of(4);
            let Some(place) = to.get_mut(written..written + whole) else {
                break;
            };
            let words = [one.cmsg_level as u32, one.cmsg_type as u32, len as u32];
            place.fill(0);
            place[..HEADER].copy_from_slice(words.map(u32::to_ne_bytes).as_flattened());
            place[HEADER..HEADER + len].copy_from_slice(data);
            written += whole;
            next = libc::CMSG_NXTHDR(message, one);
        }
    }
    written
}
