//! What all sockets have in common.

use alloc::vec::Vec;
use core::time::Duration;

use sockets::syscalls;
use syscall::consts::*;
use syscall::{OptIn, OptOut, SockAddr, SockAddrOut, UserIn, UserOut};

use crate::descriptor::Descriptor;
use crate::{Errno, Kernel, Result};

/// The step [`Socket::read_to_end`] grows its buffer by at the beginning.
const CHUNK: usize = 16 * 1024;

/// Which directions of a connection to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Receiving.
    Read,
    /// Sending: the peer reads to the end.
    Write,
    /// Both.
    Both,
}

/// A socket of any family.
#[derive(Debug)]
pub(crate) struct Socket(pub(crate) Descriptor);

impl Socket {
    /// A socket of a family and a type, `AF_…` and `SOCK_…`.
    pub(crate) fn new(kernel: &Kernel, domain: u16, kind: u32) -> Result<Self> {
        let kind = (kind | SOCK_CLOEXEC) as i32;
        Descriptor::open(kernel, |lwp| syscalls::socket(lwp, domain.into(), kind, 0)).map(Socket)
    }

    pub(crate) fn bind(&self, address: SockAddr) -> Result<()> {
        self.0
            .call(|lwp, fd| syscalls::bind(lwp, fd, address.into()))
    }

    pub(crate) fn connect(&self, address: SockAddr) -> Result<()> {
        self.0
            .call(|lwp, fd| syscalls::connect(lwp, fd, address.into()))
    }

    /// Accepts as many connections in advance as the kernel allows.
    pub(crate) fn listen(&self) -> Result<()> {
        self.0
            .call(|lwp, fd| syscalls::listen(lwp, fd, SOMAXCONN as i32))
    }

    /// Accepts a connection, and says whose.
    pub(crate) fn accept(&self) -> Result<(Socket, Option<SockAddr>)> {
        let mut peer = None;
        let accepted = Descriptor::open(self.0.kernel(), |lwp| {
            let place = SockAddrOut::new(Some(&mut peer));
            syscalls::accept4(lwp, self.0.fd(), place, SOCK_CLOEXEC as i32)
        })?;
        Ok((Socket(accepted), peer))
    }

    pub(crate) fn send(&self, data: &[u8]) -> Result<usize> {
        self.0
            .call(|lwp, fd| syscalls::send(lwp, fd, data.into(), 0))
    }

    pub(crate) fn send_to(&self, data: &[u8], to: SockAddr) -> Result<usize> {
        self.0
            .call(|lwp, fd| syscalls::sendto(lwp, fd, data.into(), 0, to.into()))
    }

    /// Receives, and says from whom, if the sender has an address.
    pub(crate) fn receive_from(
        &self,
        buffer: &mut [u8],
        flags: u32,
    ) -> Result<(usize, Option<SockAddr>)> {
        let mut from = None;
        let count = self.0.call(|lwp, fd| {
            let place = SockAddrOut::new(Some(&mut from));
            syscalls::recvfrom(lwp, fd, buffer.into(), flags as i32, place)
        })?;
        Ok((count, from))
    }

    pub(crate) fn read_exact(&self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            match self.0.read(buffer)? {
                0 => return Err(Errno::ECONNRESET),
                count => buffer = &mut buffer[count..],
            }
        }
        Ok(())
    }

    pub(crate) fn read_to_end(&self, buffer: &mut Vec<u8>) -> Result<usize> {
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
            match self.0.read(&mut buffer[end..]) {
                Ok(0) => break Ok(end - start),
                Ok(count) => end += count,
                Err(errno) => break Err(errno),
            }
        };
        buffer.truncate(end);
        result
    }

    pub(crate) fn write_all(&self, mut buffer: &[u8]) -> Result<()> {
        while !buffer.is_empty() {
            let count = self.0.write(buffer)?;
            buffer = &buffer[count..];
        }
        Ok(())
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> Result<()> {
        let how = match how {
            Shutdown::Read => SHUT_RD,
            Shutdown::Write => SHUT_WR,
            Shutdown::Both => SHUT_RDWR,
        };
        self.0
            .call(|lwp, fd| syscalls::shutdown(lwp, fd, how as i32))
    }

    pub(crate) fn receive(&self, buffer: &mut [u8], flags: u32) -> Result<usize> {
        self.0
            .call(|lwp, fd| syscalls::recv(lwp, fd, buffer.into(), flags as i32))
    }

    pub(crate) fn local_address(&self) -> Result<Option<SockAddr>> {
        let mut address = None;
        self.0
            .call(|lwp, fd| syscalls::getsockname(lwp, fd, SockAddrOut::new(Some(&mut address))))?;
        Ok(address)
    }

    pub(crate) fn peer_address(&self) -> Result<Option<SockAddr>> {
        let mut address = None;
        self.0
            .call(|lwp, fd| syscalls::getpeername(lwp, fd, SockAddrOut::new(Some(&mut address))))?;
        Ok(address)
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

    #[cfg(feature = "net")]
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

    pub(crate) fn take_error(&self) -> Result<Option<Errno>> {
        let number = self.number(SOL_SOCKET, SO_ERROR)?;
        Ok((number != 0).then(|| Errno::from_number(number as i32)))
    }
}

/// The methods every kind of socket has; each is a tuple struct around a [`Socket`].
macro_rules! common {
    ($Name:ident) => {
        impl $Name {
            /// Says whether calls fail with `EAGAIN` instead of waiting.
            pub fn set_nonblocking(&self, nonblocking: bool) -> crate::Result<()> {
                self.0.0.set_nonblocking(nonblocking)
            }

            /// The error that is pending, if one is, and clears it.
            pub fn take_error(&self) -> crate::Result<Option<crate::Errno>> {
                self.0.take_error()
            }

            /// Another handle of the same socket.
            pub fn try_clone(&self) -> crate::Result<Self> {
                let new = self.0.0.try_clone()?;
                Ok($Name(crate::socket::Socket(new)))
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

/// The methods every kind of stream has; each is a tuple struct around a [`Socket`].
macro_rules! stream {
    ($Name:ident) => {
        impl $Name {
            /// Reads into `buffer`: how many bytes, zero at the end.
            #[inline]
            pub fn read(&self, buffer: &mut [u8]) -> crate::Result<usize> {
                self.0.0.read(buffer)
            }

            /// Fills `buffer`. `ECONNRESET` if the stream ends before.
            pub fn read_exact(&self, buffer: &mut [u8]) -> crate::Result<()> {
                self.0.read_exact(buffer)
            }

            /// Reads until the peer writes no more, and appends to `buffer`: how many bytes.
            pub fn read_to_end(&self, buffer: &mut alloc::vec::Vec<u8>) -> crate::Result<usize> {
                self.0.read_to_end(buffer)
            }

            /// Receives without taking: the next read gets the same bytes again.
            pub fn peek(&self, buffer: &mut [u8]) -> crate::Result<usize> {
                self.0.receive(buffer, syscall::consts::MSG_PEEK)
            }

            /// Writes from `buffer`: how many bytes. Unless the stream is nonblocking, that is all of them.
            #[inline]
            pub fn write(&self, buffer: &[u8]) -> crate::Result<usize> {
                self.0.0.write(buffer)
            }

            /// Writes all of `buffer`.
            pub fn write_all(&self, buffer: &[u8]) -> crate::Result<()> {
                self.0.write_all(buffer)
            }

            /// Ends one or both directions.
            pub fn shutdown(&self, how: crate::socket::Shutdown) -> crate::Result<()> {
                self.0.shutdown(how)
            }
        }

        #[cfg(feature = "std")]
        impl std::io::Read for &$Name {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                Ok($Name::read(self, buffer)?)
            }
        }

        #[cfg(feature = "std")]
        impl std::io::Write for &$Name {
            fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
                Ok($Name::write(self, buffer)?)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        #[cfg(feature = "std")]
        impl std::io::Read for $Name {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                std::io::Read::read(&mut &*self, buffer)
            }
        }

        #[cfg(feature = "std")]
        impl std::io::Write for $Name {
            fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
                std::io::Write::write(&mut &*self, buffer)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}
pub(crate) use stream;
