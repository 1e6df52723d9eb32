//! Connecting without waiting, and a timer to try it again.

use std::ffi::c_char;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::Duration;

use hypercall::Errno;

/// Bytes that the system may hold for the peer, if it allows so many.
static BUFFER: i32 = 1024 * 1024;

fn owned(fd: RawFd) -> Result<OwnedFd, Errno> {
    if fd < 0 {
        return Err(Errno::from_number(crate::last_errno()));
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The address of a socket in the file system.
fn address(path: &str) -> Result<libc::sockaddr_un, Errno> {
    // SAFETY: the structure is plain data for which zeros are good.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    // A null byte ends it.
    if path.is_empty() || path.contains('\0') {
        return Err(Errno::EINVAL);
    }
    if path.len() >= address.sun_path.len() {
        return Err(Errno::ENAMETOOLONG);
    }
    for (to, from) in address.sun_path.iter_mut().zip(path.bytes()) {
        *to = from as c_char;
    }
    Ok(address)
}

/// Connects, or fails at once: a peer with many others to accept is one that is not there.
pub(super) fn connect(path: &str) -> Result<UnixStream, Errno> {
    let address = address(path)?;
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: the call touches no memory.
    let socket = owned(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
    let len = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: the calls read an integer and an address, which live for them. That the buffer stays as it is
    // is no failure.
    let answer = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDBUF,
            (&raw const BUFFER).cast(),
            mem::size_of_val(&BUFFER) as libc::socklen_t,
        );
        libc::connect(socket.as_raw_fd(), (&raw const address).cast(), len)
    };
    match answer {
        0 => Ok(socket.into()),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

/// A timer that can be read from after `pause`.
pub(super) fn timer(pause: Duration) -> Result<OwnedFd, Errno> {
    let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
    // SAFETY: the call touches no memory.
    let timer = owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })?;
    let once = libc::itimerspec {
        it_interval: crate::clock::timespec(0),
        it_value: crate::clock::timespec(pause.as_nanos() as u64),
    };
    // SAFETY: the setting lives for the call, which is to return no other.
    let answer =
        unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const once, ptr::null_mut()) };
    match answer {
        0 => Ok(timer),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

/// Whether a timer of the above has expired. Says so once.
pub(super) fn expired(timer: &OwnedFd) -> bool {
    let mut times = 0u64;
    let len = mem::size_of_val(&times);
    // SAFETY: the call fills the integer, which has that many bytes.
    let read = unsafe { libc::read(timer.as_raw_fd(), (&raw mut times).cast(), len) };
    usize::try_from(read) == Ok(len)
}
