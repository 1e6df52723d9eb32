//! A TAP or TUN interface: its other end is an interface of the host, of Ethernet or of IP packets alone.
//!
//! In front of each frame goes virtio's header (`IFF_VNET_HDR`), by which the host leaves checksums and the
//! cutting up of TCP segments to us and we to it: most of them then are never done. An old system that
//! knows nothing of that carries plain frames.

mod news;

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hypercall::{Errno, LinkInfo, Offload, Segment};

use super::{End, LONGEST, Link, errno, interface, offload_bytes};
use news::News;

/// Where the system hands out such interfaces.
const DEVICE: &str = "/dev/net/tun";
/// What such interfaces have unless told otherwise.
const USUAL_MTU: u32 = 1500;
/// What tells news of interfaces from frames, which are watched for with `EPOLLIN`: the same by another name.
const NEWS: i32 = libc::EPOLLRDNORM;
/// Bytes of the header in front of a frame: an [`Offload`].
const HEADER: usize = mem::size_of::<Offload>();

/// What frames are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// Ethernet's: a TAP.
    Ethernet,
    /// IP packets: a TUN.
    Ip,
}

/// Our end of such an interface.
pub(super) struct Tun {
    device: File,
    layer: Layer,
    mtu: u32,
    /// Frames have a header in front.
    has_header: bool,
    /// The host leaves checksums and segments to us.
    leaves_work: bool,
    /// Whether the interface was up when we last looked.
    up: AtomicBool,
    news: Option<News>,
}

impl Tun {
    /// Attaches to the interface, which is made if it does not exist and the caller may do that.
    pub(super) fn open(name: &str, layer: Layer) -> Result<Tun, Errno> {
        let mut request = interface::request(name)?;
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(DEVICE)
            .map_err(|error| errno(&error))?;
        let kind = match layer {
            Layer::Ethernet => libc::IFF_TAP,
            Layer::Ip => libc::IFF_TUN,
        };
        let has_header = match attach(&device, &mut request, kind | libc::IFF_VNET_HDR) {
            // An old system; or the interface is of the other kind, which is found out so, too.
            Err(Errno::EINVAL) => attach(&device, &mut request, kind).map(|()| false)?,
            attached => attached.map(|()| true)?,
        };
        let leaves_work = has_header && ask_for_work(&device);
        let mtu = interface::mtu(name).unwrap_or(USUAL_MTU);
        // Before the look.
        let news = News::open();
        let up = AtomicBool::new(is_up(&device));
        Ok(Tun {
            news,
            up,
            device,
            layer,
            mtu,
            has_header,
            leaves_work,
        })
    }

    /// Fills buffers with frames, until none waits: how many, and whether to watch for more. There
    /// will be none if the interface is gone.
    fn take(&self, buffers: &mut [Segment<'_>]) -> (usize, bool) {
        let mut filled = 0;
        while let Some(buffer) = buffers.get_mut(filled) {
            let mut offload = Offload::default();
            // The system cuts a frame to fit and does not say so; a byte too many tells.
            let mut excess = [0];
            let room = buffer.buffer();
            let capacity = room.len();
            let parts = &mut [
                IoSliceMut::new(offload_bytes(&mut offload)),
                IoSliceMut::new(room),
                IoSliceMut::new(&mut excess),
            ];
            let (parts, header_len) = match self.has_header {
                true => (&mut parts[..], HEADER),
                false => (&mut parts[1..], 0),
            };
            match (&self.device)
                .read_vectored(parts)
                .map(|len| len.saturating_sub(header_len))
            {
                Ok(len) if len > capacity => {}
                Ok(len) => {
                    buffer.set_len(len);
                    buffer.set_offload(offload);
                    filled += 1;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (filled, error.kind() == ErrorKind::WouldBlock),
            }
        }
        (filled, false)
    }
}

impl End for Tun {
    fn info(&self) -> LinkInfo {
        LinkInfo {
            // The kernel's end of the cable has an address of its own; the interface's is the host's.
            address: [0; 6],
            medium: match self.layer {
                Layer::Ethernet => LinkInfo::ETHERNET,
                Layer::Ip => LinkInfo::IP,
            },
            mtu: self.mtu,
            offloads: match self.has_header {
                true => LinkInfo::CHECKSUM | LinkInfo::TCP4 | LinkInfo::TCP6,
                false => 0,
            },
            longest_sent: LONGEST,
            longest_received: if self.leaves_work { LONGEST } else { self.mtu },
        }
    }

    fn begin(&self, link: &Link) -> Result<(), Errno> {
        link.watch(self.device.as_fd(), libc::EPOLLIN)?;
        match &self.news {
            Some(news) => link.watch(news.fd(), NEWS),
            None => Ok(()),
        }
    }

    fn happened(&self, link: &Link, events: u32) {
        if events & NEWS as u32 != 0
            && let Some(news) = &self.news
        {
            news.take();
            link.watch_again(news.fd(), NEWS);
            let up = is_up(&self.device);
            if self.up.swap(up, Relaxed) == up {
                // Of another interface.
                return;
            }
        }
        link.arrived.tell();
    }

    fn carrier(&self) -> bool {
        self.up.load(Relaxed)
    }

    fn receive(&self, link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let (received, watch) = self.take(buffers);
        if watch {
            link.watch_again(self.device.as_fd(), libc::EPOLLIN);
        }
        received
    }

    /// One that the system refuses is lost, as on a cable.
    fn transmit(&self, _link: &Link, frames: &[Segment<'_>]) -> usize {
        let mut taken = 0;
        while let Some(frame) = frames.get(taken) {
            let mut offload = frame.offload();
            let parts = &[
                IoSlice::new(offload_bytes(&mut offload)),
                IoSlice::new(frame.as_slice()),
            ];
            let parts = if self.has_header {
                &parts[..]
            } else {
                &parts[1..]
            };
            match (&self.device).write_vectored(parts) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It is down, or gone.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EIO | libc::EBADFD)) => {
                    break;
                }
                _ => taken += 1,
            }
        }
        taken
    }

    fn end(&self, link: &Link) {
        link.forget(self.device.as_fd());
        if let Some(news) = &self.news {
            link.forget(news.fd());
        }
    }
}

impl Drop for Tun {
    fn drop(&mut self) {
        if self.leaves_work {
            // An interface that stays may next be opened by somebody who takes plain frames.
            // SAFETY: the call takes its argument as a number.
            unsafe { libc::ioctl(self.device.as_raw_fd(), libc::TUNSETOFFLOAD, 0) };
        }
    }
}

/// Whether the interface is up; an old system says so always.
fn is_up(device: &File) -> bool {
    let mut poll = libc::pollfd {
        fd: device.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: the call writes the one structure it is given.
    unsafe { libc::poll(&raw mut poll, 1, 0) };
    poll.revents & libc::POLLOUT != 0
}

/// Attaches to the interface that `request` names, with these flags.
fn attach(device: &File, request: &mut libc::ifreq, flags: c_int) -> Result<(), Errno> {
    request.ifr_ifru.ifru_flags = (libc::IFF_NO_PI | flags) as i16;
    // SAFETY: the request is of the kind this call reads and writes.
    let answer = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut *request) };
    match answer {
        0 => Ok(()),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

/// Offers the system to leave checksums and long segments to us, and says whether it will.
fn ask_for_work(device: &File) -> bool {
    let size = HEADER as c_int;
    let work = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
    // SAFETY: the one reads an integer that is there, the other takes its argument as a number.
    unsafe {
        libc::ioctl(device.as_raw_fd(), libc::TUNSETVNETHDRSZ, &raw const size) == 0
            && libc::ioctl(
                device.as_raw_fd(),
                libc::TUNSETOFFLOAD,
                libc::c_ulong::from(work),
            ) == 0
    }
}
