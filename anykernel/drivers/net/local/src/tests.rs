//! The sockets under the system calls, on the simulated platform.

mod datagrams;
mod files;
mod names;
mod packets;
mod streams;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::{Config, Errno, Events, Kernel, Lwp, ParamKind, ParamSpec, Process, System, enter};
use sockets::syscalls::*;
use syscall::consts::*;
use syscall::{
    Control, Fd, FdPair, MsgIn, MsgOut, MsgResult, NewFd, OptIn, OptOut, PollFd, PollFds, SockAddr,
    SockAddrIn, SockAddrOut, UserIn, UserOut,
};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &sockets::COMPONENT, &crate::COMPONENT],
    params: &[ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "0",
        doc: "",
    }],
};

const DONTWAIT: i32 = MSG_DONTWAIT as i32;

/// Runs a test on behalf of a process of its own, and holds that nothing stays charged.
fn run(test: impl FnOnce(&Lwp<'_>, &Kernel)) {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    let memory = kernel.instance().memory().clone();
    enter(kernel.process(), |lwp| {
        test(lwp, &kernel);
        Ok(())
    })
    .unwrap();
    drop(kernel);
    assert_eq!(memory.used(), 0);
}

/// Another process.
fn fork(kernel: &Kernel) -> Arc<Process> {
    kernel.fork()
}

fn make(lwp: &Lwp<'_>, kind: u32) -> Fd {
    Fd(socket(lwp, AF_UNIX.into(), kind as i32, 0).unwrap().0)
}

fn pair(lwp: &Lwp<'_>, kind: u32) -> [Fd; 2] {
    let mut place = [NewFd(-1); 2];
    let pair = FdPair::new(Some(&mut place));
    socketpair(lwp, AF_UNIX.into(), kind as i32, 0, pair).unwrap();
    place.map(|fd| Fd(fd.0))
}

/// An address: the bytes behind the family.
fn named(name: &str) -> SockAddr {
    let mut data = [0; 126];
    data[..name.len()].copy_from_slice(name.as_bytes());
    SockAddr::Other {
        family: AF_UNIX,
        data,
        len: name.len() as u8,
    }
}

fn listener(lwp: &Lwp<'_>, kind: u32, name: &str, backlog: i32) -> Fd {
    let fd = make(lwp, kind);
    bind(lwp, fd, named(name).into()).unwrap();
    listen(lwp, fd, backlog).unwrap();
    fd
}

fn connect_to(lwp: &Lwp<'_>, fd: Fd, name: &str) -> Result<(), Errno> {
    connect(lwp, fd, SockAddrIn::from(named(name)))
}

fn accept_from(lwp: &Lwp<'_>, fd: Fd) -> Result<(Fd, SockAddr), Errno> {
    let mut peer = None;
    let new = accept(lwp, fd, SockAddrOut::new(Some(&mut peer)))?;
    Ok((Fd(new.0), peer.unwrap()))
}

fn nonblocking(lwp: &Lwp<'_>, fd: Fd) {
    let flags = syscall::FcntlArg::number(O_NONBLOCK.into());
    base::syscalls::fcntl(lwp, fd, F_SETFL, flags).unwrap();
}

fn put(lwp: &Lwp<'_>, fd: Fd, text: &str) -> Result<usize, Errno> {
    send(lwp, fd, UserIn::from(text.as_bytes()), DONTWAIT)
}

fn put_to(lwp: &Lwp<'_>, fd: Fd, text: &str, name: &str) -> Result<usize, Errno> {
    let data = UserIn::from(text.as_bytes());
    sendto(lwp, fd, data, DONTWAIT, named(name).into())
}

fn get(lwp: &Lwp<'_>, fd: Fd, len: usize, flags: u32) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; len];
    let flags = (flags | MSG_DONTWAIT) as i32;
    let count = recv(lwp, fd, UserOut::from(&mut buffer[..]), flags)?;
    buffer.truncate(count);
    Ok(buffer)
}

fn close(lwp: &Lwp<'_>, fd: Fd) {
    base::syscalls::close(lwp, fd).unwrap();
}

fn local(lwp: &Lwp<'_>, fd: Fd) -> SockAddr {
    let mut place = None;
    getsockname(lwp, fd, SockAddrOut::new(Some(&mut place))).unwrap();
    place.unwrap()
}

fn peer(lwp: &Lwp<'_>, fd: Fd) -> Result<SockAddr, Errno> {
    let mut place = None;
    getpeername(lwp, fd, SockAddrOut::new(Some(&mut place)))?;
    Ok(place.unwrap())
}

fn set(lwp: &Lwp<'_>, fd: Fd, name: u32, value: i32) -> Result<(), Errno> {
    let value = value.to_ne_bytes();
    let value = OptIn::new(Ok(UserIn::from(&value[..])));
    setsockopt(lwp, fd, SOL_SOCKET as i32, name as i32, value)
}

fn option(lwp: &Lwp<'_>, fd: Fd, name: u32) -> Result<Vec<i32>, Errno> {
    let (mut value, mut len) = ([0; 12], 0);
    let place = OptOut::new(Ok(UserOut::from(&mut value[..])), &mut len);
    getsockopt(lwp, fd, SOL_SOCKET as i32, name as i32, place)?;
    let words = value[..len].chunks(4);
    Ok(words
        .map(|word| i32::from_ne_bytes(word.try_into().unwrap()))
        .collect())
}

/// What poll says.
fn ready(lwp: &Lwp<'_>, fd: Fd) -> Events {
    let mut entries = [PollFd {
        fd: fd.0,
        events: POLLIN | POLLOUT | POLLRDHUP,
        revents: 0,
    }];
    base::syscalls::poll(lwp, PollFds::new(Ok(&mut entries)), 0).unwrap();
    Events(entries[0].revents.into())
}

fn rights(fds: &[Fd]) -> Control {
    Control {
        level: SOL_SOCKET,
        kind: SCM_RIGHTS,
        data: fds.iter().flat_map(|fd| fd.0.to_ne_bytes()).collect(),
    }
}

fn put_files(lwp: &Lwp<'_>, fd: Fd, text: &str, files: &[Fd]) -> Result<usize, Errno> {
    let data = UserIn::from(text.as_bytes()).into();
    let control = [rights(files)];
    let message = MsgIn::new(Ok((SockAddrIn::new(Ok(None)), data, &control[..])));
    sendmsg(lwp, fd, message, DONTWAIT)
}

/// Receives a message with room for so many descriptors.
fn get_message(
    lwp: &Lwp<'_>,
    fd: Fd,
    len: usize,
    room: usize,
    flags: u32,
) -> Result<(Vec<u8>, MsgResult), Errno> {
    let mut buffer = vec![0; len];
    let mut result = MsgResult::default();
    let place = UserOut::from(&mut buffer[..]).into();
    let message = MsgOut::new(Ok(place), [room; 2], &mut result);
    let count = recvmsg(lwp, fd, message, (flags | MSG_DONTWAIT) as i32)?;
    buffer.truncate(count);
    Ok((buffer, result))
}
