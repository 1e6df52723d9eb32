//! The system calls of sockets.

use alloc::sync::Arc;

use base::syscalls::transfer;
use base::{Blocking, Errno, File, Lwp, OpenFile, block};
use markers::syscall;
use syscall::consts::*;
use syscall::{
    Fd, FdPair, MsgIn, MsgOut, MsgResult, NewFd, OptIn, OptOut, SockAddrIn, SockAddrOut, UioIn,
    UioOut, UserIn, UserOut,
};

use crate::file::SocketFile;
use crate::{Families, Incoming, Outgoing, Protocol, option, rights};

/// The first number that is no type of socket.
const SOCK_MAX: u32 = 11;

/// Runs `f` with the socket of a descriptor: `EBADF`, `ENOTSOCK`.
#[inline]
fn with_socket<R>(
    lwp: &Lwp<'_>,
    fd: Fd,
    f: impl FnOnce(&Arc<OpenFile>, &SocketFile) -> Result<R, Errno>,
) -> Result<R, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let file = open.downcast::<SocketFile>().ok_or(Errno::ENOTSOCK)?;
        f(open, file)
    })
}

/// The flags of a new descriptor, from those of `socket` and `accept4`.
fn open_flags(flags: u32) -> Result<u32, Errno> {
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    // The two have the numbers of `O_NONBLOCK` and `O_CLOEXEC`.
    Ok(O_RDWR | flags)
}

/// Makes a socket of a family (`AF_…`), a type (`SOCK_…`, and beside it `SOCK_NONBLOCK` and
/// `SOCK_CLOEXEC`) and a protocol; zero: the type's usual one.
#[syscall]
pub fn socket(lwp: &Lwp<'_>, domain: i32, kind: i32, protocol: i32) -> Result<NewFd, Errno> {
    let flags = open_flags(kind as u32 & !SOCK_TYPE_MASK)?;
    let kind = kind as u32 & SOCK_TYPE_MASK;
    let socket = family(lwp, domain, kind)?.socket(lwp, kind, protocol as u32)?;
    lwp.process().open(lwp, SocketFile::new(socket), flags)
}

/// Makes two sockets that are connected to each other.
#[syscall]
pub fn socketpair(
    lwp: &Lwp<'_>,
    domain: i32,
    kind: i32,
    protocol: i32,
    mut pair: FdPair<'_>,
) -> Result<(), Errno> {
    let flags = open_flags(kind as u32 & !SOCK_TYPE_MASK)?;
    let kind = kind as u32 & SOCK_TYPE_MASK;
    pair.require()?;
    let [one, other] = family(lwp, domain, kind)?.pair(lwp, kind, protocol as u32)?;
    let process = lwp.process();
    let first = match process.open(lwp, SocketFile::new(one), flags) {
        Ok(first) => first,
        Err(errno) => {
            other.close(lwp);
            return Err(errno);
        }
    };
    let second = process.open(lwp, SocketFile::new(other), flags);
    let second = second.inspect_err(|_| {
        // Another thread may have closed it by now, as any descriptor.
        let _ = base::syscalls::close(lwp, Fd(first.0));
    })?;
    pair.put([first, second]);
    Ok(())
}

/// Who serves an address family: `EAFNOSUPPORT` if nobody does, `EINVAL` if there is no such type of socket.
fn family(lwp: &Lwp<'_>, domain: i32, kind: u32) -> Result<Arc<dyn Protocol>, Errno> {
    let family = u16::try_from(domain)
        .ok()
        .filter(|family| *family < AF_MAX)
        .ok_or(Errno::EAFNOSUPPORT)?;
    if kind >= SOCK_MAX {
        return Err(Errno::EINVAL);
    }
    let served = lwp.state::<Families>()?.get(family);
    served.ok_or(Errno::EAFNOSUPPORT)
}

/// Gives a socket an address.
#[syscall]
pub fn bind(lwp: &Lwp<'_>, fd: Fd, address: SockAddrIn) -> Result<(), Errno> {
    with_socket(lwp, fd, |_, file| file.socket().bind(lwp, &address.get()?))
}

/// Makes a socket accept connections, of which `backlog` may wait to be accepted.
#[syscall]
pub fn listen(lwp: &Lwp<'_>, fd: Fd, backlog: i32) -> Result<(), Errno> {
    // A negative one is a large one.
    let backlog = (backlog as u32).min(SOMAXCONN);
    with_socket(lwp, fd, |_, file| file.socket().listen(lwp, backlog))
}

/// Accepts a connection, and says who made it.
#[syscall]
pub fn accept(lwp: &Lwp<'_>, fd: Fd, peer: SockAddrOut<'_>) -> Result<NewFd, Errno> {
    accept4(lwp, fd, peer, 0)
}

/// Accepts a connection, with `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
#[syscall]
pub fn accept4(
    lwp: &Lwp<'_>,
    fd: Fd,
    mut peer: SockAddrOut<'_>,
    flags: i32,
) -> Result<NewFd, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let flags = open_flags(flags as u32)?;
        let file = open.downcast::<SocketFile>().ok_or(Errno::ENOTSOCK)?;
        let how = Blocking::new(open.nonblock()).within(lwp, file.read_timeout());
        let socket = file.socket();
        let (new, address) = block(lwp, socket.readiness(), how, || socket.try_accept(lwp))?;
        peer.put(address);
        lwp.process().open(lwp, file.accepted(new), flags)
    })
}

/// Connects a socket, or says where its datagrams go.
#[syscall]
pub fn connect(lwp: &Lwp<'_>, fd: Fd, address: SockAddrIn) -> Result<(), Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let address = address.get()?;
        let file = open.downcast::<SocketFile>().ok_or(Errno::ENOTSOCK)?;
        let how = Blocking::new(open.nonblock())
            .within(lwp, file.write_timeout())
            .or(file.connect_errno());
        let socket = file.socket();
        let result = block(lwp, socket.readiness(), how, || {
            socket.connect(lwp, &address)
        });
        let under_way = matches!(
            result,
            Err(Errno::EINPROGRESS | Errno::EALREADY | Errno::EINTR)
        );
        file.set_connecting(under_way);
        result
    })
}

/// Ends receiving (`SHUT_RD`), sending (`SHUT_WR`) or both (`SHUT_RDWR`).
#[syscall]
pub fn shutdown(lwp: &Lwp<'_>, fd: Fd, how: i32) -> Result<(), Errno> {
    with_socket(lwp, fd, |_, file| match u32::try_from(how) {
        Ok(how @ (SHUT_RD | SHUT_WR | SHUT_RDWR)) => file.socket().shutdown(lwp, how),
        _ => Err(Errno::EINVAL),
    })
}

/// Sends on a connected socket.
#[syscall]
pub fn send(lwp: &Lwp<'_>, fd: Fd, data: UserIn<'_>, flags: i32) -> Result<usize, Errno> {
    with_socket(lwp, fd, |open, file| {
        let with = Outgoing::default();
        send_with(lwp, open, file, data.into(), with, flags)
    })
}

/// Sends to an address.
#[syscall]
pub fn sendto(
    lwp: &Lwp<'_>,
    fd: Fd,
    data: UserIn<'_>,
    flags: i32,
    to: SockAddrIn,
) -> Result<usize, Errno> {
    with_socket(lwp, fd, |open, file| {
        let with = Outgoing {
            to: to.optional()?,
            ..Outgoing::default()
        };
        send_with(lwp, open, file, data.into(), with, flags)
    })
}

/// Sends a message: scattered data, an address or none, and open files as control data (`SCM_RIGHTS`,
/// beside which `SCM_CREDENTIALS` may say who sends).
#[syscall]
pub fn sendmsg(lwp: &Lwp<'_>, fd: Fd, message: MsgIn<'_>, flags: i32) -> Result<usize, Errno> {
    with_socket(lwp, fd, |open, file| {
        let (to, data, control) = message.get()?;
        let with = Outgoing {
            to: to.optional()?,
            files: rights::collect(lwp, control)?,
            control: rights::others(control),
        };
        send_with(lwp, open, file, data, with, flags)
    })
}

/// Sends. A stream that may wait sends everything; what was sent before a failure counts.
fn send_with(
    lwp: &Lwp<'_>,
    open: &OpenFile,
    file: &SocketFile,
    mut data: UioIn<'_>,
    mut with: Outgoing,
    flags: i32,
) -> Result<usize, Errno> {
    let mut flags = flags as u32;
    if open.nonblock() {
        // As when receiving.
        flags |= MSG_DONTWAIT;
    }
    let nonblock = flags & MSG_DONTWAIT != 0;
    let how = Blocking::new(nonblock).within(lwp, file.write_timeout());
    let whole = file.is_stream() && !nonblock;
    let sent = transfer(lwp, open, how, whole, &mut data, |data| {
        file.socket().try_send(lwp, data, &mut with, flags)
    });
    rights::release(lwp, with.files);
    sent
}

/// Receives.
#[syscall]
pub fn recv(lwp: &Lwp<'_>, fd: Fd, buffer: UserOut<'_>, flags: i32) -> Result<usize, Errno> {
    with_socket(lwp, fd, |open, file| {
        let (len, with) = receive(lwp, open, file, buffer.into(), flags)?;
        rights::release(lwp, with.files);
        Ok(len)
    })
}

/// Receives, and says from whom.
#[syscall]
pub fn recvfrom(
    lwp: &Lwp<'_>,
    fd: Fd,
    buffer: UserOut<'_>,
    flags: i32,
    mut from: SockAddrOut<'_>,
) -> Result<usize, Errno> {
    with_socket(lwp, fd, |open, file| {
        let (len, with) = receive(lwp, open, file, buffer.into(), flags)?;
        rights::release(lwp, with.files);
        // A stream says nothing, and the caller hears of an address of no length.
        if let Some(sender) = with.from {
            from.put(sender);
        }
        Ok(len)
    })
}

/// Receives a message into scattered buffers, and says from whom, how much of it, and which descriptors came
/// with it; these are closed on exec with `MSG_CMSG_CLOEXEC`.
#[syscall]
pub fn recvmsg(lwp: &Lwp<'_>, fd: Fd, mut message: MsgOut<'_>, flags: i32) -> Result<usize, Errno> {
    with_socket(lwp, fd, |open, file| {
        let (len, with) = receive(lwp, open, file, message.uio()?, flags)?;
        let close_on_exec = flags as u32 & MSG_CMSG_CLOEXEC;
        let credentials = with.sender.map(rights::credentials);
        let room = message.descriptors(credentials.is_some());
        let (descriptors, all) = rights::install(lwp, with.files, room, close_on_exec != 0);
        message.finish(MsgResult {
            from: with.from,
            control: with.control,
            flags: with.flags | close_on_exec | if all { 0 } else { MSG_CTRUNC },
            credentials,
            descriptors,
        });
        Ok(len)
    })
}

/// Receives: what there is, or with `MSG_WAITALL` what was asked for. What was received before a
/// failure counts.
fn receive(
    lwp: &Lwp<'_>,
    open: &OpenFile,
    file: &SocketFile,
    mut data: UioOut<'_>,
    flags: i32,
) -> Result<(usize, Incoming), Errno> {
    let mut flags = flags as u32;
    if open.nonblock() {
        // A socket may answer differently to who would not wait.
        flags |= MSG_DONTWAIT;
    }
    let how = Blocking::new(flags & MSG_DONTWAIT != 0).within(lwp, file.read_timeout());
    // A look takes nothing away: the second one would see the same again.
    let whole = flags & (MSG_WAITALL | MSG_PEEK) == MSG_WAITALL && file.is_stream();
    let socket = file.socket();
    let mut with = Incoming::default();
    let mut step = || {
        block(lwp, socket.readiness(), how, || {
            socket.try_receive(lwp, &mut data, &mut with, flags)
        })
        .map(|received| (received, data.remaining()))
    };
    let (mut received, mut room) = step()?;
    let mut last = received;
    while whole && room > 0 && last > 0 {
        match step() {
            Ok((more, left)) => {
                last = more;
                received += more;
                room = left;
            }
            Err(_) => break,
        }
    }
    Ok((received, with))
}

/// Sets an option of a level (`SOL_SOCKET` or a protocol).
#[syscall]
pub fn setsockopt(
    lwp: &Lwp<'_>,
    fd: Fd,
    level: i32,
    name: i32,
    value: OptIn<'_>,
) -> Result<(), Errno> {
    with_socket(lwp, fd, |_, file| {
        option::set(lwp, file, level as u32, name as u32, &value)
    })
}

/// Reads an option of a level (`SOL_SOCKET` or a protocol).
#[syscall]
pub fn getsockopt(
    lwp: &Lwp<'_>,
    fd: Fd,
    level: i32,
    name: i32,
    value: OptOut<'_>,
) -> Result<(), Errno> {
    with_socket(lwp, fd, |_, file| {
        value.check()?;
        value.put(&option::get(lwp, file, level as u32, name as u32)?)
    })
}

/// The address of a socket.
#[syscall]
pub fn getsockname(lwp: &Lwp<'_>, fd: Fd, mut address: SockAddrOut<'_>) -> Result<(), Errno> {
    with_socket(lwp, fd, |_, file| {
        address.put(file.socket().local_address(lwp));
        address.require()
    })
}

/// The address of a socket's peer.
#[syscall]
pub fn getpeername(lwp: &Lwp<'_>, fd: Fd, mut address: SockAddrOut<'_>) -> Result<(), Errno> {
    with_socket(lwp, fd, |_, file| {
        address.put(file.socket().peer_address(lwp)?);
        address.require()
    })
}
