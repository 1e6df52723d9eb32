//! What the kinds of sockets have in common.

use core::net::SocketAddr;
use core::time::Duration;

use sockets::syscalls;
use syscall::consts::*;
use syscall::{OptIn, OptOut, SockAddr, SockAddrOut, UserIn, UserOut};

use crate::descriptor::Descriptor;
use crate::{Errno, Kernel, Result};

/// A socket of an Internet family.
#[derive(Debug)]
pub(crate) struct Socket(pub(crate) Descriptor);

impl Socket {
    /// A socket for addresses of this family.
    pub(crate) fn new(kernel: &Kernel, address: SocketAddr, kind: u32) -> Result<Self> {
        let domain = match address {
            SocketAddr::V4(_) => AF_INET,
            SocketAddr::V6(_) => AF_INET6,
        };
        let kind = (kind | SOCK_CLOEXEC) as i32;
        Descriptor::open(kernel, |lwp| syscalls::socket(lwp, domain.into(), kind, 0)).map(Socket)
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> Result<()> {
        let address = SockAddr::from(address);
        self.0
            .call(|lwp, fd| syscalls::bind(lwp, fd, address.into()))
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> Result<()> {
        let address = SockAddr::from(address);
        self.0
            .call(|lwp, fd| syscalls::connect(lwp, fd, address.into()))
    }

    pub(crate) fn receive(&self, buffer: &mut [u8], flags: u32) -> Result<usize> {
        self.0
            .call(|lwp, fd| syscalls::recv(lwp, fd, buffer.into(), flags as i32))
    }

    pub(crate) fn local_addr(&self) -> Result<SocketAddr> {
        let mut address = None;
        self.0
            .call(|lwp, fd| syscalls::getsockname(lwp, fd, SockAddrOut::new(Some(&mut address))))?;
        internet(address)
    }

    pub(crate) fn peer_addr(&self) -> Result<SocketAddr> {
        let mut address = None;
        self.0
            .call(|lwp, fd| syscalls::getpeername(lwp, fd, SockAddrOut::new(Some(&mut address))))?;
        internet(address)
    }

    pub(crate) fn set_bytes(&self, level: u32, name: u32, value: &[u8]) -> Result<()> {
        let value = OptIn::new(Ok(UserIn::from(value)));
        self.0
            .call(|lwp, fd| syscalls::setsockopt(lwp, fd, level as i32, name as i32, value))
    }

    pub(crate) fn bytes<const N: usize>(&self, level: u32, name: u32) -> Result<[u8; N]> {
        let (mut value, mut len) = ([0; N], 0);
        let place = OptOut::new(Ok(UserOut::from(&mut value[..])), &mut len);
        self.0
            .call(|lwp, fd| syscalls::getsockopt(lwp, fd, level as i32, name as i32, place))?;
        Ok(value)
    }

    pub(crate) fn set_number(&self, level: u32, name: u32, value: u32) -> Result<()> {
        self.set_bytes(level, name, &value.to_ne_bytes())
    }

    pub(crate) fn number(&self, level: u32, name: u32) -> Result<u32> {
        Ok(u32::from_ne_bytes(self.bytes(level, name)?))
    }

    pub(crate) fn set_timeout(&self, name: u32, span: Option<Duration>) -> Result<()> {
        let (seconds, micros) = match span {
            None => (0, 0),
            Some(Duration::ZERO) => return Err(Errno::EINVAL),
            // Never less than asked for, and never nothing, which would mean for ever.
            Some(span) => {
                let micros = span.as_nanos().div_ceil(1000);
                let seconds = i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX);
                (seconds, (micros % 1_000_000) as i64)
            }
        };
        let mut value = [0; 16];
        value[..8].copy_from_slice(&seconds.to_ne_bytes());
        value[8..].copy_from_slice(&micros.to_ne_bytes());
        self.set_bytes(SOL_SOCKET, name, &value)
    }

    pub(crate) fn timeout(&self, name: u32) -> Result<Option<Duration>> {
        let value: [u8; 16] = self.bytes(SOL_SOCKET, name)?;
        let word = |at: usize| value[at..at + 8].try_into().map_or(0, u64::from_ne_bytes);
        let span = Duration::from_secs(word(0)) + Duration::from_micros(word(8));
        Ok((!span.is_zero()).then_some(span))
    }

    /// Level and name of the option that limits how far packets go.
    fn hops(&self) -> Result<(u32, u32)> {
        Ok(match self.local_addr()? {
            SocketAddr::V4(_) => (IPPROTO_IP, IP_TTL),
            SocketAddr::V6(_) => (IPPROTO_IPV6, IPV6_UNICAST_HOPS),
        })
    }

    pub(crate) fn set_ttl(&self, ttl: u32) -> Result<()> {
        let (level, name) = self.hops()?;
        self.set_number(level, name, ttl)
    }

    pub(crate) fn ttl(&self) -> Result<u32> {
        let (level, name) = self.hops()?;
        self.number(level, name)
    }

    pub(crate) fn take_error(&self) -> Result<Option<Errno>> {
        let number = self.number(SOL_SOCKET, SO_ERROR)?;
        Ok((number != 0).then(|| Errno::from_number(number as i32)))
    }
}

/// The Internet address a call told.
pub(crate) fn internet(address: Option<SockAddr>) -> Result<SocketAddr> {
    address
        .and_then(|address| address.ip())
        .ok_or(Errno::EAFNOSUPPORT)
}

/// The methods every kind of socket has; each is a tuple struct around a [`Socket`].
macro_rules! common {
    ($Name:ident) => {
        impl $Name {
            /// The address of this end.
            pub fn local_addr(&self) -> crate::Result<core::net::SocketAddr> {
                self.0.local_addr()
            }

            /// Says whether calls fail with `EAGAIN` instead of waiting.
            pub fn set_nonblocking(&self, nonblocking: bool) -> crate::Result<()> {
                self.0.0.set_nonblocking(nonblocking)
            }

            /// Limits how many routers a packet passes.
            pub fn set_ttl(&self, ttl: u32) -> crate::Result<()> {
                self.0.set_ttl(ttl)
            }

            /// How many routers a packet passes at most.
            pub fn ttl(&self) -> crate::Result<u32> {
                self.0.ttl()
            }

            /// The error that is pending, if one is, and clears it.
            pub fn take_error(&self) -> crate::Result<Option<crate::Errno>> {
                self.0.take_error()
            }

            /// Another handle of the same socket.
            pub fn try_clone(&self) -> crate::Result<Self> {
                self.0.0.try_clone().map(|new| $Name(Socket(new)))
            }

            /// Limits how long receiving (accepting) waits: `EAGAIN` after that. `None`: for ever.
            pub fn set_read_timeout(
                &self,
                span: Option<core::time::Duration>,
            ) -> crate::Result<()> {
                self.0.set_timeout(syscall::consts::SO_RCVTIMEO, span)
            }

            /// How long receiving waits.
            pub fn read_timeout(&self) -> crate::Result<Option<core::time::Duration>> {
                self.0.timeout(syscall::consts::SO_RCVTIMEO)
            }

            /// Limits how long sending waits: `EAGAIN` after that. `None`: for ever.
            pub fn set_write_timeout(
                &self,
                span: Option<core::time::Duration>,
            ) -> crate::Result<()> {
                self.0.set_timeout(syscall::consts::SO_SNDTIMEO, span)
            }

            /// How long sending waits.
            pub fn write_timeout(&self) -> crate::Result<Option<core::time::Duration>> {
                self.0.timeout(syscall::consts::SO_SNDTIMEO)
            }
        }

        impl crate::AsDescriptor for $Name {
            fn as_descriptor(&self) -> &crate::Descriptor {
                &self.0.0
            }
        }
    };
}
pub(crate) use common;
