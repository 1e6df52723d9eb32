//! Several reads or writes of one device by one system call, where the system has `io_uring` and lets us.
//!
//! A TAP or TUN interface takes and gives one frame a call, and a ring takes a list of calls. None of them may wait, so
//! that each is done or refused before the list's own call is over: nothing stays under way.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

use io_uring::types::Fd;
use io_uring::{IoUring, opcode};

use crate::rings;

/// The most frames of a list.
pub(super) const MOST: usize = 16;
/// Parts of a frame: its header, its bytes, and one byte too many.
const PARTS: usize = 3;

/// What there is to say of each frame of a list: its bytes, or the error's number.
pub(super) type Answers = [Result<usize, i32>; MOST];

/// Does lists of calls: by the ring, or one after the other.
pub(super) struct Batch(Option<Mutex<IoUring>>);

#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

/// A list of frames, each of them vectors that follow each other.
#[derive(Clone, Copy)]
struct Frames {
    /// The first vector of the first frame.
    start: *const libc::iovec,
    /// Vectors from that of a frame to that of the next.
    apart: usize,
    /// Vectors of a frame that are in use.
    vectors: usize,
    count: usize,
}

impl Frames {
    fn vectors(&self, frame: usize) -> *const libc::iovec {
        self.start.wrapping_add(frame * self.apart)
    }
}

impl Batch {
    /// With a ring, if the system gives one, and the device can refuse to wait.
    pub(super) fn new(device: &File) -> Batch {
        let ring = can_refuse(device)
            .then(|| IoUring::new(MOST as u32).ok())
            .flatten();
        Batch(ring.map(Mutex::new))
    }

    /// Without one.
    #[cfg(test)]
    pub(super) fn without_a_ring() -> Batch {
        Batch(None)
    }

    /// Reads into up to [`MOST`] frames, from their part `first` on. Behind an error there may be one again, which
    /// came meanwhile.
    pub(super) fn read(
        &self,
        device: &File,
        frames: &mut [[IoSliceMut<'_>; PARTS]],
        first: usize,
    ) -> Answers {
        let list = Frames {
            start: frames
                .as_mut_ptr()
                .cast::<libc::iovec>()
                .wrapping_add(first),
            apart: PARTS,
            vectors: PARTS - first,
            count: frames.len(),
        };
        // SAFETY: these are the system's vectors by another name, and what they say is ours to write.
        unsafe { self.run(device, Direction::In, list) }
    }

    /// Writes up to [`MOST`] frames, from their part `first` on. Behind one that was refused there may be one that was
    /// not.
    pub(super) fn write(
        &self,
        device: &File,
        frames: &[[IoSlice<'_>; PARTS - 1]],
        first: usize,
    ) -> Answers {
        let list = Frames {
            start: frames.as_ptr().cast::<libc::iovec>().wrapping_add(first),
            apart: PARTS - 1,
            vectors: PARTS - 1 - first,
            count: frames.len(),
        };
        // SAFETY: these are the system's vectors by another name, of what nobody writes.
        unsafe { self.run(device, Direction::Out, list) }
    }

    /// # Safety
    /// What the vectors say must be good to read, or to write, while this runs.
    unsafe fn run(&self, device: &File, direction: Direction, frames: Frames) -> Answers {
        match &self.0 {
            Some(ring) if frames.count > 1 => {
                let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
                // SAFETY: as is asked of the caller.
                unsafe { together(&mut ring, device, direction, frames) }
            }
            // SAFETY: as is asked of the caller.
            _ => unsafe { one_by_one(device, direction, frames) },
        }
    }
}

/// Whether calls of the device may ask not to wait: a ring waits for a device of which only its file says so.
fn can_refuse(device: &File) -> bool {
    // No frame is so short.
    let byte = [IoSlice::new(&[0])];
    let start = byte.as_ptr().cast();
    // SAFETY: the vector is the system's by another name; it is read from.
    let len = unsafe { libc::pwritev2(device.as_raw_fd(), start, 1, -1, libc::RWF_NOWAIT) };
    len >= 0 || crate::last_errno() != libc::EOPNOTSUPP
}

/// # Safety
/// As of [`Batch::run`].
unsafe fn together(
    ring: &mut IoUring,
    device: &File,
    direction: Direction,
    frames: Frames,
) -> Answers {
    let mut answers = [Err(libc::EAGAIN); MOST];
    let fd = Fd(device.as_raw_fd());
    for frame in 0..frames.count {
        let (start, count) = (frames.vectors(frame), frames.vectors as u32);
        let flags = libc::RWF_NOWAIT;
        let entry = match direction {
            Direction::In => opcode::Readv::new(fd, start, count).rw_flags(flags).build(),
            Direction::Out => opcode::Writev::new(fd, start, count)
                .rw_flags(flags)
                .build(),
        };
        // SAFETY: what it says is good until it is done, which is awaited below.
        let pushed = unsafe { ring.submission().push(&entry.user_data(frame as u64)) };
        debug_assert!(pushed.is_ok(), "a list is not longer than the ring");
    }
    let mut left = frames.count;
    while left > 0 {
        rings::submit_and_wait(ring, left);
        for done in ring.completion() {
            let result = done.result();
            answers[done.user_data() as usize % MOST] =
                usize::try_from(result).map_err(|_| -result);
            left -= 1;
        }
    }
    answers
}

/// Up to the first that cannot be done now; none behind it is tried.
///
/// # Safety
/// As of [`Batch::run`].
unsafe fn one_by_one(device: &File, direction: Direction, frames: Frames) -> Answers {
    let mut answers = [Err(libc::EAGAIN); MOST];
    let (fd, count) = (device.as_raw_fd(), frames.vectors as i32);
    for (frame, answer) in answers.iter_mut().take(frames.count).enumerate() {
        let start = frames.vectors(frame);
        *answer = loop {
            // SAFETY: as is asked of the caller.
            let len = unsafe {
                match direction {
                    Direction::In => libc::readv(fd, start, count),
                    Direction::Out => libc::writev(fd, start, count),
                }
            };
            match (usize::try_from(len), crate::last_errno()) {
                (Ok(len), _) => break Ok(len),
                (Err(_), libc::EINTR) => {}
                (Err(_), errno) => break Err(errno),
            }
        };
        if answer.is_err() {
            break;
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// Datagrams have borders as frames have.
    fn ends() -> [File; 2] {
        let (one, other) = UnixDatagram::pair().unwrap();
        [one, other].map(|end| {
            end.set_nonblocking(true).unwrap();
            File::from(OwnedFd::from(end))
        })
    }

    /// Sends frames that tell their number, `most` at a time, until one is refused: how many went.
    fn send(batch: &Batch, device: &File, most: usize) -> u16 {
        let mut sent = 0;
        loop {
            let numbers: Vec<[u8; 2]> = (0..most as u16)
                .map(|at| (sent + at).to_le_bytes())
                .collect();
            let frames = numbers.iter().map(|number| [&b"head"[..], &number[..]]);
            let frames: Vec<_> = frames.map(|frame| frame.map(IoSlice::new)).collect();
            let answers = batch.write(device, &frames, usize::from(sent == 0));
            for answer in &answers[..most] {
                match answer {
                    Ok(len) => assert_eq!(*len, if sent < most as u16 { 2 } else { 6 }),
                    Err(error) => {
                        assert_eq!(*error, libc::EAGAIN);
                        return sent;
                    }
                }
                sent += 1;
            }
        }
    }

    #[test]
    fn frames_go_in_order_with_a_ring_and_without() {
        for has_ring in [true, false] {
            for most in [1, 3, MOST] {
                let [from, to] = ends();
                let batch = match has_ring {
                    true => Batch::new(&from),
                    false => Batch::without_a_ring(),
                };
                let mut probe = [0];
                let _ = (&to).read(&mut probe);
                if has_ring && batch.0.is_none() {
                    eprintln!("skipped: the system gives no ring");
                    continue;
                }
                let sent = send(&batch, &from, most);
                assert!(sent > 0);
                let mut received = 0;
                while received < sent {
                    let mut bytes = [[0_u8; 8]; MOST];
                    let mut frames = bytes.each_mut().map(|bytes| {
                        let (number, rest) = bytes.split_at_mut(4);
                        [
                            IoSliceMut::new(number),
                            IoSliceMut::new(rest),
                            IoSliceMut::new(&mut []),
                        ]
                    });
                    let answers = batch.read(&to, &mut frames[..most], 0);
                    for (answer, bytes) in answers[..most].iter().zip(bytes) {
                        if received == sent {
                            assert_eq!(*answer, Err(libc::EAGAIN));
                            continue;
                        }
                        let len = answer.unwrap();
                        assert_eq!(bytes[len - 2..len], received.to_le_bytes());
                        received += 1;
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_cut_to_fit_is_told_by_its_length() {
        let [from, to] = ends();
        let batch = Batch::without_a_ring();
        for long in [&b"12345"[..], b"1"] {
            assert_eq!((&from).write(long).unwrap(), long.len());
        }
        let mut bytes = [[0_u8; 3]; 2];
        let mut frames = bytes.each_mut().map(|bytes| {
            let (head, rest) = bytes.split_at_mut(1);
            let (rest, excess) = rest.split_at_mut(1);
            [head, rest, excess].map(IoSliceMut::new)
        });
        let answers = batch.read(&to, &mut frames, 1);
        assert_eq!(answers[..2], [Ok(2), Ok(1)]);
        assert_eq!(bytes, [[0, b'1', b'2'], [0, b'1', 0]]);
    }
}
