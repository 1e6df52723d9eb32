//! The two address families, as the layer of sockets finds them, and what their sockets have in common.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Errno, Events, HostHandle, Lwp, UpcallGuard, Work, upcall};
use hypercall::{SocketNews, hostsockets};
use sockets::{Protocol, Socket};
use syscall::consts::*;

use crate::buffers::Buffers;
use crate::socket::{HostSocket, Kind};

/// The state of the component.
pub(crate) struct Sockin {
    handle: u64,
    /// What lets go of all sockets, also if the instance dies.
    attached: HostHandle,
    upcall: Leaf<Option<UpcallGuard>>,
    /// The sockets that the host watches.
    watched: Leaf<BTreeMap<u64, Weak<HostSocket>>>,
    /// Sockets that nobody has open any more and whose data is still on its way.
    pub(crate) lingering: Leaf<Vec<Arc<HostSocket>>>,
    pub(crate) buffers: Buffers,
}

impl Sockin {
    /// Makes the instance known to the host.
    pub(crate) fn start(boot: &Boot<'_>) -> Arc<Self> {
        Arc::new_cyclic(|me: &Weak<Sockin>| {
            let me = me.clone();
            let work = Work::new(boot.instance(), move |lwp| {
                if let Some(sockin) = me.upgrade() {
                    sockin.hear(lwp);
                }
            });
            let (upcall, guard) = upcall(&work);
            let handle = hostsockets::attach(upcall);
            Sockin {
                handle,
                attached: boot.instance().keep(handle, hostsockets::detach),
                upcall: Leaf::new(Some(guard)),
                watched: Leaf::new(BTreeMap::new()),
                lingering: Leaf::new(Vec::new()),
                buffers: Buffers::new(),
            }
        })
    }

    /// Closes what is left.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        for socket in self.lingering.with(core::mem::take) {
            socket.end_lingering(lwp);
        }
        // The host forgets the upcall before its object goes.
        if self.attached.close() {
            drop(self.upcall.with(Option::take));
        }
    }

    /// Has the host tell of a socket's news from now on.
    pub(crate) fn watch(&self, socket: &HostSocket) -> Result<(), Errno> {
        self.watched
            .with(|all| all.insert(socket.handle, socket.me.clone()));
        Errno::check(hostsockets::watch(socket.handle)).map(drop)
    }

    /// Closes a socket on the host.
    pub(crate) fn close(&self, socket: &HostSocket) {
        hostsockets::close(socket.handle);
        let _dropped_outside = self.watched.with(|all| all.remove(&socket.handle));
    }

    /// Hears the news of all sockets.
    pub(crate) fn hear(&self, lwp: &Lwp<'_>) {
        let mut news = SocketNews::default();
        loop {
            let count = hostsockets::news(self.handle, &mut news);
            let told = news.sockets.iter().zip(news.events).take(count);
            for (handle, events) in told {
                let socket = self
                    .watched
                    .with(|all| all.get(handle).and_then(Weak::upgrade));
                if let Some(socket) = socket {
                    socket.hear(lwp, Events(events));
                }
            }
            if count < news.sockets.len() {
                return;
            }
        }
    }
}

/// One address family.
pub(crate) struct HostProtocol {
    sockin: Arc<Sockin>,
    family: u16,
}

impl HostProtocol {
    pub(crate) fn new(sockin: &Arc<Sockin>, family: u16) -> Self {
        HostProtocol {
            sockin: sockin.clone(),
            family,
        }
    }
}

impl Protocol for HostProtocol {
    fn family(&self) -> u16 {
        self.family
    }

    fn socket(&self, lwp: &Lwp<'_>, kind: u32, protocol: u32) -> Result<Arc<dyn Socket>, Errno> {
        if !matches!(kind, SOCK_STREAM | SOCK_DGRAM | SOCK_RAW) {
            return Err(Errno::ESOCKTNOSUPPORT);
        }
        let opened = hostsockets::open(self.sockin.handle, self.family.into(), kind, protocol);
        let kind = Kind {
            domain: self.family,
            kind,
            protocol: match (kind, protocol) {
                (SOCK_STREAM, 0) => IPPROTO_TCP,
                (SOCK_DGRAM, 0) => IPPROTO_UDP,
                _ => protocol,
            },
        };
        Ok(HostSocket::new(
            lwp,
            &self.sockin,
            kind,
            Errno::check(opened)?,
        )?)
    }
}
