//! Streams and listeners.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use sockets::syscalls;
use syscall::SockAddrOut;
use syscall::consts::*;

use super::Shutdown;
use super::socket::{Socket, common, internet};
use crate::descriptor::Descriptor;
use crate::{Errno, Kernel, Result};

/// Connections that may wait to be accepted: as many as the kernel allows.
const BACKLOG: i32 = SOMAXCONN as i32;

/// The step [`TcpStream::read_to_end`] grows its buffer by at the beginning.
const CHUNK: usize = 16 * 1024;

/// A socket that accepts connections.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// let listener = rump::net::TcpListener::bind(kernel, ([127, 0, 0, 1], 8080))?;
/// for stream in listener.incoming() {
///     stream?.write_all(b"hello\n")?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TcpListener(Socket);

/// A connection.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// use rump::net::{Shutdown, TcpStream};
///
/// let stream = TcpStream::connect(kernel, ([10, 0, 0, 1], 80))?;
/// stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// stream.shutdown(Shutdown::Write)?;
/// let mut page = Vec::new();
/// stream.read_to_end(&mut page)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TcpStream(Socket);

common!(TcpListener);
common!(TcpStream);

impl TcpListener {
    /// Accepts connections to `address`; port zero: any that is free. The address is reusable at once
    /// after a listener is gone. `[::]` accepts IPv4, too.
    pub fn bind(kernel: &Kernel, address: impl Into<SocketAddr>) -> Result<Self> {
        let address = address.into();
        let socket = Socket::new(kernel, address, SOCK_STREAM)?;
        socket.set_number(SOL_SOCKET, SO_REUSEADDR, 1)?;
        socket.bind(address)?;
        socket
            .0
            .call(|lwp, fd| syscalls::listen(lwp, fd, BACKLOG))?;
        Ok(TcpListener(socket))
    }

    /// Accepts a connection, and says whose.
    pub fn accept(&self) -> Result<(TcpStream, SocketAddr)> {
        let listener = &self.0.0;
        let mut peer = None;
        let stream = Descriptor::open(listener.kernel(), |lwp| {
            let place = SockAddrOut::new(Some(&mut peer));
            syscalls::accept4(lwp, listener.fd(), place, SOCK_CLOEXEC as i32)
        })?;
        Ok((TcpStream(Socket(stream)), internet(peer)?))
    }

    /// The connections to come, without end.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming(self)
    }
}

/// The connections a listener accepts, one after the other, without end.
#[derive(Debug)]
pub struct Incoming<'a>(&'a TcpListener);

impl Iterator for Incoming<'_> {
    type Item = Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }
}

impl TcpStream {
    /// Connects.
    pub fn connect(kernel: &Kernel, address: impl Into<SocketAddr>) -> Result<Self> {
        let address = address.into();
        let socket = Socket::new(kernel, address, SOCK_STREAM)?;
        socket.connect(address)?;
        Ok(TcpStream(socket))
    }

    /// Connects within a span of time: `ETIMEDOUT`.
    pub fn connect_timeout(
        kernel: &Kernel,
        address: impl Into<SocketAddr>,
        span: Duration,
    ) -> Result<Self> {
        let address = address.into();
        let socket = Socket::new(kernel, address, SOCK_STREAM)?;
        socket.set_timeout(SO_SNDTIMEO, Some(span))?;
        match socket.connect(address) {
            Err(Errno::EINPROGRESS) => return Err(Errno::ETIMEDOUT),
            other => other?,
        }
        socket.set_timeout(SO_SNDTIMEO, None)?;
        Ok(TcpStream(socket))
    }

    /// Begins to connect and does not wait: the stream is nonblocking, and writable once it is
    /// connected or has failed, which [`take_error`](Self::take_error) tells.
    pub fn connect_nonblocking(kernel: &Kernel, address: impl Into<SocketAddr>) -> Result<Self> {
        let address = address.into();
        let socket = Socket::new(kernel, address, SOCK_STREAM | SOCK_NONBLOCK)?;
        match socket.connect(address) {
            Ok(()) | Err(Errno::EINPROGRESS) => Ok(TcpStream(socket)),
            Err(errno) => Err(errno),
        }
    }

    /// Reads into `buffer`: how many bytes, zero at the end.
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.0.0.read(buffer)
    }

    /// Fills `buffer`. `ECONNRESET` if the stream ends before.
    pub fn read_exact(&self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer)? {
                0 => return Err(Errno::ECONNRESET),
                count => buffer = &mut buffer[count..],
            }
        }
        Ok(())
    }

    /// Reads until the peer writes no more, and appends to `buffer`: how many bytes.
    pub fn read_to_end(&self, buffer: &mut Vec<u8>) -> Result<usize> {
        let start = buffer.len();
        let mut end = start;
        let result = loop {
            if end == buffer.len() {
                let grow = (end - start).max(CHUNK);
                if buffer.try_reserve(grow).is_err() {
                    break Err(Errno::ENOMEM);
                }
                buffer.resize(end + grow, 0);
            }
            match self.read(&mut buffer[end..]) {
                Ok(0) => break Ok(end - start),
                Ok(count) => end += count,
                Err(errno) => break Err(errno),
            }
        };
        buffer.truncate(end);
        result
    }

    /// Receives without taking: the next read gets the same bytes again.
    pub fn peek(&self, buffer: &mut [u8]) -> Result<usize> {
        self.0.receive(buffer, MSG_PEEK)
    }

    /// Writes from `buffer`: how many bytes. Unless the stream is nonblocking, that is all of them.
    #[inline]
    pub fn write(&self, buffer: &[u8]) -> Result<usize> {
        self.0.0.write(buffer)
    }

    /// Writes all of `buffer`.
    pub fn write_all(&self, mut buffer: &[u8]) -> Result<()> {
        while !buffer.is_empty() {
            let count = self.write(buffer)?;
            buffer = &buffer[count..];
        }
        Ok(())
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.0.peer_addr()
    }

    /// Ends one or both directions.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        let how = match how {
            Shutdown::Read => SHUT_RD,
            Shutdown::Write => SHUT_WR,
            Shutdown::Both => SHUT_RDWR,
        };
        self.0
            .0
            .call(|lwp, fd| syscalls::shutdown(lwp, fd, how as i32))
    }

    /// Says whether small writes are sent at once instead of gathered.
    pub fn set_nodelay(&self, nodelay: bool) -> Result<()> {
        self.0.set_number(IPPROTO_TCP, TCP_NODELAY, nodelay.into())
    }

    /// Whether small writes are sent at once.
    pub fn nodelay(&self) -> Result<bool> {
        Ok(self.0.number(IPPROTO_TCP, TCP_NODELAY)? != 0)
    }

    /// Has the drop of the stream wait for the last data to arrive, at most so long (in whole seconds);
    /// zero: has it reset the connection. `None`: the kernel sends the last data by itself.
    pub fn set_linger(&self, span: Option<Duration>) -> Result<()> {
        let (on, seconds) = span.map_or((0, 0), |span| (1, span.as_secs()));
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let mut value = [0; 8];
        value[..4].copy_from_slice(&i32::to_ne_bytes(on));
        value[4..].copy_from_slice(&seconds.to_ne_bytes());
        self.0.set_bytes(SOL_SOCKET, SO_LINGER, &value)
    }
}
