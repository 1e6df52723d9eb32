//! Links of the host that carry frames: `tap:NAME`, a TAP interface.

mod tap;

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use hypercall::{Bytes, Errno, LinkInfo, Segments, SegmentsMut, Upcall};

use crate::{Platform, work};
use tap::Tap;

/// An open link.
pub(crate) struct Link {
    tap: Tap,
    number: u64,
    reactor: Arc<work::Reactor>,
    /// Whom to tell that frames wait; nobody once the link closes. Held during the upcall.
    arrived: Mutex<Option<Upcall>>,
}

impl Link {
    /// What to watch.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.tap.fd()
    }

    /// Tells the kernel that frames wait.
    pub(crate) fn arrived(&self) {
        let upcall = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upcall) = *upcall {
            upcall.call();
        }
    }

    /// Ends the telling, after the one under way.
    pub(crate) fn silence(&self) {
        self.reactor.remove(self.fd());
        *self.arrived.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The scheme of a URL and what follows it.
fn split(url: &[u8]) -> Result<(&str, &str), Errno> {
    let url = str::from_utf8(url).map_err(|_| Errno::EINVAL)?;
    url.split_once(':').ok_or(Errno::EINVAL)
}

fn open(url: &[u8], info: &mut LinkInfo, arrived: Upcall) -> Result<u64, Errno> {
    let tap = match split(url)? {
        ("tap", name) => Tap::open(name)?,
        _ => return Err(Errno::EPROTONOSUPPORT),
    };
    *info = tap.info();
    work::open_link(|number, reactor| Link {
        tap,
        number,
        reactor,
        arrived: Mutex::new(Some(arrived)),
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
        let Some(link) = work::find_link(link) else {
            return 0;
        };
        let (received, watch) = link.tap.receive(buffers.as_mut_slice());
        if watch {
            link.reactor.rearm(link.fd(), link.number);
        }
        received
    }

    fn transmit(link: u64, frames: Segments<'_, '_>) -> usize {
        match work::find_link(link) {
            Some(link) => link.tap.transmit(frames.as_slice()),
            None => 0,
        }
    }

    fn close(link: u64) {
        work::close_link(link);
    }
}

#[cfg(test)]
mod tests;
