//! A tunnel: what one interface knows and does, without sockets, clocks or threads. Packets, datagrams and times go in,
//! and what comes of them is gathered in an [`Out`].

mod handshakes;
mod packets;
mod times;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

use base::Errno;
use hashbrown::HashMap;
use net::{Batch, Cidr, Frame, FramePool, Reason};

use crate::allowed::AllowedIps;
use crate::cookie::Cookies;
use crate::key::Key;
use crate::mac::MacKeys;
use crate::noise::Noise;
use crate::peer::{Peer, PeerId};
use crate::random;
use crate::rate::Rates;
use crate::time::Timestamp;

use handshakes::Handshake;

/// What a call makes.
pub(crate) struct Out<'a> {
    pub(crate) pool: &'a FramePool,
    pub(crate) now: u64,
    /// Messages, and where they go.
    pub(crate) messages: Vec<(SocketAddr, Frame)>,
    /// Packets that came out.
    pub(crate) packets: Batch,
    /// Packets for which there is no peer, or no place where it is.
    pub(crate) nowhere: Batch,
    /// What went no further.
    pub(crate) dropped: Vec<(Reason, usize)>,
    /// When something is to be done without being asked.
    pub(crate) wake: u64,
}

impl<'a> Out<'a> {
    pub(crate) fn new(pool: &'a FramePool, now: u64) -> Self {
        Out {
            pool,
            now,
            messages: Vec::new(),
            packets: Vec::new(),
            nowhere: Vec::new(),
            dropped: Vec::new(),
            wake: u64::MAX,
        }
    }

    fn count(&mut self, reason: Reason, count: usize) {
        if count > 0 {
            self.dropped.push((reason, count));
        }
    }

    fn drop(&mut self, frame: Frame, reason: Reason) {
        self.count(reason, 1);
        self.pool.recycle(frame);
    }

    fn send(&mut self, to: SocketAddr, message: &[u8]) {
        match self.pool.copy_of(message) {
            Ok(frame) => self.messages.push((to, frame)),
            Err(_) => self.count(Reason::NoMemory, 1),
        }
    }

    /// Notes when a peer has something to do.
    fn see(&mut self, peer: &Peer) {
        self.wake = self.wake.min(peer.timers.next());
    }
}

/// What is to be known of a peer.
pub(crate) struct PeerConfig {
    pub(crate) key: Key,
    pub(crate) psk: Key,
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) allowed: Vec<Cidr>,
    /// How often the peer hears of us at least, in nanoseconds; zero: not without reason.
    pub(crate) keepalive: u64,
}

/// A tunnel.
pub(crate) struct Tunnel {
    noise: Noise,
    public: Key,
    mac_keys: MacKeys,
    peers: HashMap<PeerId, Peer>,
    by_key: HashMap<Key, PeerId>,
    next_peer: u32,
    allowed: AllowedIps,
    /// Whose the numbers are that peers name handshakes and sessions of ours by.
    indices: HashMap<u32, PeerId>,
    /// The time in our last first message.
    timestamp: Timestamp,
    /// Peers with whom a handshake is to be begun, and messages of handshakes: the work to be done.
    wanted: VecDeque<PeerId>,
    handshakes: VecDeque<Handshake>,
    loaded_until: u64,
    cookies: Cookies,
    rates: Rates,
}

impl Tunnel {
    pub(crate) fn new(private: Key) -> Result<Self, Errno> {
        let public = private.public()?;
        Ok(Tunnel {
            noise: Noise::new(private)?,
            public,
            mac_keys: MacKeys::new(&public),
            peers: HashMap::new(),
            by_key: HashMap::new(),
            next_peer: 0,
            allowed: AllowedIps::default(),
            indices: HashMap::new(),
            timestamp: Timestamp::default(),
            wanted: VecDeque::new(),
            handshakes: VecDeque::new(),
            loaded_until: 0,
            cookies: Cookies::new(),
            rates: Rates::default(),
        })
    }

    /// Adds a peer, or has other things known of it. `EINVAL`: it is we.
    pub(crate) fn set_peer(&mut self, config: PeerConfig, out: &mut Out<'_>) -> Result<(), Errno> {
        if config.key == self.public {
            return Err(Errno::EINVAL);
        }
        let id = match self.by_key.get(&config.key) {
            Some(id) => *id,
            None => {
                let id = PeerId(self.next_peer);
                self.next_peer += 1;
                self.peers.insert(id, Peer::new(config.key));
                self.by_key.insert(config.key, id);
                id
            }
        };
        self.allowed.remove(id);
        for network in config.allowed {
            self.allowed.insert(network, id);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.psk = config.psk;
            peer.endpoint = config.endpoint.or(peer.endpoint);
            peer.timers.set_interval(out.now, config.keepalive);
            out.see(peer);
        }
        Ok(())
    }

    /// Forgets a peer. `ENOENT`: there is none with this key.
    pub(crate) fn remove_peer(&mut self, key: &Key, out: &mut Out<'_>) -> Result<(), Errno> {
        let id = self.by_key.remove(key).ok_or(Errno::ENOENT)?;
        self.allowed.remove(id);
        self.indices.retain(|_, owner| *owner != id);
        self.wanted.retain(|other| *other != id);
        if let Some(mut peer) = self.peers.remove(&id) {
            out.count(Reason::Down, peer.give_up(out.pool));
        }
        Ok(())
    }

    /// The peers, each with its networks, in no order.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (&Peer, Vec<(core::net::IpAddr, u8)>)> {
        let all = self.peers.iter();
        all.map(|(id, peer)| (peer, self.allowed.of(*id).collect()))
    }

    /// Whether nothing is left of any peer.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.peers.is_empty() && self.indices.is_empty() && self.by_key.is_empty()
    }

    /// Gives up the packets that wait.
    pub(crate) fn clear(&mut self, pool: &FramePool) {
        for peer in self.peers.values_mut() {
            peer.give_up(pool);
        }
    }

    /// A number that no handshake or session of ours has.
    fn new_index(&mut self, peer: PeerId) -> u32 {
        loop {
            let index = u32::from_ne_bytes(random());
            if let hashbrown::hash_map::Entry::Vacant(place) = self.indices.entry(index) {
                place.insert(peer);
                return index;
            }
        }
    }

    /// Has a handshake begun with a peer by deferred work, unless one is under way.
    fn want(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.timers.wanted();
        if !peer.timers.is_beginning() {
            self.queue(id);
        }
    }

    fn queue(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !core::mem::replace(&mut peer.wanted, true)
        {
            self.wanted.push_back(id);
        }
    }
}
