//! Streams and listeners.

use core::net::SocketAddr;
use core::time::Duration;

use syscall::consts::*;

use super::internet;
use super::internet::internet;
use crate::socket::{Socket, common, stream};
use crate::{Errno, Kernel, Result};

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
internet!(TcpListener);
internet!(TcpStream);
stream!(TcpStream);

impl TcpListener {
    /// Accepts connections to `address`; port zero: any that is free. The address is reusable at once
    /// after a listener is gone. `[::]` accepts IPv4, too.
    pub fn bind(kernel: &Kernel, address: impl Into<SocketAddr>) -> Result<Self> {
        let address = address.into();
        let socket = internet::socket(kernel, address, SOCK_STREAM)?;
        socket.set_number(SOL_SOCKET, SO_REUSEADDR, 1)?;
        socket.bind(address.into())?;
        socket.listen()?;
        Ok(TcpListener(socket))
    }

    /// Accepts a connection, and says whose.
    pub fn accept(&self) -> Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.0.accept()?;
        Ok((TcpStream(stream), internet::address(peer)?))
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
        let socket = internet::socket(kernel, address, SOCK_STREAM)?;
        socket.connect(address.into())?;
        Ok(TcpStream(socket))
    }

    /// Connects within a span of time: `ETIMEDOUT`.
    pub fn connect_timeout(
        kernel: &Kernel,
        address: impl Into<SocketAddr>,
        span: Duration,
    ) -> Result<Self> {
        let address = address.into();
        let socket = internet::socket(kernel, address, SOCK_STREAM)?;
        socket.set_timeout(SO_SNDTIMEO, Some(span))?;
        match socket.connect(address.into()) {
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
        let socket = internet::socket(kernel, address, SOCK_STREAM | SOCK_NONBLOCK)?;
        match socket.connect(address.into()) {
            Ok(()) | Err(Errno::EINPROGRESS) => Ok(TcpStream(socket)),
            Err(errno) => Err(errno),
        }
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        internet::address(self.0.peer_address()?)
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
