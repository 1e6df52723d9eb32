//! From frames to bytes: a batch with one system call, and a bounded queue for when the peer is slow.

use std::io::{Error, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use hypercall::Segment;

/// Frames sent with one call; each is two pieces, of which the system takes 1024.
const BATCH: usize = 256;
/// Bytes that may wait for a peer that does not read.
const QUEUE: usize = 512 * 1024;

/// What the socket did not take.
pub(super) struct Output {
    waiting: Vec<u8>,
    /// How many of these bytes were sent since.
    sent: usize,
}

impl Output {
    pub(super) fn new() -> Output {
        Output {
            waiting: Vec::new(),
            sent: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends or queues frames, and says how many: the rest has no room.
    pub(super) fn send(
        &mut self,
        socket: &UnixStream,
        frames: &[Segment<'_>],
    ) -> Result<usize, Error> {
        let mut taken = 0;
        while self.is_empty() && taken < frames.len() {
            let batch = &frames[taken..frames.len().min(taken + BATCH)];
            taken += self.send_batch(socket, batch)?;
        }
        while let Some(frame) = frames.get(taken)
            && self.waiting.len() - self.sent + frame.len() <= QUEUE
        {
            self.queue(frame.as_slice(), 0);
            taken += 1;
        }
        Ok(taken)
    }

    /// Sends frames, and says how many; a started one is finished from the queue. Less than all: the socket
    /// is full, and the queue not empty.
    fn send_batch(&mut self, socket: &UnixStream, batch: &[Segment<'_>]) -> Result<usize, Error> {
        let headers: Vec<[u8; 4]> = batch.iter().map(|frame| header(frame.len())).collect();
        let mut pieces = Vec::with_capacity(batch.len() * 2);
        for (header, frame) in headers.iter().zip(batch) {
            pieces.extend([piece(header), piece(frame.as_slice())]);
        }
        let mut sent = send(socket, &pieces)?;
        for (index, frame) in batch.iter().enumerate() {
            let len = headers[index].len() + frame.len();
            if sent < len {
                self.queue(frame.as_slice(), sent);
                return Ok(index + 1);
            }
            sent -= len;
        }
        Ok(batch.len())
    }

    /// Queues what follows the first `sent` bytes of a frame with its header.
    fn queue(&mut self, frame: &[u8], sent: usize) {
        if self.sent > 0 {
            self.waiting.drain(..self.sent);
            self.sent = 0;
        }
        let header = header(frame.len());
        self.waiting
            .extend_from_slice(&header[sent.min(header.len())..]);
        self.waiting
            .extend_from_slice(&frame[sent.saturating_sub(header.len())..]);
    }

    /// Sends what waits, as far as it goes.
    pub(super) fn flush(&mut self, socket: &UnixStream) -> Result<(), Error> {
        while self.sent < self.waiting.len() {
            match send(socket, &[piece(&self.waiting[self.sent..])])? {
                0 => return Ok(()),
                len => self.sent += len,
            }
        }
        self.clear();
        Ok(())
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.waiting = Vec::new();
        self.sent = 0;
    }
}

fn header(len: usize) -> [u8; 4] {
    (len as u32).to_be_bytes()
}

fn piece(bytes: &[u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    }
}

/// Bytes the socket took of these pieces: none if it is full. A peer that is gone raises no signal.
fn send(socket: &UnixStream, pieces: &[libc::iovec]) -> Result<usize, Error> {
    // SAFETY: the structure is plain data for which zeros are good.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut();
    message.msg_iovlen = pieces.len();
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    loop {
        // SAFETY: the call reads the pieces, which are of slices that live as long as this function's caller
        // holds them.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) };
        if let Ok(sent) = usize::try_from(sent) {
            return Ok(sent);
        }
        let error = Error::last_os_error();
        match error.kind() {
            ErrorKind::Interrupted => {}
            ErrorKind::WouldBlock => return Ok(0),
            _ => return Err(error),
        }
    }
}
