//! Unix-domain sockets, shaped like `std::os::unix::net`.
//!
//! What differs from `std`: a socket belongs to a kernel, which is named where one is made, and so do names; reading and
//! writing take `&self`; paths are bytes; errors are error numbers. With the feature `std` streams implement
//! `std::io::Read` and `Write`.

mod address;
mod datagram;
mod stream;

use sockets::syscalls;
use syscall::consts::*;
use syscall::{FdPair, NewFd};

pub use crate::socket::Shutdown;
use crate::socket::Socket;
use crate::{Descriptor, Kernel, Result};
pub use address::SocketAddr;
pub use datagram::UnixDatagram;
pub use stream::{Incoming, UCred, UnixListener, UnixStream};

/// Two sockets of a type that are connected to each other.
fn pair(kernel: &Kernel, kind: u32) -> Result<(Socket, Socket)> {
    let mut pair = [NewFd(-1); 2];
    let first = Descriptor::open(kernel, |lwp| {
        let place = FdPair::new(Some(&mut pair));
        let kind = (kind | SOCK_CLOEXEC) as i32;
        syscalls::socketpair(lwp, AF_UNIX.into(), kind, 0, place)?;
        Ok(pair[0])
    })?;
    let [_, second] = pair;
    let second = Descriptor::open(kernel, |_| Ok(second))?;
    Ok((Socket(first), Socket(second)))
}
