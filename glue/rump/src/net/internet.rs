//! What is the Internet's about a socket: its addresses, and how far packets go.

use core::net::SocketAddr;

use syscall::SockAddr;
use syscall::consts::*;

use crate::socket::Socket;
use crate::{Errno, Kernel, Result};

/// A socket for addresses of this family.
pub(crate) fn socket(kernel: &Kernel, address: SocketAddr, kind: u32) -> Result<Socket> {
    let domain = match address {
        SocketAddr::V4(_) => AF_INET,
        SocketAddr::V6(_) => AF_INET6,
    };
    Socket::new(kernel, domain, kind)
}

/// The Internet address a call told.
pub(crate) fn address(told: Option<SockAddr>) -> Result<SocketAddr> {
    told.and_then(|address| address.ip())
        .ok_or(Errno::EAFNOSUPPORT)
}

/// Level and name of the option that limits how far packets go.
fn hops(socket: &Socket) -> Result<(u32, u32)> {
    Ok(match address(socket.local_address()?)? {
        SocketAddr::V4(_) => (IPPROTO_IP, IP_TTL),
        SocketAddr::V6(_) => (IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    })
}

pub(crate) fn set_ttl(socket: &Socket, ttl: u32) -> Result<()> {
    let (level, name) = hops(socket)?;
    socket.set_number(level, name, ttl)
}

pub(crate) fn ttl(socket: &Socket) -> Result<u32> {
    let (level, name) = hops(socket)?;
    socket.number(level, name)
}

/// The methods every kind of Internet socket has; each is a tuple struct around a [`Socket`].
macro_rules! internet {
    ($Name:ident) => {
        impl $Name {
            /// The address of this end.
            pub fn local_addr(&self) -> crate::Result<core::net::SocketAddr> {
                super::internet::address(self.0.local_address()?)
            }

            /// Limits how many routers a packet passes.
            pub fn set_ttl(&self, ttl: u32) -> crate::Result<()> {
                super::internet::set_ttl(&self.0, ttl)
            }

            /// How many routers a packet passes at most.
            pub fn ttl(&self) -> crate::Result<u32> {
                super::internet::ttl(&self.0)
            }
        }
    };
}
pub(crate) use internet;
