//! Links that carry frames: `tap:NAME`, a TAP interface; `tun:NAME`, a TUN interface; `packet:NAME` and `xdp:NAME`,
//! another interface of the host's; `unix:PATH`, a stream socket; `bus:NAME`, a segment between kernels.

mod bus;
mod interface;
mod packet;
mod stream;
mod tun;
mod xdp;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use hypercall::{Bytes, Errno, LinkInfo, Offload, Segment, Segments, SegmentsMut, Upcall};

use crate::{Platform, work};
use packet::PacketSocket;
use stream::Stream;
use tun::{Layer, Tun};
use xdp::XdpSocket;

/// The longest IPv6 packet without jumbo option, which is also the longest that TCP segments are cut from.
const LONGEST: u32 = 65535 + 40;

/// Our end of a link, of whatever kind. It says itself when it is to be looked at again.
trait End: Send + Sync {
    /// What the link is like.
    fn info(&self) -> LinkInfo;
    /// Begins to tell the kernel of what arrives.
    fn begin(&self, link: &Link) -> Result<(), Errno>;
    /// Takes note of events of what it has watched, as `epoll` names them.
    fn happened(&self, _link: &Link, _events: u32) {}
    /// Fills buffers, and says how many. If frames no longer wait, it is watched for the next.
    fn receive(&self, link: &Link, buffers: &mut [Segment<'_>]) -> usize;
    /// Whether somebody is at the other end. When that changes, the kernel is told.
    fn carrier(&self) -> bool {
        true
    }
    /// Sends frames, and says how many were taken.
    fn transmit(&self, link: &Link, frames: &[Segment<'_>]) -> usize;
    /// Ends the watch.
    fn end(&self, link: &Link);
}

/// An open link.
pub(crate) struct Link {
    end: Box<dyn End>,
    number: u64,
    reactor: Arc<work::Reactor>,
    arrived: Arc<Arrived>,
}

/// Whom to tell that something arrived; nobody once it closes. Held during the upcall.
pub(crate) struct Arrived(Mutex<Option<Upcall>>);

impl Arrived {
    pub(crate) fn new(upcall: Upcall) -> Arrived {
        Arrived(Mutex::new(Some(upcall)))
    }

    pub(crate) fn tell(&self) {
        let upcall = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upcall) = *upcall {
            upcall.call();
        }
    }

    /// Ends the telling, after the one under way.
    pub(crate) fn silence(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Link {
    /// Takes note of events of the link.
    pub(crate) fn happened(&self, events: u32) {
        self.end.happened(self, events);
    }

    /// Begins the telling.
    pub(crate) fn begin(&self) -> Result<(), Errno> {
        self.end.begin(self)
    }

    /// Ends the telling, after the one under way.
    pub(crate) fn silence(&self) {
        self.end.end(self);
        self.arrived.silence();
    }

    /// Watches a descriptor for one of these events.
    fn watch(&self, fd: BorrowedFd<'_>, events: i32) -> Result<(), Errno> {
        self.reactor.add(fd, self.number, events)
    }

    /// Watches for one event more. If there is cause for it already, it comes at once.
    fn watch_again(&self, fd: BorrowedFd<'_>, events: i32) {
        self.reactor.rearm(fd, self.number, events);
    }

    /// Watches no more.
    fn forget(&self, fd: BorrowedFd<'_>) {
        self.reactor.remove(fd);
    }
}

/// An offload as the bytes of the system's `struct virtio_net_hdr`, whose layout it has.
fn offload_bytes(offload: &mut Offload) -> &mut [u8; size_of::<Offload>()] {
    // SAFETY: the same memory, all of it: integers without padding, for which any bits are good.
    unsafe { &mut *(&raw mut *offload).cast() }
}

pub(crate) fn errno(error: &io::Error) -> Errno {
    Errno::from_number(error.raw_os_error().unwrap_or(libc::EIO))
}

/// The scheme of a URL and what follows it.
fn split(url: &[u8]) -> Result<(&str, &str), Errno> {
    let url = str::from_utf8(url).map_err(|_| Errno::EINVAL)?;
    url.split_once(':').ok_or(Errno::EINVAL)
}

fn open(url: &[u8], info: &mut LinkInfo, arrived: Upcall) -> Result<u64, Errno> {
    let end: Box<dyn End> = match split(url)? {
        ("bus", name) => bus::open(name)?,
        ("packet", name) if hypercall::HOST_INTERFACES => Box::new(PacketSocket::open(name)?),
        ("tap", name) => Box::new(Tun::open(name, Layer::Ethernet)?),
        ("tun", name) => Box::new(Tun::open(name, Layer::Ip)?),
        ("xdp", rest) if hypercall::HOST_INTERFACES => Box::new(XdpSocket::open(rest)?),
        ("unix", path) => Box::new(Stream::open(path)?),
        _ => return Err(Errno::EPROTONOSUPPORT),
    };
    *info = end.info();
    work::open_link(|number, reactor| Link {
        end,
        number,
        reactor,
        arrived: Arc::new(Arrived::new(arrived)),
    })
}

impl hypercall::Frames for Platform {
    fn open(url: Bytes<'_>, info: &mut LinkInfo, arrived: Upcall) -> i64 {
        match open(url.as_slice(), info, arrived) {
            Ok(number) => number as i64,
            Err(error) => error.to_answer(),
        }
    }

    fn receive(link: u64, mut buffers: SegmentsMut<'_, '_>) -> usize {
        match work::find_link(link) {
            Some(link) => link.end.receive(&link, buffers.as_mut_slice()),
            None => 0,
        }
    }

    fn transmit(link: u64, frames: Segments<'_, '_>) -> usize {
        match work::find_link(link) {
            Some(link) => link.end.transmit(&link, frames.as_slice()),
            None => 0,
        }
    }

    fn carrier(link: u64) -> bool {
        work::find_link(link).is_some_and(|link| link.end.carrier())
    }

    fn close(link: u64) {
        work::close_link(link);
    }
}

#[cfg(test)]
mod tests;
