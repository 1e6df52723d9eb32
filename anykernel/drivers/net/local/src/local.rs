//! What the sockets of a kernel have in common.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::{Guard, Leaf, Mutex};
use base::{Errno, Lwp, Memory, OpenFile};
use sockets::{Protocol, Socket};
use syscall::consts::*;

use crate::datagram::DatagramSocket;
use crate::in_flight::InFlight;
use crate::names::Names;
use crate::stream::StreamSocket;

/// The state of the component.
pub(crate) struct Local {
    pub(crate) memory: Arc<Memory>,
    pub(crate) names: Names,
    /// Taken before any socket's lock.
    pub(crate) in_flight: Mutex<InFlight>,
    discarded: Leaf<Discarded>,
}

/// Files to be released, by one who is at it.
#[derive(Default)]
struct Discarded {
    files: Vec<Arc<OpenFile>>,
    busy: bool,
}

impl Local {
    pub(crate) fn new(memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Local {
            memory: memory.clone(),
            names: Names::new(),
            in_flight: Mutex::new(InFlight::default()),
            discarded: Leaf::new(Discarded::default()),
        })
    }

    /// Releases files that were in a queue and are counted no more. No lock is held. Closing one may bring more of
    /// them, and those are released here and not there: however many sockets are in one another, the stack is not.
    pub(crate) fn discard(&self, lwp: &Lwp<'_>, files: Vec<Arc<OpenFile>>) {
        if files.is_empty() {
            return;
        }
        let busy = self.discarded.with(|discarded| {
            discarded.files.extend(files);
            core::mem::replace(&mut discarded.busy, true)
        });
        if busy {
            return;
        }
        let next = || {
            self.discarded.with(|discarded| {
                let next = discarded.files.pop();
                discarded.busy = next.is_some();
                next
            })
        };
        while let Some(open) = next() {
            open.release(lwp);
        }
    }

    /// Takes the lock of what is in flight, for who adds so many files.
    pub(crate) fn lock_for<'a>(&'a self, lwp: &'a Lwp<'_>, files: usize) -> Guard<'a, InFlight> {
        let in_flight = self.in_flight.lock(lwp);
        if in_flight.has_room(files) {
            return in_flight;
        }
        drop(in_flight);
        self.collect(lwp);
        self.in_flight.lock(lwp)
    }

    /// Empties the queues that nobody can receive from any more. No lock is held.
    pub(crate) fn collect(&self, lwp: &Lwp<'_>) {
        let files = self.in_flight.lock(lwp).collect(lwp);
        self.discard(lwp, files);
    }
}

/// The protocol family, as the layer of sockets finds it.
pub(crate) struct LocalProtocol(pub(crate) Arc<Local>);

impl LocalProtocol {
    /// Whether the type is one of datagrams. `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`.
    fn is_datagram(kind: u32, protocol: u32) -> Result<bool, Errno> {
        if protocol != 0 && protocol != u32::from(AF_UNIX) {
            return Err(Errno::EPROTONOSUPPORT);
        }
        match kind {
            SOCK_STREAM | SOCK_SEQPACKET => Ok(false),
            // BSD has raw sockets of this family, which are the same.
            SOCK_DGRAM | SOCK_RAW => Ok(true),
            _ => Err(Errno::ESOCKTNOSUPPORT),
        }
    }
}

impl Protocol for LocalProtocol {
    fn family(&self) -> u16 {
        AF_UNIX
    }

    fn socket(&self, _lwp: &Lwp<'_>, kind: u32, protocol: u32) -> Result<Arc<dyn Socket>, Errno> {
        Ok(match Self::is_datagram(kind, protocol)? {
            true => DatagramSocket::new(&self.0),
            false => StreamSocket::new(&self.0, kind),
        })
    }

    fn pair(&self, lwp: &Lwp<'_>, kind: u32, protocol: u32) -> Result<[Arc<dyn Socket>; 2], Errno> {
        Ok(match Self::is_datagram(kind, protocol)? {
            true => DatagramSocket::pair(lwp, &self.0).map(|one| one as Arc<dyn Socket>),
            false => StreamSocket::pair(lwp, &self.0, kind).map(|one| one as Arc<dyn Socket>),
        })
    }
}
