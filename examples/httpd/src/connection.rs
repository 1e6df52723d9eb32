//! One connection: a state machine that never waits.

use alloc::vec::Vec;

use rump::net::{Shutdown, TcpStream};
use rump::poll::Interest;
use rump::{Errno, Result};

use crate::request::{self, MAX_HEAD};
use crate::response::{self, Response};
use crate::site::Site;

/// How much is moved at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// How many chunks a connection may send before others have their turn.
const TURN: usize = 8;

/// How much of what a client still sends is thrown away after the last answer, in bytes.
const DRAIN: usize = 1 << 20;

/// What a connection is made of.
pub(crate) trait Transport {
    fn read(&self, buffer: &mut [u8]) -> Result<usize>;
    fn write(&self, buffer: &[u8]) -> Result<usize>;
    /// Says that nothing more will be written.
    fn finish(&self) -> Result<()>;
}

impl Transport for TcpStream {
    fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        TcpStream::read(self, buffer)
    }

    fn write(&self, buffer: &[u8]) -> Result<usize> {
        TcpStream::write(self, buffer)
    }

    fn finish(&self) -> Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// What a connection is at.
enum State {
    /// A request comes.
    Reading,
    /// An answer goes: this response, from its byte `sent` on.
    Writing { response: Response, sent: u64 },
    /// Everything is said. What the client still sends is thrown away: closing with unread data resets
    /// the connection, and the last answer might get lost on it.
    Draining { left: usize },
}

/// A connection. Both its buffers are empty, and not even allocated, while it is idle.
pub(crate) struct Connection<T> {
    pub(crate) transport: T,
    /// What was received and not understood yet; never more than a request's head and what came in one
    /// piece with its end.
    input: Vec<u8>,
    state: State,
}

/// What a connection needs to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This to happen.
    Wait(Interest),
    /// Nothing: it is at its end.
    Close,
}

impl<T: Transport> Connection<T> {
    pub(crate) fn new(transport: T) -> Self {
        Connection {
            transport,
            input: Vec::new(),
            state: State::Reading,
        }
    }

    /// Goes on as far as it can, or as its turn lasts. `scratch` is [`CHUNK`] bytes for the time of the call.
    pub(crate) fn advance(&mut self, scratch: &mut [u8], site: &Site) -> Next {
        let mut turns = TURN;
        loop {
            let step = match &mut self.state {
                State::Reading => self.read(scratch, site),
                State::Writing { .. } if turns == 0 => return Next::Wait(Interest::WRITE),
                State::Writing { .. } => {
                    turns -= 1;
                    self.write(scratch)
                }
                State::Draining { .. } => self.drain(scratch),
            };
            if let Some(next) = step {
                return next;
            }
        }
    }

    /// Understands what was received, or receives more.
    fn read(&mut self, scratch: &mut [u8], site: &Site) -> Option<Next> {
        let response = match request::parse(&self.input) {
            Ok(Some((request, len))) => {
                self.input.drain(..len);
                response::answer(&request, site)
            }
            Ok(None) => {
                let count = match self.transport.read(&mut scratch[..MAX_HEAD]) {
                    Ok(0) => return Some(Next::Close),
                    Ok(count) => count,
                    Err(errno) => return Some(unless_later(errno, Interest::READ)),
                };
                if self.input.try_reserve(count).is_err() {
                    return Some(Next::Close);
                }
                self.input.extend_from_slice(&scratch[..count]);
                return None;
            }
            Err(bad) => response::refuse(bad),
        };
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        self.state = State::Writing { response, sent: 0 };
        None
    }

    /// Sends a piece of the answer.
    fn write(&mut self, scratch: &mut [u8]) -> Option<Next> {
        let State::Writing { response, sent } = &mut self.state else {
            return None;
        };
        let head = response.bytes.len() as u64;
        let piece: &[u8] = if *sent < head {
            &response.bytes[*sent as usize..]
        } else {
            let position = *sent - head;
            let len = (response.stream - position).min(scratch.len() as u64) as usize;
            // What the connection does not take is made once more: that is cheaper than to keep it.
            match response.source.fill(position, &mut scratch[..len]) {
                Some(len) => &scratch[..len],
                // The client was promised more: it hears of that by the end.
                None => return Some(Next::Close),
            }
        };
        match self.transport.write(piece) {
            Ok(count) => *sent += count as u64,
            Err(errno) => return Some(unless_later(errno, Interest::WRITE)),
        }
        if *sent == head + response.stream {
            if response.keep_alive {
                self.state = State::Reading;
            } else {
                self.state = State::Draining { left: DRAIN };
                if self.transport.finish().is_err() {
                    return Some(Next::Close);
                }
            }
        }
        None
    }

    fn drain(&mut self, scratch: &mut [u8]) -> Option<Next> {
        self.input = Vec::new();
        let State::Draining { left } = &mut self.state else {
            return None;
        };
        match self.transport.read(scratch) {
            Ok(count) if count > 0 && count < *left => {
                *left -= count;
                None
            }
            Ok(_) => Some(Next::Close),
            Err(errno) => Some(unless_later(errno, Interest::READ)),
        }
    }
}

/// What an error of the transport means: that it goes on later, or not at all.
fn unless_later(errno: Errno, interest: Interest) -> Next {
    match errno {
        Errno::EAGAIN => Next::Wait(interest),
        _ => Next::Close,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream;
    use alloc::collections::VecDeque;
    use alloc::string::String;
    use alloc::vec;
    use core::cell::RefCell;

    /// A client that sends these pieces, takes so much a time, and remembers.
    #[derive(Default)]
    struct Client {
        sends: RefCell<VecDeque<&'static [u8]>>,
        takes: RefCell<VecDeque<usize>>,
        got: RefCell<Vec<u8>>,
        finished: RefCell<bool>,
    }

    impl Transport for Client {
        fn read(&self, buffer: &mut [u8]) -> Result<usize> {
            let piece = self.sends.borrow_mut().pop_front().ok_or(Errno::EAGAIN)?;
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }

        fn write(&self, buffer: &[u8]) -> Result<usize> {
            let limit = match self.takes.borrow_mut().pop_front() {
                Some(0) => return Err(Errno::EAGAIN),
                Some(limit) => limit,
                None => usize::MAX,
            };
            let count = limit.min(buffer.len());
            self.got.borrow_mut().extend_from_slice(&buffer[..count]);
            Ok(count)
        }

        fn finish(&self) -> Result<()> {
            *self.finished.borrow_mut() = true;
            Ok(())
        }
    }

    fn connection(sends: &[&'static [u8]]) -> Connection<Client> {
        let client = Client::default();
        client.sends.borrow_mut().extend(sends);
        Connection::new(client)
    }

    fn got(connection: &Connection<Client>) -> String {
        String::from_utf8_lossy(&connection.transport.got.take()).into()
    }

    const READ: Next = Next::Wait(Interest::READ);
    const WRITE: Next = Next::Wait(Interest::WRITE);

    #[test]
    fn serves_requests_that_come_in_pieces_and_together() {
        let mut scratch = vec![0; CHUNK];
        let mut connection = connection(&[b"GET /x HTT", b"P/1.1\r\nHost: a\r\n\r\n"]);
        assert_eq!(connection.advance(&mut scratch, &Site::default()), READ);
        assert!(got(&connection).starts_with("HTTP/1.1 404 "));
        connection.transport.sends.borrow_mut().push_back(
            b"GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /bytes/1 HTTP/1.1\r\nHost: a\r\n\r\n",
        );
        assert_eq!(connection.advance(&mut scratch, &Site::default()), READ);
        let both = got(&connection);
        assert_eq!(both.matches("HTTP/1.1 ").count(), 2);
        assert!(both.contains("Content-Length: 1\r\n"));
        assert_eq!(
            connection.input.capacity(),
            0,
            "an idle connection has no buffer"
        );
    }

    #[test]
    fn a_stream_is_whole_however_slowly_it_is_taken() {
        let mut scratch = vec![0; CHUNK];
        let mut connection = connection(&[b"GET /bytes/200k HTTP/1.1\r\nHost: a\r\n\r\n"]);
        connection
            .transport
            .takes
            .borrow_mut()
            .extend([7, 0, 1000, 0, 33333, 0, 1, 0]);
        for _ in 0..4 {
            assert_eq!(connection.advance(&mut scratch, &Site::default()), WRITE);
        }
        assert_eq!(connection.advance(&mut scratch, &Site::default()), READ);
        let got = connection.transport.got.take();
        let head = got.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let mut expected = vec![0; 200 << 10];
        stream::fill(0, &mut expected);
        assert!(got[head..] == expected);
    }

    #[test]
    fn others_have_their_turn_during_a_long_stream() {
        let mut scratch = vec![0; CHUNK];
        let mut connection = connection(&[b"GET /bytes/1G HTTP/1.1\r\nHost: a\r\n\r\n"]);
        assert_eq!(connection.advance(&mut scratch, &Site::default()), WRITE);
        assert!(connection.transport.got.take().len() <= TURN * CHUNK);
    }

    #[test]
    fn a_bad_request_is_answered_and_the_rest_thrown_away() {
        let mut scratch = vec![0; CHUNK];
        let mut connection = connection(&[b"\0\0\0\0", b"more", b""]);
        assert_eq!(
            connection.advance(&mut scratch, &Site::default()),
            Next::Close
        );
        assert!(got(&connection).starts_with("HTTP/1.1 400 "));
        assert!(connection.transport.finished.take());
        assert!(connection.transport.sends.borrow().is_empty());
    }
}
