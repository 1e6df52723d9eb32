//! Sockets of the host: the system's own.
//!
//! A handle is a number in one table of the process. A socket is watched once somebody wants news of it, by the same
//! thread that looks after links; until then it costs a descriptor and nothing else.

mod control;
mod edges;
mod name;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_int;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use hypercall::{Bytes, BytesMut, Errno, Reception, SocketName, SocketNews, Upcall};

use crate::frames::Arrived;
use crate::work::Others;
use crate::{Platform, last_errno};
use control::Room;
use edges::Edges;
use name::Name;

/// The kernels of the process that have sockets, and the sockets.
static KERNELS: RwLock<BTreeMap<u64, Arc<Kernel>>> = RwLock::new(BTreeMap::new());
static SOCKETS: RwLock<BTreeMap<u64, Arc<Socket>>> = RwLock::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

/// How every socket is made.
const FLAGS: c_int = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
/// What a socket can be ready for, beside what is always told.
const WANTED: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLOUT | libc::POLLRDHUP;

/// A kernel.
struct Kernel {
    arrived: Arrived,
    /// Sockets with news, each once.
    ready: Mutex<VecDeque<u64>>,
}

impl Kernel {
    fn ready(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open socket.
struct Socket {
    fd: OwnedFd,
    kernel: Arc<Kernel>,
    /// What it became ready for and the kernel has not taken yet.
    news: AtomicU32,
    /// What watches it.
    watch: OnceLock<Arc<Edges>>,
}

impl Socket {
    fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    fn watch(&self, number: u64) -> Result<i64, Errno> {
        let edges = Edges::current()?;
        if self.watch.set(edges.clone()).is_ok() {
            // News of others are met on the way.
            tell(&edges.add(self.fd.as_fd(), number)?);
        }
        Ok(0)
    }

    /// What it is ready for, and whether news wait to be taken.
    fn look(&self) -> (u32, bool) {
        let one = |fd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        // Where there is none, the system passes over it.
        let [arrivals, room] = self.watch.get().map_or([-1, -1], |edges| edges.sets());
        let (arrivals, room) = (one(arrivals, libc::POLLIN), one(room, libc::POLLIN));
        let mut all = [one(self.raw(), WANTED), arrivals, room];
        // SAFETY: the call writes the structures it is given.
        match unsafe { libc::poll(all.as_mut_ptr(), all.len() as libc::nfds_t, 0) } {
            0.. => {
                let news = all[1..].iter().any(|set| set.revents != 0);
                (all[0].revents as u16 as u32, news)
            }
            _ => (libc::POLLERR as u32, false),
        }
    }

    fn events(&self) -> u32 {
        let (events, news) = self.look();
        if !news {
            return events;
        }
        if let Some(edges) = self.watch.get() {
            edges.happened();
        }
        self.look().0
    }

    fn forget(&self) {
        // A child of the process may have the socket, too: the system would go on telling.
        if let Some(edges) = self.watch.get() {
            edges.remove(self.fd.as_fd());
        }
    }
}

/// Takes note of what happened to sockets, and tells their kernels.
fn tell(happened: &[(u64, u32)]) {
    for (number, events) in happened {
        let Ok(socket) = find(*number) else { continue };
        if socket.news.fetch_or(*events, Relaxed) == 0 {
            socket.kernel.ready().push_back(*number);
            socket.kernel.arrived.tell();
        }
    }
}

fn news(kernel: &Kernel, news: &mut SocketNews) -> usize {
    let mut count = 0;
    let mut ready = kernel.ready();
    let places = news.sockets.iter_mut().zip(&mut news.events);
    for (number, events) in places {
        let socket = loop {
            let Some(next) = ready.pop_front() else {
                return count;
            };
            // One that was closed has no news.
            if let Ok(socket) = find(next) {
                *number = next;
                break socket;
            }
        };
        *events = socket.news.swap(0, Relaxed);
        count += 1;
    }
    count
}

fn sockets() -> RwLockWriteGuard<'static, BTreeMap<u64, Arc<Socket>>> {
    SOCKETS.write().unwrap_or_else(PoisonError::into_inner)
}

fn find(number: u64) -> Result<Arc<Socket>, Errno> {
    let sockets = SOCKETS.read().unwrap_or_else(PoisonError::into_inner);
    sockets.get(&number).cloned().ok_or(Errno::EBADF)
}

fn find_kernel(number: u64) -> Result<Arc<Kernel>, Errno> {
    let kernels = KERNELS.read().unwrap_or_else(PoisonError::into_inner);
    kernels.get(&number).cloned().ok_or(Errno::EBADF)
}

/// Takes in a descriptor that a call answered with.
fn adopt(kernel: &Arc<Kernel>, fd: RawFd) -> Result<i64, Errno> {
    check(fd as isize)?;
    let socket = Socket {
        // SAFETY: the descriptor is new and nobody else's.
        fd: unsafe { OwnedFd::from_raw_fd(fd) },
        kernel: kernel.clone(),
        news: AtomicU32::new(0),
        watch: OnceLock::new(),
    };
    let number = NEXT.fetch_add(1, Relaxed);
    sockets().insert(number, Arc::new(socket));
    Ok(number as i64)
}

/// What a system call answered.
fn check(answer: isize) -> Result<i64, Errno> {
    match answer {
        0.. => Ok(answer as i64),
        _ => Err(Errno::from_number(last_errno())),
    }
}

fn with(number: u64, call: impl FnOnce(&Socket) -> Result<i64, Errno>) -> i64 {
    match find(number).and_then(|socket| call(&socket)) {
        Ok(answer) => answer,
        Err(errno) => errno.to_answer(),
    }
}

fn send(
    socket: &Socket,
    data: &[u8],
    flags: u32,
    to: &SocketName,
    control: &[u8],
) -> Result<i64, Errno> {
    let mut part = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    let to = Name::of(to);
    let mut room = Room::new();
    let control = room.fill(control)?;
    // SAFETY: the structure is plain data for which zeros are good.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if let Some((storage, len)) = to.as_ref().map(Name::parts) {
        message.msg_name = ptr::from_ref(storage).cast_mut().cast();
        message.msg_namelen = len;
    }
    if control > 0 {
        message.msg_control = room.start();
        message.msg_controllen = control;
    }
    let flags = flags as c_int | libc::MSG_NOSIGNAL;
    // SAFETY: all that the message names lives for the call, which writes none of it.
    check(unsafe { libc::sendmsg(socket.raw(), &raw const message, flags) })
}

fn receive(
    socket: &Socket,
    data: &mut [u8],
    flags: u32,
    with: &mut Reception,
    control: &mut [u8],
) -> Result<i64, Errno> {
    let mut part = libc::iovec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: data.len(),
    };
    let mut from = Name::empty();
    let mut room = Room::new();
    // SAFETY: the structure is plain data for which zeros are good.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    let (storage, len) = from.place();
    message.msg_name = ptr::from_mut(storage).cast();
    message.msg_namelen = *len;
    if !control.is_empty() {
        message.msg_control = room.start();
        message.msg_controllen = Room::SIZE;
    }
    // SAFETY: all that the message names lives for the call, and is as large as it says.
    let received = check(unsafe { libc::recvmsg(socket.raw(), &raw mut message, flags as c_int) })?;
    *len = message.msg_namelen;
    *with = Reception {
        from: from.read(),
        flags: message.msg_flags as u32,
        // SAFETY: the call filled in the message, whose control data is in the room.
        control: unsafe { control::read(&message, control) } as u32,
    };
    Ok(received)
}

/// The `int` that a request of `ioctl` answers with.
fn count(socket: &Socket, request: libc::c_ulong) -> Result<i64, Errno> {
    let mut count: c_int = 0;
    // SAFETY: the requests made here write an `int`.
    check(unsafe { libc::ioctl(socket.raw(), request, &raw mut count) } as isize)?;
    Ok(count.into())
}

fn tell_name(
    socket: &Socket,
    name: &mut SocketName,
    call: unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int,
) -> Result<i64, Errno> {
    let mut place = Name::empty();
    let (storage, len) = place.place();
    // SAFETY: the call writes an address to where there is room for any, and its length.
    check(unsafe { call(socket.raw(), ptr::from_mut(storage).cast(), len) } as isize)?;
    *name = place.read();
    Ok(0)
}

impl hypercall::HostSockets for Platform {
    fn attach(arrived: Upcall) -> u64 {
        let number = NEXT.fetch_add(1, Relaxed);
        let kernel = Kernel {
            arrived: Arrived::new(arrived),
            ready: Mutex::new(VecDeque::new()),
        };
        let mut kernels = KERNELS.write().unwrap_or_else(PoisonError::into_inner);
        kernels.insert(number, Arc::new(kernel));
        number
    }

    fn detach(kernel: u64) {
        let mut kernels = KERNELS.write().unwrap_or_else(PoisonError::into_inner);
        let kernel = kernels.remove(&kernel);
        drop(kernels);
        let Some(kernel) = kernel else { return };
        let of_kernel = |socket: &Arc<Socket>| Arc::ptr_eq(&socket.kernel, &kernel);
        let closed: Vec<_> = sockets()
            .extract_if(.., |_, socket| of_kernel(socket))
            .collect();
        for (_, socket) in closed {
            socket.forget();
        }
        kernel.arrived.silence();
    }

    fn open(kernel: u64, family: u32, kind: u32, protocol: u32) -> i64 {
        let kind = kind as c_int | FLAGS;
        let opened = find_kernel(kernel).and_then(|kernel| {
            // SAFETY: the call touches no memory.
            let fd = unsafe { libc::socket(family as c_int, kind, protocol as c_int) };
            adopt(&kernel, fd)
        });
        opened.unwrap_or_else(Errno::to_answer)
    }

    fn bind(socket: u64, name: &SocketName) -> i64 {
        with(socket, |socket| {
            let name = Name::of_any(name);
            let (storage, len) = name.parts();
            // SAFETY: the address lives for the call.
            check(unsafe { libc::bind(socket.raw(), ptr::from_ref(storage).cast(), len) } as isize)
        })
    }

    fn listen(socket: u64, backlog: u32) -> i64 {
        let backlog = backlog.min(i32::MAX as u32) as c_int;
        with(socket, |socket| {
            // SAFETY: the call touches no memory.
            check(unsafe { libc::listen(socket.raw(), backlog) } as isize)
        })
    }

    fn accept(socket: u64, from: &mut SocketName) -> i64 {
        with(socket, |socket| {
            let mut name = Name::empty();
            let (storage, len) = name.place();
            let storage = ptr::from_mut(storage).cast();
            // SAFETY: the call writes an address to where there is room for any, and its length.
            let fd = unsafe { libc::accept4(socket.raw(), storage, len, FLAGS) };
            let accepted = adopt(&socket.kernel, fd)?;
            *from = name.read();
            Ok(accepted)
        })
    }

    fn connect(socket: u64, name: &SocketName) -> i64 {
        with(socket, |socket| {
            let name = Name::of_any(name);
            let (storage, len) = name.parts();
            // SAFETY: the address lives for the call.
            check(
                unsafe { libc::connect(socket.raw(), ptr::from_ref(storage).cast(), len) } as isize,
            )
        })
    }

    fn send(socket: u64, data: Bytes<'_>, flags: u32, to: &SocketName, control: Bytes<'_>) -> i64 {
        with(socket, |socket| {
            send(socket, data.as_slice(), flags, to, control.as_slice())
        })
    }

    fn receive(
        socket: u64,
        mut data: BytesMut<'_>,
        flags: u32,
        with_it: &mut Reception,
        mut control: BytesMut<'_>,
    ) -> i64 {
        with(socket, |socket| {
            let (data, control) = (data.as_mut_slice(), control.as_mut_slice());
            receive(socket, data, flags, with_it, control)
        })
    }

    fn shutdown(socket: u64, how: u32) -> i64 {
        with(socket, |socket| {
            // SAFETY: the call touches no memory.
            check(unsafe { libc::shutdown(socket.raw(), how as c_int) } as isize)
        })
    }

    fn set_option(socket: u64, level: u32, name: u32, value: Bytes<'_>) -> i64 {
        let value = value.as_slice();
        with(socket, |socket| {
            // SAFETY: the call reads the value, which is as long as it says.
            check(unsafe {
                libc::setsockopt(
                    socket.raw(),
                    level as c_int,
                    name as c_int,
                    value.as_ptr().cast(),
                    value.len() as libc::socklen_t,
                )
            } as isize)
        })
    }

    fn option(socket: u64, level: u32, name: u32, mut value: BytesMut<'_>) -> i64 {
        let value = value.as_mut_slice();
        with(socket, |socket| {
            let mut len = value.len() as libc::socklen_t;
            // SAFETY: the call writes no more than the length says, and the length.
            check(unsafe {
                libc::getsockopt(
                    socket.raw(),
                    level as c_int,
                    name as c_int,
                    value.as_mut_ptr().cast(),
                    &raw mut len,
                )
            } as isize)?;
            Ok(len.into())
        })
    }

    fn name(socket: u64, name: &mut SocketName) -> i64 {
        with(socket, |socket| tell_name(socket, name, libc::getsockname))
    }

    fn peer(socket: u64, name: &mut SocketName) -> i64 {
        with(socket, |socket| tell_name(socket, name, libc::getpeername))
    }

    fn received(socket: u64) -> i64 {
        with(socket, |socket| count(socket, libc::FIONREAD))
    }

    fn unsent(socket: u64) -> i64 {
        with(socket, |socket| count(socket, libc::TIOCOUTQ))
    }

    fn events(socket: u64) -> u32 {
        find(socket).map_or(libc::POLLERR as u32, |socket| socket.events())
    }

    fn watch(number: u64) -> i64 {
        with(number, |socket| socket.watch(number))
    }

    fn news(kernel: u64, place: &mut SocketNews) -> usize {
        find_kernel(kernel).map_or(0, |kernel| news(&kernel, place))
    }

    fn close(socket: u64) {
        let closed = sockets().remove(&socket);
        if let Some(socket) = closed {
            socket.forget();
        }
    }
}

#[cfg(test)]
mod tests;
