//! Sockets for datagrams: what UDP and raw sockets have in common, which is nearly everything.
//!
//! Their state is small and is behind a leaf lock; a datagram that arrives goes straight into the queue,
//! and only the news of it wait for whoever settles.

pub(crate) mod ancillary;
mod cork;
mod local;
mod route;
mod socket;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::net::IpAddr;
use core::sync::atomic::Ordering;

use base::sync::{Leaf, Word};
use base::{Errno, Events, Lwp, Readiness, Wait, Wakes};
use net::{Frame, Interface, Reason};
use sockets::FilterPlace;
use syscall::consts::*;
use syscall::{SockAddr, UioIn};

use crate::address::{Endpoint, Family};
use crate::inet::{Arriving, Inet, Job, Packet};
use crate::options::{Opt, Options, RAW, UDP};
use crate::ports::Claim;
use ancillary::{Ancillary, Chosen};
use cork::Gathered;
pub(crate) use route::Route;

/// What a waiting datagram counts beside its bytes.
const OVERHEAD: usize = 512;

/// Which protocol's datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Udp,
    /// Those of an IP protocol, whatever they hold.
    Raw(u8),
}

/// A socket for datagrams.
pub(crate) struct DatagramSocket {
    pub(crate) inet: Arc<Inet>,
    pub(crate) family: Family,
    pub(crate) kind: Kind,
    readiness: Readiness,
    /// Whether what is sent may be a part of something: looked at without the lock, to save it.
    gathers: Word,
    pub(crate) state: Leaf<DatagramState>,
    pub(crate) filter: FilterPlace,
    pub(crate) this: Weak<DatagramSocket>,
}

/// What of it changes.
pub(crate) struct DatagramState {
    pub(crate) options: Options,
    queue: VecDeque<Datagram>,
    /// What they count.
    queued: usize,
    /// News of them wait to be told.
    untold: bool,
    /// The beginning of a datagram.
    gathered: Gathered,
    /// The port it has, and how.
    pub(crate) port: Option<(u16, Claim)>,
    /// The program chose the port.
    pub(crate) bound: bool,
    /// The address it is bound to, or that connecting chose.
    pub(crate) local: Option<IpAddr>,
    pub(crate) peer: Option<Endpoint>,
    /// By which interface to the peer, where its address does not say.
    via: Option<Arc<Interface>>,
    /// The interface of a link-local address, the peer's or its own.
    pub(crate) link: u32,
    #[cfg(feature = "multicast")]
    pub(crate) groups: crate::multicast::Groups,
    error: Option<Errno>,
    shut_read: bool,
    shut_write: bool,
    closed: bool,
    level: Events,
}

/// A datagram that waits; the frame's payload is what the program gets.
pub(crate) struct Datagram {
    pub(crate) frame: Frame,
    pub(crate) from: Endpoint,
    /// The interface of a link-local sender.
    pub(crate) link: u32,
    /// Where it was sent to, by which interface it came, and how many hops it might still have gone.
    pub(crate) to: IpAddr,
    pub(crate) interface: u32,
    pub(crate) hop_limit: u8,
    /// When it arrived, in nanoseconds since 1970, if that was of interest; else zero.
    pub(crate) at: u64,
}

impl Datagram {
    /// Of a packet that came by an interface, `frame` is what the program gets.
    pub(crate) fn of(
        interface: &Interface,
        (from, to): (Endpoint, IpAddr),
        hop_limit: u8,
        frame: Frame,
    ) -> Self {
        let interface = interface.index();
        Datagram {
            frame,
            from,
            link: match crate::address::is_link_local(from.addr) {
                true => interface,
                false => 0,
            },
            to,
            interface,
            hop_limit,
            at: 0,
        }
    }
}

impl DatagramSocket {
    /// A socket that is bound to nothing.
    pub(crate) fn new(inet: &Arc<Inet>, family: Family, kind: Kind) -> Arc<Self> {
        let raw = matches!(kind, Kind::Raw(_));
        let mut options = Options::new(if raw { RAW } else { UDP }, inet.settings.udp_buffer);
        let whole = kind == Kind::Raw(IPPROTO_RAW as u8);
        options.put(Opt::HeaderIncluded, whole.into());
        let socket = Arc::new_cyclic(|this| DatagramSocket {
            inet: inet.clone(),
            family,
            kind,
            readiness: Readiness::new(Events::OUT),
            gathers: Word::new(0),
            state: Leaf::new(DatagramState {
                options,
                queue: VecDeque::new(),
                queued: 0,
                untold: false,
                gathered: Gathered::default(),
                port: None,
                bound: false,
                local: None,
                peer: None,
                via: None,
                link: 0,
                #[cfg(feature = "multicast")]
                groups: Default::default(),
                error: None,
                shut_read: false,
                shut_write: false,
                closed: false,
                level: Events::OUT,
            }),
            filter: FilterPlace::default(),
            this: Weak::clone(this),
        });
        if raw {
            inet.tables.write(|tables| {
                tables.raw.push(socket.clone());
                inet.raw_sockets.store(tables.raw.len(), Ordering::Relaxed);
            });
        }
        socket
    }

    /// Queues a datagram that arrived, or leaves it where it is if there is no room.
    fn deliver(self: &Arc<Self>, lwp: &Lwp<'_>, arrived: &mut Option<Datagram>) {
        let told = self.state.with(|state| {
            let queued = state.queue(arrived);
            !queued || core::mem::replace(&mut state.untold, true)
        });
        if !told {
            self.inet.note(lwp, Job::Tell(self.clone()));
        }
    }

    /// Notes an error that the network reported.
    pub(crate) fn fail(self: &Arc<Self>, lwp: &Lwp<'_>, errno: Errno) {
        let untold = self.state.with(|state| {
            state.error = Some(errno);
            core::mem::replace(&mut state.untold, true)
        });
        if !untold {
            self.inet.note(lwp, Job::Tell(self.clone()));
        }
    }

    /// Tells whoever waits of what arrived. No lock is held.
    pub(crate) fn tell(&self, lwp: &Lwp<'_>) {
        self.change(lwp, |state| {
            state.untold = false;
            ((), Events::IN | Events::ERR)
        });
    }

    /// Has `f` change the state, which says what news there are, and publishes that.
    fn change<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&mut DatagramState) -> (R, Events)) -> R {
        Wakes::deliver_after(lwp, |wakes| {
            self.state.with(|state| {
                let (result, news) = f(state);
                let level = state.level_now();
                let news = level & (!state.level | news);
                if level != state.level || !news.is_empty() {
                    state.level = level;
                    self.readiness.update(level, news, wakes);
                }
                result
            })
        })
    }

    /// As [`change`](Self::change), for what makes no news beside what the level says.
    pub(crate) fn update<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&mut DatagramState) -> R) -> R {
        self.change(lwp, |state| (f(state), Events::NONE))
    }

    /// Takes the first datagram, and what the program wants to hear of it; leaves it counted, if it is to come back.
    #[inline]
    fn take(
        &self,
        lwp: &Lwp<'_>,
        peek: bool,
        nonblock: bool,
        told: &mut Option<Ancillary>,
    ) -> Result<Option<Datagram>, Wait> {
        // Moved once: it is long.
        let mut taken = None;
        self.update(lwp, |state| {
            if let Some(errno) = state.error.take() {
                return Err(errno.into());
            }
            taken = state.queue.pop_front();
            match &taken {
                Some(datagram) => {
                    if !peek {
                        state.queued -= datagram.frame.len() + OVERHEAD;
                    }
                    let options = &state.options;
                    *told = options.tells().then(|| Ancillary::of(options));
                    Ok(())
                }
                // As Linux has it: only who would wait is told of the end.
                None if state.shut_read && !nonblock => Ok(()),
                None => Err(Wait::For(Events::IN)),
            }
        })?;
        Ok(taken)
    }

    /// Sends a datagram.
    fn send_one(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: &Option<SockAddr>,
        chosen: &Chosen,
    ) -> Result<usize, Errno> {
        match self.kind {
            Kind::Udp => self.send_udp(lwp, data, to, chosen),
            Kind::Raw(protocol) => self.send_raw(lwp, data, to, protocol, chosen),
        }
    }
}

impl DatagramState {
    /// Queues a datagram and says that it did, or leaves it where it is if there is no room.
    fn queue(&mut self, arrived: &mut Option<Datagram>) -> bool {
        // As Linux has it, the last one may exceed the limit.
        let most = self.options.number(Opt::ReceiveBuffer) as usize;
        if self.queued >= most || self.closed {
            return false;
        }
        let Some(mut datagram) = arrived.take() else {
            return false;
        };
        if self.options.is_timed() {
            datagram.at = hypercall::clock::wall();
        }
        self.queued += datagram.frame.len() + OVERHEAD;
        self.queue.push_back(datagram);
        true
    }

    /// As Linux's `datagram_poll` has it.
    fn level_now(&self) -> Events {
        Events::OUT
            | Events::IN.when(!self.queue.is_empty())
            | (Events::IN | Events::RDHUP).when(self.shut_read)
            | Events::HUP.when(self.shut_read && self.shut_write)
            | Events::ERR.when(self.error.is_some())
    }
}

impl Inet {
    /// Gives a socket what its filter leaves of a packet from `start` on, without a header of so many bytes.
    pub(crate) fn give(
        &self,
        lwp: &Lwp<'_>,
        socket: &Arc<DatagramSocket>,
        mut packet: Arriving<'_>,
        start: usize,
        header: usize,
        from: Endpoint,
    ) {
        if socket.filter.is_used() && !packet.pass(&socket.filter, start) {
            return self.discard(packet, Reason::Filtered);
        }
        packet.frame.trim_front(start + header);
        let Packet {
            frame,
            info,
            interface,
        } = packet;
        let datagram = Datagram::of(interface, (from, info.dst), info.hop_limit, frame);
        let mut arrived = Some(datagram);
        socket.deliver(lwp, &mut arrived);
        if let Some(refused) = arrived {
            interface.count_dropped(Reason::QueueFull, 1);
            self.net.pool().recycle(refused.frame);
        }
    }
}
