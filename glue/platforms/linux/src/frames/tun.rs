//! A TAP or TUN interface: its other end is an interface of the host, of Ethernet or of IP packets alone.
//!
//! In front of each frame goes virtio's header (`IFF_VNET_HDR`), by which the host leaves checksums and the
//! cutting up of TCP segments to us and we to it: most of them then are never done. An old system that
//! knows nothing of that carries plain frames.

mod batch;
mod news;

use std::array;
use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{IoSlice, IoSliceMut};
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hypercall::{Errno, LinkInfo, Offload, Segment};

use super::{End, LONGEST, Link, errno, interface, offload_bytes};
use batch::Batch;
use news::News;

/// Where the system hands out such interfaces.
const DEVICE: &str = "/dev/net/tun";
/// What such interfaces have unless told otherwise.
const USUAL_MTU: u32 = 1500;
/// What tells news of interfaces from frames, which are watched for with `EPOLLIN`: the same by another name.
const NEWS: i32 = libc::EPOLLRDNORM;
/// Bytes of the header in front of a frame: an [`Offload`].
const HEADER: usize = mem::size_of::<Offload>();
/// How many frames are asked for at first: most often it is one or two, and a question in vain takes its time.
const AT_FIRST: usize = 4;

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
    batch: Batch,
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
            batch: Batch::new(&device),
            device,
            layer,
            mtu,
            has_header,
            leaves_work,
        })
    }

    /// The first part of a frame that goes to the system and comes from there.
    fn first(&self) -> usize {
        usize::from(!self.has_header)
    }

    /// Fills buffers with frames, until none waits: how many, and whether to watch for more. There
    /// will be none if the interface is gone.
    fn take(&self, buffers: &mut [Segment<'_>]) -> (usize, bool) {
        let header_len = if self.has_header { HEADER } else { 0 };
        let (mut filled, mut asked) = (0, AT_FIRST);
        while filled < buffers.len() {
            let room = &mut buffers[filled..];
            let asked_now = asked.min(room.len());
            let mut offloads = [Offload::default(); batch::MOST];
            // The system cuts a frame to fit and does not say so; a byte too many tells.
            let mut excess = [[0]; batch::MOST];
            let mut whole = room
                .iter_mut()
                .map(Segment::buffer)
                .zip(&mut offloads)
                .zip(&mut excess);
            let mut parts: [_; batch::MOST] = array::from_fn(|_| match whole.next() {
                Some(((bytes, offload), excess)) => [
                    IoSliceMut::new(offload_bytes(offload)),
                    IoSliceMut::new(bytes),
                    IoSliceMut::new(excess),
                ],
                None => [&mut [][..], &mut [], &mut []].map(IoSliceMut::new),
            });
            let answers = self
                .batch
                .read(&self.device, &mut parts[..asked_now], self.first());
            let answers = &answers[..asked_now];
            let taken = answers
                .iter()
                .rposition(Result::is_ok)
                .map_or(0, |last| last + 1);
            for ((buffer, answer), offload) in room.iter_mut().zip(&answers[..taken]).zip(offloads)
            {
                let len = answer.map_or(0, |len| len.saturating_sub(header_len));
                // What is too long, and what came late, is none.
                let fits = len <= buffer.buffer().len();
                buffer.set_len(if fits { len } else { 0 });
                buffer.set_offload(offload);
            }
            filled += taken;
            if let Err(error) = answers[asked_now - 1] {
                return (filled, error == libc::EAGAIN);
            }
            asked = batch::MOST;
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
        for frames in frames.chunks(batch::MOST) {
            let mut offloads: [_; batch::MOST] =
                array::from_fn(|at| frames.get(at).map(Segment::offload).unwrap_or_default());
            let mut whole = frames.iter().zip(&mut offloads);
            let parts: [_; batch::MOST] = array::from_fn(|_| match whole.next() {
                Some((frame, offload)) => [&offload_bytes(offload)[..], frame.as_slice()],
                None => [&[][..], &[]],
            });
            let parts = parts.map(|parts| parts.map(IoSlice::new));
            let parts = &parts[..frames.len()];
            let answers = self.batch.write(&self.device, parts, self.first());
            // It is full, or down, or gone: what is refused for that is sent again, unless something behind it is on its way.
            let refused = |answer: &Result<usize, i32>| {
                matches!(answer, Err(libc::EAGAIN | libc::EIO | libc::EBADFD))
            };
            let answers = &answers[..frames.len()];
            let sent = answers.iter().rposition(|answer| !refused(answer));
            let sent = sent.map_or(0, |last| last + 1);
            taken += sent;
            if sent < frames.len() {
                break;
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
