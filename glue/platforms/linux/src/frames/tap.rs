//! A TAP interface: its other end is an Ethernet interface of the host.

use std::ffi::{c_char, c_int};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use hypercall::{Errno, Segment};

/// Where the system hands out TAP interfaces.
const DEVICE: &str = "/dev/net/tun";
/// What Ethernet has unless told otherwise.
const ETHERNET_MTU: u32 = 1500;

/// Our end of a TAP interface.
pub(super) struct Tap {
    device: File,
    mtu: u32,
}

/// A request about an interface of this name, filled in so far.
fn request(name: &str) -> Result<libc::ifreq, Errno> {
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

fn error(error: std::io::Error) -> Errno {
    Errno::from_number(error.raw_os_error().unwrap_or(libc::EIO))
}

impl Tap {
    /// Attaches to the interface, which is made if it does not exist and the caller may do that.
    pub(super) fn open(name: &str) -> Result<Tap, Errno> {
        let mut request = request(name)?;
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(DEVICE)
            .map_err(error)?;
        request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as i16;
        // SAFETY: the request is of the kind this call reads and writes.
        let answer = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &mut request) };
        if answer < 0 {
            return Err(Errno::from_number(crate::last_errno()));
        }
        let mtu = mtu(&mut request).unwrap_or(ETHERNET_MTU);
        Ok(Tap { device, mtu })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    pub(super) fn mtu(&self) -> u32 {
        self.mtu
    }

    /// Fills buffers with frames, until none waits: how many, and whether to watch for more. There
    /// will be none if the interface is gone.
    pub(super) fn receive(&self, buffers: &mut [Segment<'_>]) -> (usize, bool) {
        let mut filled = 0;
        while let Some(buffer) = buffers.get_mut(filled) {
            // The system cuts a frame to fit and does not say so; a byte too many tells.
            let mut excess = [0];
            let room = buffer.buffer();
            let capacity = room.len();
            let parts = &mut [IoSliceMut::new(room), IoSliceMut::new(&mut excess)];
            match (&self.device).read_vectored(parts) {
                Ok(len) if len > capacity => {}
                Ok(len) => {
                    buffer.set_len(len);
                    filled += 1;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (filled, error.kind() == ErrorKind::WouldBlock),
            }
        }
        (filled, false)
    }

    /// Sends frames; says how many were taken. One that the system refuses is lost, as on a cable.
    pub(super) fn transmit(&self, frames: &[Segment<'_>]) -> usize {
        let mut taken = 0;
        while let Some(frame) = frames.get(taken) {
            match (&self.device).write(frame.as_slice()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                _ => taken += 1,
            }
        }
        taken
    }
}

/// The largest payload of the interface `request` names.
fn mtu(request: &mut libc::ifreq) -> Option<u32> {
    // SAFETY: no memory is touched; the descriptor is checked before it is taken.
    let socket = unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        (socket >= 0).then(|| OwnedFd::from_raw_fd(socket))?
    };
    // SAFETY: the request is of the kind this call reads and writes, and answers in `ifru_mtu`.
    let mtu: c_int = unsafe {
        let answer = libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &raw mut *request);
        (answer == 0).then_some(request.ifr_ifru.ifru_mtu)?
    };
    u32::try_from(mtu).ok()
}
