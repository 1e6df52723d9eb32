//! A protocol whose sockets do what a test says.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Callout, Component, Errno, Events, Failure, Lwp, Readiness, Wait, Wakes};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use crate::{Families, Incoming, Outgoing, Protocol, Socket};

/// A family nobody else has.
pub(super) const FAMILY: u16 = 45;

pub(super) static COMPONENT: Component = Component::new("fake").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let fakes = Arc::new(Fakes(Leaf::new(Vec::new())));
    boot.get::<Families>().add(fakes.clone());
    boot.publish(fakes);
    Ok(())
}

/// The protocol, and the sockets it made.
pub(super) struct Fakes(Leaf<Vec<Arc<Fake>>>);

impl Fakes {
    pub(super) fn last(&self) -> Arc<Fake> {
        self.0.with(|all| all.last().unwrap().clone())
    }
}

impl Protocol for Fakes {
    fn family(&self) -> u16 {
        FAMILY
    }

    fn socket(&self, _: &Lwp<'_>, kind: u32, protocol: u32) -> Result<Arc<dyn Socket>, Errno> {
        let usual = match kind {
            SOCK_STREAM => IPPROTO_TCP,
            SOCK_DGRAM => IPPROTO_UDP,
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        };
        if protocol != 0 && protocol != usual {
            return Err(Errno::EPROTONOSUPPORT);
        }
        let fake = Fake::new(kind);
        self.0.with(|all| all.push(fake.clone()));
        Ok(fake)
    }
}

enum Connecting {
    No,
    UnderWay,
    Ended(Result<(), Errno>),
    Done,
}

struct State {
    inbox: VecDeque<u8>,
    ended: bool,
    room: usize,
    sent: Vec<u8>,
    connecting: Connecting,
    linger: Vec<u8>,
    closed: bool,
}

/// A socket.
pub(super) struct Fake {
    kind: u32,
    readiness: Readiness,
    state: Leaf<State>,
}

impl Fake {
    fn new(kind: u32) -> Arc<Self> {
        Arc::new(Fake {
            kind,
            readiness: Readiness::new(Events::NONE),
            state: Leaf::new(State {
                inbox: VecDeque::new(),
                ended: false,
                room: 0,
                sent: Vec::new(),
                connecting: Connecting::No,
                linger: [0; 8].to_vec(),
                closed: false,
            }),
        })
    }

    /// Has `action` happen after `span` nanoseconds.
    pub(super) fn later(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        span: u64,
        action: impl Fn(&Fake, &Lwp<'_>) + Send + Sync + 'static,
    ) {
        let fake = self.clone();
        Callout::new(move |lwp| action(&fake, lwp)).set(lwp, lwp.now() + span);
    }

    pub(super) fn say(&self, lwp: &Lwp<'_>, events: Events) {
        Wakes::deliver_after(lwp, |wakes| self.readiness.update(events, events, wakes));
    }

    pub(super) fn arrive(&self, lwp: &Lwp<'_>, bytes: &[u8]) {
        self.state.with(|state| state.inbox.extend(bytes));
        self.say(lwp, Events::IN);
    }

    pub(super) fn end(&self, lwp: &Lwp<'_>) {
        self.state.with(|state| state.ended = true);
        self.say(lwp, Events::IN | Events::RDHUP);
    }

    pub(super) fn make_room(&self, lwp: &Lwp<'_>, room: usize) {
        self.state.with(|state| state.room = room);
        self.say(lwp, Events::OUT);
    }

    pub(super) fn connected(&self, lwp: &Lwp<'_>, how: Result<(), Errno>) {
        self.state
            .with(|state| state.connecting = Connecting::Ended(how));
        self.say(lwp, Events::OUT);
    }

    pub(super) fn sent(&self) -> Vec<u8> {
        self.state.with(|state| core::mem::take(&mut state.sent))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.with(|state| state.closed)
    }
}

impl Socket for Fake {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn domain(&self) -> u16 {
        FAMILY
    }

    fn kind(&self) -> u32 {
        self.kind
    }

    fn protocol(&self) -> u32 {
        if self.kind == SOCK_STREAM {
            IPPROTO_TCP
        } else {
            IPPROTO_UDP
        }
    }

    fn bind(&self, _: &Lwp<'_>, _: &SockAddr) -> Result<(), Errno> {
        Ok(())
    }

    fn listen(&self, _: &Lwp<'_>, _: u32) -> Result<(), Errno> {
        Ok(())
    }

    /// Anything that arrived is a connection.
    fn try_accept(&self, _: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        if self.state.with(|state| state.inbox.pop_front()).is_none() {
            return Err(Wait::For(Events::IN));
        }
        Ok((Fake::new(self.kind), super::address()))
    }

    fn connect(&self, lwp: &Lwp<'_>, _: &SockAddr) -> Result<(), Wait> {
        let (answer, level) = self.state.with(|state| match state.connecting {
            Connecting::No | Connecting::UnderWay => {
                state.connecting = Connecting::UnderWay;
                (Err(Wait::For(Events::OUT)), Events::NONE)
            }
            Connecting::Ended(Ok(())) => {
                state.connecting = Connecting::Done;
                (Ok(()), Events::OUT)
            }
            Connecting::Ended(Err(errno)) => {
                state.connecting = Connecting::No;
                (Err(errno.into()), Events::OUT | Events::HUP)
            }
            Connecting::Done => (Err(Errno::EISCONN.into()), Events::OUT),
        });
        Wakes::deliver_after(lwp, |wakes| {
            self.readiness.update(level, Events::NONE, wakes);
        });
        answer
    }

    fn try_send(
        &self,
        _: &Lwp<'_>,
        data: &mut UioIn<'_>,
        _: &mut Outgoing,
        _: u32,
    ) -> Result<usize, Wait> {
        self.state.with(|state| {
            if state.room == 0 {
                return Err(Wait::For(Events::OUT));
            }
            let mut bytes = alloc::vec![0; state.room.min(data.remaining())];
            let count = data.take(&mut bytes)?;
            state.sent.extend(bytes);
            state.room -= count;
            Ok(count)
        })
    }

    fn try_receive(
        &self,
        _: &Lwp<'_>,
        data: &mut UioOut<'_>,
        _: &mut Incoming,
        _: u32,
    ) -> Result<usize, Wait> {
        self.state.with(|state| {
            if state.inbox.is_empty() && !state.ended {
                return Err(Wait::For(Events::IN));
            }
            let count = data.remaining().min(state.inbox.len());
            let bytes: Vec<u8> = state.inbox.drain(..count).collect();
            Ok(data.put(&bytes)?)
        })
    }

    fn shutdown(&self, _: &Lwp<'_>, _: u32) -> Result<(), Errno> {
        Ok(())
    }

    fn local_address(&self, _: &Lwp<'_>) -> SockAddr {
        super::address()
    }

    fn peer_address(&self, _: &Lwp<'_>) -> Result<SockAddr, Errno> {
        Err(Errno::ENOTCONN)
    }

    fn set_option(&self, _: &Lwp<'_>, _: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        if name != SO_LINGER {
            return Err(Errno::ENOPROTOOPT);
        }
        self.state.with(|state| state.linger = value.to_vec());
        Ok(())
    }

    fn option(&self, _: &Lwp<'_>, _: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if name != SO_LINGER {
            return Err(Errno::ENOPROTOOPT);
        }
        Ok(self.state.with(|state| state.linger.clone()))
    }

    fn readable(&self, _: &Lwp<'_>) -> Result<usize, Errno> {
        Ok(self.state.with(|state| state.inbox.len()))
    }

    fn close(&self, _: &Lwp<'_>) {
        self.state.with(|state| state.closed = true);
    }
}
