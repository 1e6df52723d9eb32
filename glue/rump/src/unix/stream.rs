//! Streams and listeners.

use syscall::consts::*;

use super::{SocketAddr, pair};
use crate::socket::{Socket, common, stream};
use crate::{Kernel, Result};

/// A socket that accepts connections.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// let listener = rump::unix::UnixListener::bind(kernel, "/run/echo")?;
/// for stream in listener.incoming() {
///     stream?.write_all(b"hello\n")?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct UnixListener(Socket);

/// A connection.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// let (one, other) = rump::unix::UnixStream::pair(kernel)?;
/// one.write_all(b"hello")?;
/// let mut buffer = [0; 5];
/// other.read_exact(&mut buffer)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct UnixStream(Socket);

common!(UnixListener);
common!(UnixStream);
stream!(UnixStream);

/// Who is on the other side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UCred {
    /// The process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

impl UnixListener {
    /// Accepts connections to a path, which is free again when the listener is dropped.
    pub fn bind(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Self> {
        Self::bind_addr(kernel, &SocketAddr::from_pathname(path)?)
    }

    /// Accepts connections to a name.
    pub fn bind_addr(kernel: &Kernel, address: &SocketAddr) -> Result<Self> {
        let socket = Socket::new(kernel, AF_UNIX, SOCK_STREAM)?;
        socket.bind(address.get())?;
        socket.listen()?;
        Ok(UnixListener(socket))
    }

    /// Accepts a connection, and says whose.
    pub fn accept(&self) -> Result<(UnixStream, SocketAddr)> {
        let (stream, peer) = self.0.accept()?;
        Ok((UnixStream(stream), SocketAddr::told(peer)))
    }

    /// The connections to come, without end.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming(self)
    }

    /// The name.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.0.local_address().map(SocketAddr::told)
    }
}

/// The connections a listener accepts, one after the other, without end.
#[derive(Debug)]
pub struct Incoming<'a>(&'a UnixListener);

impl Iterator for Incoming<'_> {
    type Item = Result<UnixStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }
}

impl UnixStream {
    /// Connects to a path.
    pub fn connect(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Self> {
        Self::connect_addr(kernel, &SocketAddr::from_pathname(path)?)
    }

    /// Connects to a name.
    pub fn connect_addr(kernel: &Kernel, address: &SocketAddr) -> Result<Self> {
        let socket = Socket::new(kernel, AF_UNIX, SOCK_STREAM)?;
        socket.connect(address.get())?;
        Ok(UnixStream(socket))
    }

    /// Two streams that are connected to each other.
    pub fn pair(kernel: &Kernel) -> Result<(Self, Self)> {
        let (one, other) = pair(kernel, SOCK_STREAM)?;
        Ok((UnixStream(one), UnixStream(other)))
    }

    /// The name of this end.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.0.local_address().map(SocketAddr::told)
    }

    /// The name of the other end.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.0.peer_address().map(SocketAddr::told)
    }

    /// Who is on the other side.
    pub fn peer_cred(&self) -> Result<UCred> {
        let value: [u8; 12] = self.0.bytes(SOL_SOCKET, SO_PEERCRED)?;
        let (words, _) = value.as_chunks();
        let [pid, uid, gid] = [0, 1, 2].map(|at| u32::from_ne_bytes(words[at]));
        let pid = pid as i32;
        Ok(UCred { pid, uid, gid })
    }
}
