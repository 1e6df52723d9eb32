//! Socket addresses.

use core::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::{Errno, consts::*};

/// A socket address, whatever its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SockAddr {
    /// No address: the family `AF_UNSPEC`, and the peer's name on a connection that has none.
    Unspec,
    /// IPv4.
    Inet(SocketAddrV4),
    /// IPv4, named in as much room as an IPv6 address takes. A socket that wants one of those tells it from
    /// what is too short for one.
    InetLong(SocketAddrV4),
    /// IPv6.
    Inet6(SocketAddrV6),
    /// A family that is decoded by whoever serves it.
    Other {
        /// The address family.
        family: u16,
        /// What follows the family.
        data: [u8; 126],
        /// How much of `data` counts.
        len: u8,
    },
}

impl SockAddr {
    /// The address family, `AF_…`.
    pub fn family(&self) -> u16 {
        match self {
            SockAddr::Unspec => AF_UNSPEC,
            SockAddr::Inet(_) | SockAddr::InetLong(_) => AF_INET,
            SockAddr::Inet6(_) => AF_INET6,
            SockAddr::Other { family, .. } => *family,
        }
    }

    /// The Internet address, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            SockAddr::Inet(address) | SockAddr::InetLong(address) => Some(SocketAddr::V4(*address)),
            SockAddr::Inet6(address) => Some(SocketAddr::V6(*address)),
            _ => None,
        }
    }
}

impl From<SocketAddr> for SockAddr {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => SockAddr::Inet(address),
            SocketAddr::V6(address) => SockAddr::Inet6(address),
        }
    }
}

impl From<(IpAddr, u16)> for SockAddr {
    fn from((address, port): (IpAddr, u16)) -> Self {
        SocketAddr::new(address, port).into()
    }
}

/// A socket address the call reads; `None` where the caller gave a null pointer.
#[derive(Clone, Copy, Debug)]
pub struct SockAddrIn(Result<Option<SockAddr>, Errno>);

impl SockAddrIn {
    /// A decoded address, or why there is none.
    pub fn new(address: Result<Option<SockAddr>, Errno>) -> Self {
        SockAddrIn(address)
    }

    /// The address of a call that must have one.
    pub fn get(&self) -> Result<SockAddr, Errno> {
        self.0?.ok_or(Errno::EFAULT)
    }

    /// The address of a call that may have one.
    pub fn optional(&self) -> Result<Option<SockAddr>, Errno> {
        self.0
    }
}

impl From<SockAddr> for SockAddrIn {
    fn from(address: SockAddr) -> Self {
        SockAddrIn(Ok(Some(address)))
    }
}

/// Where the call puts a socket address, if the caller wants one.
pub struct SockAddrOut<'a>(Option<&'a mut Option<SockAddr>>);

impl<'a> SockAddrOut<'a> {
    /// A place for an address.
    pub fn new(place: Option<&'a mut Option<SockAddr>>) -> Self {
        SockAddrOut(place)
    }

    /// `EFAULT` if the caller wants none: of a call that is for nothing else.
    pub fn require(&self) -> Result<(), Errno> {
        self.0.as_ref().map(|_| ()).ok_or(Errno::EFAULT)
    }

    /// Puts the address there.
    pub fn put(&mut self, address: SockAddr) {
        if let Some(place) = &mut self.0 {
            **place = Some(address);
        }
    }
}
