//! Datagrams.

#[cfg(feature = "multicast")]
mod groups;

use core::net::SocketAddr;

use syscall::consts::*;

use super::internet;
use super::internet::internet;
use crate::socket::{Socket, common};
use crate::{Kernel, Result};

/// A socket for datagrams.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// let socket = rump::net::UdpSocket::bind(kernel, ([0, 0, 0, 0], 7))?;
/// let mut buffer = [0; 1500];
/// loop {
///     let (count, from) = socket.recv_from(&mut buffer)?;
///     socket.send_to(&buffer[..count], from)?;
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct UdpSocket(Socket);

common!(UdpSocket);
internet!(UdpSocket);

impl UdpSocket {
    /// A socket with this address; port zero: any that is free.
    pub fn bind(kernel: &Kernel, address: impl Into<SocketAddr>) -> Result<Self> {
        let address = address.into();
        let socket = internet::socket(kernel, address, SOCK_DGRAM)?;
        socket.bind(address.into())?;
        Ok(UdpSocket(socket))
    }

    /// Says where [`send`](Self::send) sends to; only what comes from there is received.
    pub fn connect(&self, address: impl Into<SocketAddr>) -> Result<()> {
        self.0.connect(address.into().into())
    }

    /// Sends a datagram to an address.
    pub fn send_to(&self, data: &[u8], to: impl Into<SocketAddr>) -> Result<usize> {
        self.0.send_to(data, to.into().into())
    }

    /// Receives a datagram, and says from whom. What `buffer` has no room for is lost.
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        self.receive_from(buffer, 0)
    }

    /// Receives a datagram without taking it.
    pub fn peek_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        self.receive_from(buffer, MSG_PEEK)
    }

    fn receive_from(&self, buffer: &mut [u8], flags: u32) -> Result<(usize, SocketAddr)> {
        let (count, from) = self.0.receive_from(buffer, flags)?;
        Ok((count, internet::address(from)?))
    }

    /// Sends a datagram to where the socket is connected.
    pub fn send(&self, data: &[u8]) -> Result<usize> {
        self.0.send(data)
    }

    /// Receives a datagram.
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.0.receive(buffer, 0)
    }

    /// The address the socket is connected to.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        internet::address(self.0.peer_address()?)
    }

    /// Says whether datagrams may go to everybody on a link.
    pub fn set_broadcast(&self, broadcast: bool) -> Result<()> {
        self.0
            .set_number(SOL_SOCKET, SO_BROADCAST, broadcast.into())
    }

    /// Whether datagrams may go to everybody on a link.
    pub fn broadcast(&self) -> Result<bool> {
        Ok(self.0.number(SOL_SOCKET, SO_BROADCAST)? != 0)
    }
}
