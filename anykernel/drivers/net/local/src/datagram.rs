//! Sockets of datagrams. Errors and their order are Linux's.
//!
//! A socket's state is behind a leaf lock, and nobody takes two of them: a datagram goes into its receiver's queue
//! under that one's, and is counted at its sender under that one's.

mod socket;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Charge, Errno, Events, Lwp, OpenFile, Readiness, Wait, Wakes};
use sockets::{FilterPlace, Outgoing};
use syscall::UioIn;
use syscall::consts::*;

use crate::filter;
use crate::in_flight::InFlight;
use crate::local::Local;
use crate::name::Name;
use crate::names::Named;
use crate::options::Options;

/// What a datagram counts beside its bytes.
const OVERHEAD: usize = 512;
/// How many may wait at a socket that is not connected to their sender (`max_dgram_qlen` as systems set it).
const MOST: usize = 512;

/// A socket of datagrams.
pub(crate) struct DatagramSocket {
    local: Arc<Local>,
    readiness: Readiness,
    filter: FilterPlace,
    state: Leaf<State>,
    pub(crate) this: Weak<DatagramSocket>,
}

struct State {
    name: Option<Arc<Name>>,
    peer: Option<Arc<DatagramSocket>>,
    queue: VecDeque<Datagram>,
    /// What was sent from here and not received yet counts.
    sent: usize,
    /// Who would send to here, and waits for room.
    waiting: Vec<Weak<DatagramSocket>>,
    options: Options,
    error: Option<Errno>,
    /// The process that made the pair, if it is one of two.
    partner: Option<i32>,
    shut_read: bool,
    shut_write: bool,
    closed: bool,
    level: Events,
}

/// A datagram that waits.
struct Datagram {
    data: Vec<u8>,
    files: Vec<Arc<OpenFile>>,
    from: Arc<DatagramSocket>,
    /// The process that sent it.
    sender: i32,
    _charge: Charge,
}

impl Datagram {
    fn counts(&self) -> usize {
        self.data.len() + OVERHEAD
    }
}

impl State {
    fn level_now(&self) -> Events {
        Events::IN.when(self.shut_read || !self.queue.is_empty())
            | Events::OUT.when(self.sent * 4 <= self.options.send_buffer)
            | Events::ERR.when(self.error.is_some())
            | Events::RDHUP.when(self.shut_read)
            | Events::HUP.when(self.shut_read && self.shut_write)
    }

    fn is_connected_to(&self, other: *const DatagramSocket) -> bool {
        self.peer
            .as_ref()
            .is_some_and(|peer| core::ptr::eq(&raw const **peer, other))
    }

    /// Whether a sender has to wait.
    fn is_full_for(&self, sender: *const DatagramSocket) -> bool {
        self.queue.len() >= MOST && !self.is_connected_to(sender)
    }
}

impl DatagramSocket {
    /// A socket with no name and no peer.
    pub(crate) fn new(local: &Arc<Local>) -> Arc<Self> {
        Arc::new_cyclic(|this| DatagramSocket {
            local: local.clone(),
            readiness: Readiness::new(Events::OUT),
            filter: FilterPlace::default(),
            state: Leaf::new(State {
                name: None,
                peer: None,
                queue: VecDeque::new(),
                sent: 0,
                waiting: Vec::new(),
                options: Options::new(),
                error: None,
                partner: None,
                shut_read: false,
                shut_write: false,
                closed: false,
                level: Events::OUT,
            }),
            this: this.clone(),
        })
    }

    /// Two sockets that are connected to each other.
    pub(crate) fn pair(lwp: &Lwp<'_>, local: &Arc<Local>) -> [Arc<Self>; 2] {
        let pair = [Self::new(local), Self::new(local)];
        for (one, other) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
            one.state.with(|state| {
                state.peer = Some(other.clone());
                state.partner = Some(lwp.process().pid());
            });
        }
        pair
    }

    /// Has `f` change the state, and tells what there is then, and what of that is new though it was so before.
    fn change<R>(&self, lwp: &Lwp<'_>, news: Events, f: impl FnOnce(&mut State) -> R) -> R {
        Wakes::deliver_after(lwp, |wakes| {
            self.state.with(|state| {
                let result = f(state);
                let level = state.level_now();
                let news = level & news;
                if level != state.level || !news.is_empty() {
                    state.level = level;
                    self.readiness.update(level, news, wakes);
                }
                result
            })
        })
    }

    /// The socket with a name.
    fn find(&self, name: &Name) -> Result<Arc<DatagramSocket>, Errno> {
        match self.local.names.find(name, SOCK_DGRAM)? {
            Named::Datagram(socket) => Ok(socket),
            Named::Stream(_) => Err(Errno::EPROTOTYPE),
        }
    }

    /// Sends a datagram. Who brings files has locked `in_flight`.
    fn send(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        mut in_flight: Option<&mut InFlight>,
    ) -> Result<usize, Wait> {
        let len = data.remaining();
        let named = match &with.to {
            Some(address) => Some(Name::of(address)?.ok_or(Errno::EINVAL)?),
            None => None,
        };
        let peer = self.change(lwp, Events::NONE, |state| {
            let peer = state.peer.clone();
            if named.is_none() && peer.is_none() {
                return Err(Errno::ENOTCONN.into());
            }
            if len > state.options.send_buffer - 32 {
                return Err(Errno::EMSGSIZE.into());
            }
            if let Some(errno) = state.error.take() {
                return Err(errno.into());
            }
            if state.shut_write {
                return Err(Errno::EPIPE.into());
            }
            if state.sent >= state.options.send_buffer {
                return Err(Wait::For(Events::OUT));
            }
            Ok(peer)
        })?;
        let to = match named {
            Some(name) => self.find(&name)?,
            None => peer.ok_or(Errno::ENOTCONN)?,
        };
        let mut datagram = self.copy(lwp, *data)?;
        match filter::keep(&to.filter, &mut datagram.data) {
            Some(kept) => datagram.data.truncate(kept),
            // Nobody is told.
            None => return Ok(len),
        }
        let counts = datagram.counts();
        if let Some(in_flight) = &mut in_flight {
            in_flight.add(&with.files)?;
        }
        // Counted before anybody can receive it.
        self.change(lwp, Events::NONE, |state| state.sent += counts);
        let delivered = to.deliver(lwp, datagram, &mut with.files);
        if let Err((wait, datagram)) = delivered {
            drop(datagram);
            if let Some(in_flight) = in_flight {
                in_flight.remove(&with.files);
            }
            self.received(lwp, counts);
            return Err(wait);
        }
        Ok(len)
    }

    /// A datagram of `data`.
    fn copy(self: &Arc<Self>, lwp: &Lwp<'_>, mut data: UioIn<'_>) -> Result<Datagram, Errno> {
        let len = data.remaining();
        let charge = self.local.memory.charge_bulk(len + OVERHEAD)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(len, 0);
        data.take(&mut bytes)?;
        Ok(Datagram {
            data: bytes,
            files: Vec::new(),
            from: self.clone(),
            sender: lwp.process().pid(),
            _charge: charge,
        })
    }

    /// Queues a datagram here, with its files, or gives it back: `EPERM` if the socket is connected to another,
    /// `ECONNREFUSED` if it was closed, `EPIPE` if it receives no more.
    fn deliver(
        &self,
        lwp: &Lwp<'_>,
        mut datagram: Datagram,
        files: &mut Vec<Arc<OpenFile>>,
    ) -> Result<(), (Wait, Datagram)> {
        Wakes::deliver_after(lwp, |wakes| {
            self.state.with(|state| {
                if let Err(wait) = state.accepts(&datagram.from) {
                    return Err((wait, datagram));
                }
                datagram.files = core::mem::take(files);
                state.queue.push_back(datagram);
                state.level = state.level_now();
                self.readiness.update(state.level, Events::IN, wakes);
                Ok(())
            })
        })
    }

    /// Something that was sent from here was received, or will never be.
    fn received(&self, lwp: &Lwp<'_>, counts: usize) {
        // Only a set of files can tell that there was room before.
        let room = Events::OUT.when(self.readiness.is_observed());
        self.change(lwp, room, |state| state.sent -= counts);
    }

    /// The peer is gone: the socket has none now.
    fn lose_peer(&self, lwp: &Lwp<'_>) {
        if let Some(peer) = self.state.with(|state| state.peer.take()) {
            self.disconnected(lwp, &peer);
        }
    }

    /// The socket is connected to `old` no more: what came from there is lost, and `old` hears it, if it is
    /// connected to this one.
    fn disconnected(&self, lwp: &Lwp<'_>, old: &DatagramSocket) {
        self.purge(lwp);
        let tell = old
            .state
            .with(|state| !state.closed && state.is_connected_to(self));
        if tell {
            old.change(lwp, Events::ERR, |state| {
                state.error = Some(Errno::ECONNRESET);
            });
        }
    }

    /// Drops all that waits here.
    fn purge(&self, lwp: &Lwp<'_>) {
        let mut in_flight = self.local.in_flight.lock(lwp);
        let (queue, waiting) = self.change(lwp, Events::NONE, |state| {
            (
                core::mem::take(&mut state.queue),
                core::mem::take(&mut state.waiting),
            )
        });
        let mut files = Vec::new();
        for mut datagram in queue {
            files.append(&mut datagram.files);
            datagram.from.received(lwp, datagram.counts());
        }
        in_flight.remove(&files);
        drop(in_flight);
        self.wake(lwp, &waiting);
        self.local.tidy(lwp, files);
    }

    /// Has those try again who would send.
    fn wake(&self, lwp: &Lwp<'_>, waiting: &[Weak<DatagramSocket>]) {
        for sender in waiting.iter().filter_map(Weak::upgrade) {
            sender.change(lwp, Events::OUT, |_| ());
        }
    }

    /// All files that were sent to it.
    pub(crate) fn for_each_file(&self, f: &mut dyn FnMut(&Arc<OpenFile>)) {
        self.state.with(|state| {
            let files = state.queue.iter().flat_map(|datagram| &datagram.files);
            files.for_each(f);
        });
    }

    /// Takes those files out.
    pub(crate) fn take_files(&self) -> Vec<Arc<OpenFile>> {
        self.state.with(|state| {
            let files = state.queue.iter_mut().map(|datagram| &mut datagram.files);
            files.flat_map(core::mem::take).collect()
        })
    }
}

impl State {
    /// Whether a datagram of this sender may come in. If it has to wait for room, it hears when there is.
    fn accepts(&mut self, from: &Arc<DatagramSocket>) -> Result<(), Wait> {
        let sender = Arc::as_ptr(from);
        if self.closed {
            return Err(Errno::ECONNREFUSED.into());
        }
        if self.peer.is_some() && !self.is_connected_to(sender) {
            return Err(Errno::EPERM.into());
        }
        if self.shut_read {
            return Err(Errno::EPIPE.into());
        }
        if self.is_full_for(sender) {
            self.wait(from);
            return Err(Wait::For(Events::OUT));
        }
        Ok(())
    }

    /// Notes who waits for room.
    fn wait(&mut self, sender: &Arc<DatagramSocket>) {
        let sender = Arc::downgrade(sender);
        self.waiting.retain(|other| other.strong_count() > 0);
        if !self.waiting.iter().any(|other| other.ptr_eq(&sender)) {
            self.waiting.push(sender);
        }
    }
}
