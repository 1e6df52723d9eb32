//! A TCP socket: fresh, listening, or one end of a connection.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use core::net::IpAddr;
use core::sync::atomic::{Ordering, fence};

use base::sync::Mutex;
use base::{Callout, Errno, Events, Lwp, Readiness, Wakes};
use net::Batch;
use sockets::FilterPlace;

use crate::address::{Endpoint, Family};
use crate::backlog::Backlog;
use crate::connection::Connection;
use crate::inbox::Inbox;
use crate::inet::Inet;
use crate::options::{Opt, Options};
use crate::ports::Claim;

/// A TCP socket. Sockets share no line of a cache, so that those who are busy with different ones do not meet.
#[repr(align(64))]
pub(crate) struct TcpSocket {
    pub(crate) inet: Arc<Inet>,
    pub(crate) family: Family,
    pub(crate) readiness: Readiness,
    pub(crate) inbox: Inbox,
    pub(crate) backlog: Backlog,
    pub(crate) filter: FilterPlace,
    pub(crate) timer: Arc<Callout>,
    state: Mutex<TcpState>,
    pub(crate) this: Weak<TcpSocket>,
}

/// What it is.
pub(crate) enum Phase {
    /// Nothing yet, or nothing any more.
    Idle,
    /// Its connections are in the backlog, and so is what it is ready for.
    Listening,
    /// An end of a connection, until the program knows of the connection's end.
    Open(Box<Connection>),
}

/// What of it changes.
pub(crate) struct TcpState {
    pub(crate) options: Options,
    pub(crate) phase: Phase,
    /// The port it has, and how.
    pub(crate) port: Option<(u16, Claim)>,
    /// The program chose the port, and keeps it until it closes the socket. Others go with their connection.
    pub(crate) bound: bool,
    /// The address that the program chose, which stays.
    pub(crate) address: Option<IpAddr>,
    /// What it is called while it has no connection. As Linux has it, the port in it may be another's by now.
    pub(crate) name: Endpoint,
    /// The interface of the link-local address it speaks to or from.
    pub(crate) link: u32,
    /// An error that nobody was told of yet.
    pub(crate) error: Option<Errno>,
    /// Nothing more is to be read, but what is there; nothing more is to be written.
    pub(crate) shut_read: bool,
    pub(crate) shut_write: bool,
    /// The peer said that it sends no more.
    pub(crate) finished: bool,
    /// The outcome of a connect was not fetched yet.
    pub(crate) connecting: bool,
    /// The program is done with the socket.
    pub(crate) closed: bool,
    /// Whose connection it becomes when the handshake is complete.
    pub(crate) listener: Weak<TcpSocket>,
    /// What readiness was last told.
    pub(crate) level: Events,
    /// The memory of a queue, to be exchanged with the inbox's.
    pub(crate) spare: Batch,
}

impl TcpSocket {
    /// A socket that is nothing yet.
    pub(crate) fn new(
        inet: &Arc<Inet>,
        family: Family,
        options: Options,
        filter: FilterPlace,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<TcpSocket>| {
            let level = Events::OUT | Events::HUP;
            TcpSocket {
                inet: inet.clone(),
                family,
                readiness: Readiness::new(level),
                inbox: Inbox::new(),
                backlog: Backlog::new(),
                filter,
                timer: {
                    let this = this.clone();
                    Callout::new(move |lwp| {
                        if let Some(socket) = this.upgrade() {
                            socket.timer_fired(lwp);
                        }
                    })
                },
                state: Mutex::new(TcpState {
                    options,
                    phase: Phase::Idle,
                    port: None,
                    bound: false,
                    address: None,
                    name: Endpoint::new(family.unspecified(), 0),
                    link: 0,
                    error: None,
                    shut_read: false,
                    shut_write: false,
                    finished: false,
                    connecting: false,
                    closed: false,
                    listener: Weak::new(),
                    level,
                    spare: Batch::new(),
                }),
                this: this.clone(),
            }
        })
    }

    /// Has `f` work on the state, and then sees to what came of it, in this kernel and on its links. No
    /// lock is held.
    pub(crate) fn with<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut TcpState, &mut Wakes) -> R,
    ) -> R {
        let result = self.change(lwp, f);
        self.inet.settle(lwp);
        result
    }

    /// As [`with`](Self::with), for what is part of settling.
    pub(crate) fn change<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut TcpState, &mut Wakes) -> R,
    ) -> R {
        let mut guard = self.state.lock(lwp);
        let (state, wakes) = guard.split();
        let result = f(state, wakes);
        self.publish(state, Events::NONE, wakes);
        drop(guard);
        self.run_if_news(lwp);
        result
    }

    /// Sees to what is in the inbox, unless somebody has the lock, who then will.
    pub(crate) fn run(&self, lwp: &Lwp<'_>) {
        // Pairs with the fence of whoever releases the lock: either we get it, or the news are seen.
        fence(Ordering::SeqCst);
        let Some(mut guard) = self.state.try_lock(lwp) else {
            return;
        };
        let (state, wakes) = guard.split();
        self.turn(lwp, state, wakes);
        drop(guard);
        self.run_if_news(lwp);
    }

    /// What everybody does who released the lock.
    fn run_if_news(&self, lwp: &Lwp<'_>) {
        fence(Ordering::SeqCst);
        if !self.inbox.is_empty() {
            self.run(lwp);
        }
    }

    fn timer_fired(&self, lwp: &Lwp<'_>) {
        self.inbox.tick();
        self.run(lwp);
        self.inet.settle(lwp);
    }

    /// Tells readiness what changed, and what is new beside that.
    pub(crate) fn publish(&self, state: &mut TcpState, news: Events, wakes: &mut Wakes) {
        let level = match &state.phase {
            Phase::Listening => return,
            Phase::Idle => state.idle_level(),
            Phase::Open(connection) => state.open_level(connection),
        };
        let news = level & (!state.level | news);
        if level != state.level || !news.is_empty() {
            state.level = level;
            self.readiness.update(level, news, wakes);
        }
    }
}

impl TcpState {
    /// A new connection's, or what is left of a socket that gave its connection up.
    pub(crate) fn reset(&mut self) {
        self.phase = Phase::Idle;
        self.shut_read = false;
        self.shut_write = false;
        self.finished = false;
        self.connecting = false;
    }

    fn idle_level(&self) -> Events {
        Events::OUT
            | Events::HUP
            | (Events::IN | Events::RDHUP).when(self.shut_read)
            | Events::ERR.when(self.error.is_some())
    }

    /// As Linux's `tcp_poll` has it.
    fn open_level(&self, connection: &Connection) -> Events {
        let over = connection.is_over();
        if self.closed {
            // Nobody looks but who lingers: until the peer has everything.
            return Events::HUP.when(connection.is_confirmed());
        }
        let mut level = Events::ERR.when(self.error.is_some())
            | Events::HUP.when(over || self.shut_read && self.shut_write)
            | (Events::IN | Events::RDHUP).when(self.shut_read);
        if over || !connection.is_opening() {
            let readable = connection.readable();
            let (room, capacity) = connection.room();
            level |=
                Events::IN.when(readable >= self.options.number(Opt::ReceiveLowWater) as usize);
            // A writer that waits shall have a third of the buffer to write to.
            level |= Events::OUT.when(self.shut_write || room * 3 >= capacity);
        }
        level
    }
}
