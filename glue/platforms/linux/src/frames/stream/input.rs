//! From bytes to frames: many with one system call.

use std::io::{Error, ErrorKind, Read};
use std::os::unix::net::UnixStream;

use super::LONGEST;

/// Bytes in front of a frame: its length.
const HEADER: usize = 4;
/// Bytes read at once. The longest frame is among them.
const CAPACITY: usize = 128 * 1024;

/// What was read and is not taken yet.
pub(super) struct Input {
    /// Empty until the first frame comes.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// What comes next.
pub(super) enum Next<'a> {
    /// A frame.
    Frame(&'a [u8]),
    /// Nothing, for now.
    Nothing,
}

impl Input {
    pub(super) fn new() -> Input {
        Input {
            buffer: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    /// The next frame. `Err` if the peer is gone, or announces what no frame can be.
    pub(super) fn next(&mut self, mut socket: &UnixStream) -> Result<Next<'_>, Error> {
        loop {
            if let Some(len) = self.announced()? {
                let start = self.start + HEADER;
                if self.end - start >= len {
                    self.start = start + len;
                    return Ok(Next::Frame(&self.buffer[start..self.start]));
                }
            }
            match socket.read(self.room()) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.end += len,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Nothing),
                Err(error) => return Err(error),
            }
        }
    }

    /// The length of the next frame, once it is known.
    fn announced(&self) -> Result<Option<usize>, Error> {
        let Some(header) = self.buffer[self.start..self.end].first_chunk::<HEADER>() else {
            return Ok(None);
        };
        match u32::from_be_bytes(*header) as usize {
            len if len <= LONGEST => Ok(Some(len)),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Room to read into: there always is some, since less than a whole frame is left.
    fn room(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.is_empty() {
            self.buffer = vec![0; CAPACITY];
        }
        &mut self.buffer[self.end..]
    }

    /// Forgets what was read.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}
