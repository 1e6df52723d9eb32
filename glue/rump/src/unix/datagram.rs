//! Datagrams.

use syscall::consts::*;

use super::{Shutdown, SocketAddr, pair};
use crate::socket::{Socket, common};
use crate::{Kernel, Result};

/// A socket for datagrams.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// let log = rump::unix::UnixDatagram::bind(kernel, "/dev/log")?;
/// rump::unix::UnixDatagram::unbound(kernel)?.send_to(b"hello", "/dev/log")?;
/// let mut buffer = [0; 1500];
/// let (count, from) = log.recv_from(&mut buffer)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct UnixDatagram(Socket);

common!(UnixDatagram);

impl UnixDatagram {
    /// A socket with a path, which is free again when it is dropped.
    pub fn bind(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Self> {
        Self::bind_addr(kernel, &SocketAddr::from_pathname(path)?)
    }

    /// A socket with a name.
    pub fn bind_addr(kernel: &Kernel, address: &SocketAddr) -> Result<Self> {
        let socket = Self::unbound(kernel)?;
        socket.0.bind(address.get())?;
        Ok(socket)
    }

    /// A socket without a name.
    pub fn unbound(kernel: &Kernel) -> Result<Self> {
        Socket::new(kernel, AF_UNIX, SOCK_DGRAM).map(UnixDatagram)
    }

    /// Two sockets that are connected to each other.
    pub fn pair(kernel: &Kernel) -> Result<(Self, Self)> {
        let (one, other) = pair(kernel, SOCK_DGRAM)?;
        Ok((UnixDatagram(one), UnixDatagram(other)))
    }

    /// Says where [`send`](Self::send) sends to; only what comes from there is received.
    pub fn connect(&self, path: impl AsRef<[u8]>) -> Result<()> {
        self.connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// As [`connect`](Self::connect), to a name.
    pub fn connect_addr(&self, address: &SocketAddr) -> Result<()> {
        self.0.connect(address.get())
    }

    /// Sends a datagram to where the socket is connected.
    pub fn send(&self, data: &[u8]) -> Result<usize> {
        self.0.send(data)
    }

    /// Sends a datagram to a path.
    pub fn send_to(&self, data: &[u8], path: impl AsRef<[u8]>) -> Result<usize> {
        self.send_to_addr(data, &SocketAddr::from_pathname(path)?)
    }

    /// Sends a datagram to a name.
    pub fn send_to_addr(&self, data: &[u8], address: &SocketAddr) -> Result<usize> {
        self.0.send_to(data, address.get())
    }

    /// Receives a datagram.
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.0.receive(buffer, 0)
    }

    /// Receives a datagram, and says from whom. What `buffer` has no room for is lost.
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        let (count, from) = self.0.receive_from(buffer, 0)?;
        Ok((count, SocketAddr::told(from)))
    }

    /// Receives a datagram without taking it.
    pub fn peek(&self, buffer: &mut [u8]) -> Result<usize> {
        self.0.receive(buffer, MSG_PEEK)
    }

    /// Ends one or both directions.
    pub fn shutdown(&self, how: Shutdown) -> Result<()> {
        self.0.shutdown(how)
    }

    /// The name of this end.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        self.0.local_address().map(SocketAddr::told)
    }

    /// The name of the other end.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.0.peer_address().map(SocketAddr::told)
    }
}
