//! Two tunnels, with a test in place of the network and the clock.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

use net::Reason;
use net::testing::{Host, boot, packet};

use crate::key::Key;
use crate::tunnel::{Out, PeerConfig, Tunnel};

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// The ends, by number.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Datagram {
    /// What kind of message it is, 1 to 4.
    pub(crate) fn kind(&self) -> u8 {
        self.bytes[0]
    }
}

pub(crate) struct Pair {
    host: Host,
    pub(crate) tunnels: [Tunnel; 2],
    /// Where the ends are, for each other to see.
    pub(crate) places: [SocketAddr; 2],
    pub(crate) now: u64,
    wakes: [u64; 2],
    pub(crate) wire: VecDeque<Datagram>,
    /// Everything that was sent.
    pub(crate) sent: Vec<Datagram>,
    /// Where the last message of each end went.
    pub(crate) to: [Option<SocketAddr>; 2],
    /// What came out of the tunnel.
    pub(crate) received: [Vec<Vec<u8>>; 2],
    pub(crate) nowhere: [usize; 2],
    dropped: [Vec<(Reason, usize)>; 2],
    /// How often somebody was woken by the clock.
    pub(crate) woken: usize,
}

/// The private key of an end.
pub(crate) fn private(end: usize) -> Key {
    Key([0x40 + end as u8; 32])
}

pub(crate) fn public(end: usize) -> Key {
    private(end).public().unwrap()
}

/// The usual pair: 10.0.0.1 and 10.0.0.2, and A knows where B is.
pub(crate) fn pair() -> Pair {
    let mut pair = strangers();
    let b = pair.places[B];
    pair.introduce(A, &["10.0.0.2/32"], Some(b), 0);
    pair.introduce(B, &["10.0.0.1/32", "10.7.0.0/16"], None, 0);
    pair
}

/// Two that do not know each other.
pub(crate) fn strangers() -> Pair {
    Pair {
        host: boot(),
        tunnels: [A, B].map(|end| Tunnel::new(private(end)).unwrap()),
        places: ["192.0.2.1:1000", "[2001:db8::2]:2000"].map(|place| place.parse().unwrap()),
        now: 1000 * SECOND,
        wakes: [u64::MAX; 2],
        wire: VecDeque::new(),
        sent: Vec::new(),
        to: [None; 2],
        received: [Vec::new(), Vec::new()],
        nowhere: [0; 2],
        dropped: [Vec::new(), Vec::new()],
        woken: 0,
    }
}

/// A packet between the usual addresses.
pub(crate) fn numbered(from: usize, number: usize) -> Vec<u8> {
    let (src, dst) = [("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1")][from];
    let mut data = number.to_le_bytes().to_vec();
    data.resize(8 + number % 1300, number as u8);
    packet(src, dst, 17, &data)
}

impl Pair {
    /// Tells an end of the other.
    pub(crate) fn introduce(
        &mut self,
        end: usize,
        allowed: &[&str],
        endpoint: Option<SocketAddr>,
        keepalive: u64,
    ) {
        let config = PeerConfig {
            key: public(1 - end),
            psk: Key([9; 32]),
            endpoint,
            allowed: allowed.iter().map(|it| it.parse().unwrap()).collect(),
            keepalive,
        };
        self.step(end, |tunnel, out| tunnel.set_peer(config, out))
            .unwrap();
    }

    pub(crate) fn step<R>(
        &mut self,
        end: usize,
        f: impl FnOnce(&mut Tunnel, &mut Out<'_>) -> R,
    ) -> R {
        let pool = self.host.net.pool();
        let mut out = Out::new(pool, self.now);
        let result = f(&mut self.tunnels[end], &mut out);
        for (to, message) in out.messages {
            self.to[end] = Some(to);
            let bytes = message.payload().to_vec();
            let datagram = Datagram { from: end, bytes };
            self.sent.push(datagram.clone());
            self.wire.push_back(datagram);
            pool.recycle(message);
        }
        for packet in out.packets {
            self.received[end].push(packet.payload().to_vec());
            pool.recycle(packet);
        }
        self.nowhere[end] += out.nowhere.len();
        pool.recycle_all(&mut out.nowhere);
        self.dropped[end].extend(out.dropped);
        self.wakes[end] = self.wakes[end].min(out.wake);
        result
    }

    /// Gives an end a packet to send.
    pub(crate) fn send(&mut self, end: usize, packet: &[u8]) {
        let frame = self.host.net.pool().copy_of(packet).unwrap();
        self.step(end, |tunnel, out| tunnel.send(frame, out));
    }

    /// Has a datagram arrive at the other end.
    pub(crate) fn arrive(&mut self, datagram: &Datagram) {
        let from = self.places[datagram.from];
        self.arrive_from(from, datagram);
    }

    pub(crate) fn arrive_from(&mut self, place: SocketAddr, datagram: &Datagram) {
        self.step(1 - datagram.from, |tunnel, out| {
            tunnel.receive(place, &datagram.bytes, out);
        });
    }

    /// Does the work of both.
    pub(crate) fn work(&mut self) {
        for end in [A, B] {
            while self.tunnels[end].has_work() {
                self.step(end, |tunnel, out| tunnel.work(out));
            }
        }
    }

    /// Has all that was sent arrive, and what comes of it, but for what is lost.
    pub(crate) fn settle_with(&mut self, mut is_lost: impl FnMut(&Datagram) -> bool) {
        loop {
            self.work();
            let Some(datagram) = self.wire.pop_front() else {
                break;
            };
            if !is_lost(&datagram) {
                self.arrive(&datagram);
            }
        }
    }

    pub(crate) fn settle(&mut self) {
        self.settle_with(|_| false);
    }

    /// Lets time pass.
    pub(crate) fn pass_with(&mut self, span: u64, mut is_lost: impl FnMut(&Datagram) -> bool) {
        let end = self.now + span;
        loop {
            self.settle_with(&mut is_lost);
            let (wake, who) = (self.wakes[A], A).min((self.wakes[B], B));
            if wake > end {
                break;
            }
            self.now = self.now.max(wake);
            self.wakes[who] = u64::MAX;
            self.woken += 1;
            self.step(who, |tunnel, out| tunnel.expire(out));
        }
        self.now = end;
    }

    pub(crate) fn pass(&mut self, span: u64) {
        self.pass_with(span, |_| false);
    }

    pub(crate) fn dropped(&self, end: usize, reason: Reason) -> usize {
        let all = self.dropped[end].iter();
        all.filter(|(why, _)| *why == reason)
            .map(|(_, count)| count)
            .sum()
    }

    /// How many messages of a kind were sent.
    pub(crate) fn count(&self, kind: u8) -> usize {
        let all = self.sent.iter();
        all.filter(|datagram| datagram.kind() == kind).count()
    }
}
