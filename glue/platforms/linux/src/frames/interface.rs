//! Interfaces of the host's: questions about them, by name.

use std::ffi::{c_char, c_int};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use hypercall::Errno;

/// A request about an interface of this name, filled in so far. `EINVAL` for what is no name.
pub(super) fn request(name: &str) -> Result<libc::ifreq, Errno> {
    let sound = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b'%';
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || !name.bytes().all(sound) {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the structure is plain data for which zeros are good.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as c_char;
    }
    Ok(request)
}

/// A new socket, closed on exec, of calls that do not wait.
pub(super) fn socket(family: c_int, kind: c_int) -> Result<OwnedFd, Errno> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no memory is touched; the descriptor is checked before it is taken.
    unsafe {
        match libc::socket(family, kind | flags, 0) {
            -1 => Err(Errno::from_number(crate::last_errno())),
            socket => Ok(OwnedFd::from_raw_fd(socket)),
        }
    }
}

/// Sets an option of a socket to a plain value.
pub(super) fn set<T>(socket: &OwnedFd, level: c_int, name: c_int, value: &T) -> Result<(), Errno> {
    let len = mem::size_of::<T>() as libc::socklen_t;
    let value = (&raw const *value).cast();
    // SAFETY: reads as many bytes as the value has.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value, len) } {
        0 => Ok(()),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

fn ask(name: &str, question: libc::Ioctl) -> Result<libc::ifreq, Errno> {
    let mut request = request(name)?;
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM)?;
    // SAFETY: the request is of the kind that these calls read and write.
    match unsafe { libc::ioctl(socket.as_raw_fd(), question, &raw mut request) } {
        0 => Ok(request),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

/// Its number. `ENODEV` if there is none of this name.
pub(super) fn index(name: &str) -> Result<u32, Errno> {
    let answer = ask(name, libc::SIOCGIFINDEX)?;
    // SAFETY: it answers with this member.
    u32::try_from(unsafe { answer.ifr_ifru.ifru_ifindex }).map_err(|_| Errno::ENODEV)
}

/// Its largest packet, in bytes.
pub(super) fn mtu(name: &str) -> Result<u32, Errno> {
    let answer = ask(name, libc::SIOCGIFMTU)?;
    // SAFETY: it answers with this member.
    u32::try_from(unsafe { answer.ifr_ifru.ifru_mtu }).map_err(|_| Errno::EINVAL)
}

/// Its hardware address. `EINVAL` for one that is not of Ethernet.
pub(super) fn address(name: &str) -> Result<[u8; 6], Errno> {
    let answer = ask(name, libc::SIOCGIFHWADDR)?;
    // SAFETY: it answers with this member.
    let address = unsafe { answer.ifr_ifru.ifru_hwaddr };
    // The loopback's frames begin with a header of Ethernet's, too.
    match address.sa_family {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => {
            Ok(std::array::from_fn(|at| address.sa_data[at] as u8))
        }
        _ => Err(Errno::EINVAL),
    }
}
