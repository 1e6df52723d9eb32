//! The UDP port that messages go over: a socket like a program's, used from inside the kernel without waiting.

use alloc::sync::Arc;
use core::net::{Ipv6Addr, SocketAddr, SocketAddrV4};

use base::{Errno, Lwp, Wait, Work};
use sockets::{Families, Incoming, Outgoing, Socket};
use syscall::consts::{AF_INET6, MSG_DONTWAIT, MSG_TRUNC, SOCK_DGRAM};
use syscall::{UioIn, UioOut, UserIn, UserOut};

/// A port of this kernel, for IPv6 and IPv4.
pub(crate) struct Outer(Arc<dyn Socket>);

impl Outer {
    /// Takes a port, or, if it is zero, any that is free. `EADDRINUSE`; `EAFNOSUPPORT` without IPv6 sockets, which
    /// carry both.
    pub(crate) fn open(lwp: &Lwp<'_>, port: u16) -> Result<Self, Errno> {
        let protocol = lwp.state::<Families>()?.get(AF_INET6);
        let protocol = protocol.ok_or(Errno::EAFNOSUPPORT)?;
        let outer = Outer(protocol.socket(lwp, SOCK_DGRAM, 0)?);
        let here = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
        match outer.0.bind(lwp, &here.into()) {
            Ok(()) => Ok(outer),
            Err(errno) => {
                outer.close(lwp);
                Err(errno)
            }
        }
    }

    /// Has work done when a datagram comes.
    pub(crate) fn schedule(&self, work: &Arc<Work>) {
        self.0.readiness().schedule(work);
    }

    /// The port.
    pub(crate) fn port(&self, lwp: &Lwp<'_>) -> u16 {
        let here = self.0.local_address(lwp).ip();
        here.map_or(0, |here| here.port())
    }

    /// Sends a datagram.
    pub(crate) fn send(&self, lwp: &Lwp<'_>, to: SocketAddr, bytes: &[u8]) -> Result<(), Errno> {
        let mut data = UioIn::from(UserIn::from(bytes));
        let mut with = Outgoing {
            to: Some(to.into()),
            ..Outgoing::default()
        };
        match self.0.try_send(lwp, &mut data, &mut with, MSG_DONTWAIT) {
            Ok(_) => Ok(()),
            Err(Wait::Fail(errno)) => Err(errno),
            Err(_) => Err(Errno::EAGAIN),
        }
    }

    /// Takes a datagram that came: its length, and where it is from. Nothing, if there is none; of one that does not
    /// fit, nobody wants the rest.
    pub(crate) fn receive(
        &self,
        lwp: &Lwp<'_>,
        buffer: &mut [u8],
    ) -> Option<Result<(usize, SocketAddr), Errno>> {
        let mut room = UioOut::from(UserOut::from(buffer));
        let mut with = Incoming::default();
        match (self.0).try_receive(lwp, &mut room, &mut with, MSG_DONTWAIT) {
            Ok(_) if with.flags & MSG_TRUNC != 0 => Some(Err(Errno::EMSGSIZE)),
            Ok(len) => match with.from.and_then(|from| from.ip()) {
                Some(from) => Some(Ok((len, canonical(from)))),
                None => Some(Err(Errno::EINVAL)),
            },
            Err(Wait::Fail(errno)) => Some(Err(errno)),
            Err(_) => None,
        }
    }

    pub(crate) fn close(&self, lwp: &Lwp<'_>) {
        self.0.close(lwp);
    }
}

/// An address of IPv4 as one.
fn canonical(address: SocketAddr) -> SocketAddr {
    let SocketAddr::V6(long) = address else {
        return address;
    };
    match long.ip().to_ipv4_mapped() {
        Some(short) => SocketAddrV4::new(short, long.port()).into(),
        None => address,
    }
}
