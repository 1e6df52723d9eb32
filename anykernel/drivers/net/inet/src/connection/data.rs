//! The bytes of a connection: written, read, looked at, thrown away.

use alloc::vec;

use base::Errno;
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::TcpSeqNumber;
use syscall::{UioIn, UioOut};

use super::{Connection, expected};

impl Connection {
    /// Bytes that can be read.
    pub(crate) fn readable(&self) -> usize {
        self.socket().recv_queue()
    }

    /// Bytes of room for writing, and of how many.
    pub(crate) fn room(&self) -> (usize, usize) {
        let socket = self.socket();
        let capacity = socket.send_capacity();
        (capacity - socket.send_queue(), capacity)
    }

    /// Takes as much of `data` as there is room for, which `more` may follow soon.
    pub(crate) fn write(&mut self, data: &mut UioIn<'_>, more: bool) -> Result<usize, Errno> {
        self.more = more;
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        let mut total = 0;
        while data.remaining() > 0 {
            let taken = socket.send(|space| match data.take(space) {
                Ok(len) => (len, Ok(len)),
                Err(errno) => (0, Err(errno)),
            });
            match taken.map_err(|_| Errno::EPIPE)? {
                Ok(0) => break,
                Ok(len) => total += len,
                Err(_) if total > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(total)
    }

    /// Gives as much of what was received as there is room for.
    pub(crate) fn read(&mut self, data: &mut UioOut<'_>) -> Result<usize, Errno> {
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        let mut total = 0;
        while data.remaining() > 0 && socket.can_recv() {
            let given = socket.recv(|bytes| match data.put(bytes) {
                Ok(len) => (len, Ok(len)),
                Err(errno) => (0, Err(errno)),
            });
            match given.map_err(|_| Errno::EIO)? {
                Ok(len) => total += len,
                Err(_) if total > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        self.device.unread += total;
        Ok(total)
    }

    /// As [`read`](Self::read), but leaves it to be read again.
    pub(crate) fn peek(&mut self, data: &mut UioOut<'_>) -> Result<usize, Errno> {
        let mut bytes = vec![0; data.remaining().min(self.readable())];
        let len = self.socket_mut().peek_slice(&mut bytes).unwrap_or(0);
        data.put(&bytes[..len])
    }

    /// Throws away up to `len` bytes of what was received.
    pub(crate) fn discard(&mut self, len: usize) -> usize {
        let socket = self.sockets.get_mut::<Socket>(self.handle);
        let mut total = 0;
        while total < len && socket.can_recv() {
            let gone = socket.recv(|bytes| {
                let gone = bytes.len().min(len - total);
                (gone, gone)
            });
            total += gone.unwrap_or(0);
        }
        self.device.unread += total;
        total
    }

    /// The number that the peer goes on with.
    pub(super) fn expected(&self) -> TcpSeqNumber {
        expected(self.device.unread, self.socket())
    }
}
