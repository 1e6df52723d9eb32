//! One peer: who it is, where it was last, and what there is with it.

use alloc::collections::VecDeque;
use core::net::SocketAddr;

use net::{Frame, FramePool};
use snow::HandshakeState;

use crate::cookie::Cookie;
use crate::key::Key;
use crate::mac::{MAC, MacKeys};
use crate::session::Session;
use crate::time::Timestamp;
use crate::timers::Timers;

/// Packets that wait for a session. The oldest give way.
const WAITING: usize = 128;

/// A peer's number in its tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PeerId(pub(crate) u32);

/// A handshake that we began.
pub(crate) struct Pending {
    /// The number by which we know it.
    pub(crate) index: u32,
    /// None once it is finished.
    pub(crate) state: Option<HandshakeState>,
}

/// What went over a peer's sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// A peer.
pub(crate) struct Peer {
    pub(crate) key: Key,
    pub(crate) psk: Key,
    /// Where it was last heard from, or is said to be.
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) mac_keys: MacKeys,
    /// The cookie it gave us.
    pub(crate) cookie: Option<Cookie>,
    /// The first code of the last message of a handshake that it got from us: what a cookie is the reply to.
    pub(crate) signed: Option<[u8; MAC]>,
    /// The session that packets are sent with.
    pub(crate) current: Option<Session>,
    /// The one before, whose packets may still come.
    pub(crate) previous: Option<Session>,
    /// One that the peer began, and has not used yet.
    pub(crate) next: Option<Session>,
    pub(crate) pending: Option<Pending>,
    /// A handshake is to be begun by deferred work.
    pub(crate) wanted: bool,
    /// When one was begun last.
    pub(crate) began: Option<u64>,
    /// The time in its last first message, and when that came.
    pub(crate) timestamp: Timestamp,
    pub(crate) heard: Option<u64>,
    /// When both ends last knew that there is a session, by the clock of the day.
    pub(crate) met: Option<u64>,
    pub(crate) waiting: VecDeque<Frame>,
    pub(crate) timers: Timers,
    pub(crate) traffic: Traffic,
}

impl Peer {
    pub(crate) fn new(key: Key) -> Self {
        Peer {
            key,
            psk: Key::NONE,
            endpoint: None,
            mac_keys: MacKeys::new(&key),
            cookie: None,
            signed: None,
            current: None,
            previous: None,
            next: None,
            pending: None,
            wanted: false,
            began: None,
            timestamp: Timestamp::default(),
            heard: None,
            met: None,
            waiting: VecDeque::new(),
            timers: Timers::new(),
            traffic: Traffic::default(),
        }
    }

    /// The session we know by this number.
    pub(crate) fn session(&mut self, index: u32) -> Option<&mut Session> {
        let all = [&mut self.current, &mut self.previous, &mut self.next];
        all.into_iter()
            .flatten()
            .find(|session| session.index == index)
    }

    /// Has a packet wait for a session; gives back the one that gives way.
    pub(crate) fn wait(&mut self, packet: Frame) -> Option<Frame> {
        if self.waiting.try_reserve(1).is_err() {
            return Some(packet);
        }
        self.waiting.push_back(packet);
        (self.waiting.len() > WAITING).then(|| self.waiting.pop_front())?
    }

    /// Gives up the packets that wait; how many they were.
    pub(crate) fn give_up(&mut self, pool: &FramePool) -> usize {
        let waiting = core::mem::take(&mut self.waiting);
        let count = waiting.len();
        for packet in waiting {
            pool.recycle(packet);
        }
        count
    }
}
