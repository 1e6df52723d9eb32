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
    untidy: Leaf<Untidy>,
}

/// What is to be tidied up, by one who is at it.
#[derive(Default)]
struct Untidy {
    /// To be released.
    files: Vec<Arc<OpenFile>>,
    /// Something may be lost, and is to be searched for.
    search: bool,
    busy: bool,
}

/// What is next to be done of it.
enum Task {
    Release(Arc<OpenFile>),
    Search,
    Nothing,
}

impl Untidy {
    fn next(&mut self) -> Task {
        if let Some(open) = self.files.pop() {
            Task::Release(open)
        } else if core::mem::take(&mut self.search) {
            Task::Search
        } else {
            self.busy = false;
            Task::Nothing
        }
    }
}

impl Local {
    pub(crate) fn new(memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Local {
            memory: memory.clone(),
            names: Names::new(),
            in_flight: Mutex::new(InFlight::default()),
            untidy: Leaf::new(Untidy::default()),
        })
    }

    /// Releases files that were in a queue and are counted no more, and empties the queues that nobody can receive from
    /// any more. No lock is held. To close a file may bring more of both: that is left to whoever is at it already, so
    /// however many sockets are in one another, the stack is not, and they are searched for once.
    pub(crate) fn tidy(&self, lwp: &Lwp<'_>, files: Vec<Arc<OpenFile>>) {
        let busy = self.untidy.with(|untidy| {
            untidy.files.extend(files);
            untidy.search = true;
            core::mem::replace(&mut untidy.busy, true)
        });
        if busy {
            return;
        }
        loop {
            match self.untidy.with(Untidy::next) {
                Task::Release(open) => open.release(lwp),
                Task::Search => {
                    let lost = self.in_flight.lock(lwp).collect(lwp);
                    self.untidy.with(|untidy| untidy.files.extend(lost));
                }
                Task::Nothing => break,
            }
        }
    }

    /// Takes the lock of what is in flight, for who adds so many files.
    pub(crate) fn lock_for<'a>(&'a self, lwp: &'a Lwp<'_>, files: usize) -> Guard<'a, InFlight> {
        let in_flight = self.in_flight.lock(lwp);
        if in_flight.has_room(files) {
            return in_flight;
        }
        drop(in_flight);
        self.tidy(lwp, Vec::new());
        self.in_flight.lock(lwp)
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
