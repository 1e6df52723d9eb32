//! Handshakes, which take long: messages wait for deferred work, no more than so many, and when there are many, who
//! sends them has to show first that it is where it says (whitepaper § 5.3).

use core::net::SocketAddr;

use net::Reason;

use super::{Out, Tunnel};
use crate::cookie::Cookie;
use crate::mac::first_code;
use crate::message::{self, COOKIE_REPLY, INITIATION, Message, RESPONSE};
use crate::noise;
use crate::peer::{Peer, PeerId, Pending};
use crate::session::Session;
use crate::time::{INITIATION_GAP, LOAD, REKEY_TIMEOUT, Timestamp};

/// Messages of handshakes that may wait, and how many there are when there is load.
const WAITING: usize = 256;
const LOADED: usize = WAITING / 8;

/// A message that waits, and where it came from.
pub(super) struct Handshake {
    from: SocketAddr,
    kind: Kind,
}

enum Kind {
    Initiation([u8; INITIATION]),
    Response([u8; RESPONSE]),
}

impl Tunnel {
    /// Takes a datagram. What is a handshake's waits for [`work`](Self::work).
    pub(crate) fn receive(&mut self, from: SocketAddr, datagram: &[u8], out: &mut Out<'_>) {
        let result = match Message::read(datagram) {
            None => Err(Reason::Malformed),
            Some(Message::Transport(message)) => self.receive_packet(from, &message, out),
            Some(Message::CookieReply(reply)) => self.receive_cookie(reply, out.now),
            Some(Message::Initiation(message)) => {
                self.enqueue(from, message, Kind::Initiation(*message), out.now)
            }
            Some(Message::Response(message)) => {
                self.enqueue(from, message, Kind::Response(*message), out.now)
            }
        };
        if let Err(reason) = result {
            out.count(reason, 1);
        }
    }

    fn enqueue(
        &mut self,
        from: SocketAddr,
        message: &[u8],
        kind: Kind,
        now: u64,
    ) -> Result<(), Reason> {
        if !self.mac_keys.is_signed(message) {
            return Err(Reason::Unauthentic);
        }
        if self.handshakes.len() >= LOADED {
            self.loaded_until = now + LOAD;
        }
        if self.handshakes.len() >= WAITING {
            return Err(Reason::QueueFull);
        }
        self.handshakes.push_back(Handshake { from, kind });
        Ok(())
    }

    /// Whether there is [`work`](Self::work).
    pub(crate) fn has_work(&self) -> bool {
        !self.wanted.is_empty() || !self.handshakes.is_empty()
    }

    /// Does one piece of work on handshakes.
    pub(crate) fn work(&mut self, out: &mut Out<'_>) {
        // Our own come first: others' could be without end.
        if let Some(id) = self.wanted.pop_front() {
            return self.initiate(id, out);
        }
        let Some(Handshake { from, kind }) = self.handshakes.pop_front() else {
            return;
        };
        let loaded = self.handshakes.len() >= LOADED || out.now < self.loaded_until;
        let result = match kind {
            Kind::Initiation(message) => self
                .admit(loaded, from, &message, out)
                .and_then(|()| self.answer(from, &message, out)),
            Kind::Response(message) => self
                .admit(loaded, from, &message, out)
                .and_then(|()| self.finish(from, &message, out)),
        };
        if let Err(reason) = result {
            out.count(reason, 1);
        }
    }

    /// Whether there is time for a message.
    fn admit(
        &mut self,
        loaded: bool,
        from: SocketAddr,
        message: &[u8],
        out: &mut Out<'_>,
    ) -> Result<(), Reason> {
        if !loaded {
            return Ok(());
        }
        if !self.cookies.is_paid(out.now, from, message) {
            let (key, sender) = (&self.mac_keys.cookie, message::sender(message));
            if let Some(reply) = self.cookies.reply(out.now, from, key, sender, message) {
                out.send(from, &reply);
            }
            return Err(Reason::QueueFull);
        }
        match self.rates.spend(out.now, from.ip()) {
            true => Ok(()),
            false => Err(Reason::QueueFull),
        }
    }

    /// Begins a handshake, unless one was begun just now.
    fn initiate(&mut self, id: PeerId, out: &mut Out<'_>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.wanted = false;
        let recently = |began: u64| out.now < began.saturating_add(REKEY_TIMEOUT);
        let Some(endpoint) = peer.endpoint else {
            return out.count(Reason::Unresolved, peer.give_up(out.pool));
        };
        if peer.began.is_some_and(recently) {
            return;
        }
        peer.began = Some(out.now);
        let wall = Timestamp::new(hypercall::clock::wall());
        self.timestamp = wall.max(self.timestamp.next());
        let first = self.noise.initiate(&peer.key, &peer.psk, self.timestamp);
        // Also if it could not be: it is tried again.
        peer.timers.began(out.now);
        let Ok((state, noise)) = first else {
            out.see(peer);
            return out.count(Reason::Unauthentic, 1);
        };
        let before = peer.pending.take();
        if let Some(before) = before {
            self.indices.remove(&before.index);
        }
        let index = self.new_index(id);
        if let Some(peer) = self.peers.get_mut(&id) {
            let state = Some(state);
            peer.pending = Some(Pending { index, state });
            let mut message = message::initiation(index, &noise);
            send(peer, endpoint, &mut message, out);
        }
    }

    /// Answers a first message. The session waits for the peer's first packet.
    fn answer(
        &mut self,
        from: SocketAddr,
        message: &[u8; INITIATION],
        out: &mut Out<'_>,
    ) -> Result<(), Reason> {
        let heard = self.noise.hear(message::initiation_noise(message));
        let heard = heard.map_err(|_| Reason::Unauthentic)?;
        let id = *self.by_key.get(&heard.peer).ok_or(Reason::Unauthentic)?;
        let peer = self.peers.get_mut(&id).ok_or(Reason::Unauthentic)?;
        if heard.timestamp <= peer.timestamp {
            return Err(Reason::Replayed);
        }
        if peer.heard.is_some_and(|at| out.now < at + INITIATION_GAP) {
            return Err(Reason::QueueFull);
        }
        peer.timestamp = heard.timestamp;
        peer.heard = Some(out.now);
        let answer = heard.answer(&peer.psk);
        let (keys, noise) = answer.map_err(|_| Reason::Unauthentic)?;
        for over in [peer.next.take(), peer.previous.take()] {
            over.and_then(|session| self.indices.remove(&session.index));
        }
        let index = self.new_index(id);
        let sender = message::sender(message);
        let peer = self.peers.get_mut(&id).ok_or(Reason::Unauthentic)?;
        peer.next = Some(Session::new(index, sender, keys, out.now));
        peer.endpoint = Some(from);
        peer.timers.derived(out.now);
        peer.timers.received(out.now);
        peer.traffic.received += INITIATION as u64;
        let mut response = message::response(index, sender, &noise);
        send(peer, from, &mut response, out);
        Ok(())
    }

    /// Takes the answer to a first message of ours: there is a session.
    fn finish(
        &mut self,
        from: SocketAddr,
        message: &[u8; RESPONSE],
        out: &mut Out<'_>,
    ) -> Result<(), Reason> {
        let index = message::response_receiver(message);
        let id = *self.indices.get(&index).ok_or(Reason::Unauthentic)?;
        let peer = self.peers.get_mut(&id).ok_or(Reason::Unauthentic)?;
        let pending = peer.pending.as_mut();
        let pending = pending.filter(|pending| pending.index == index);
        let pending = pending.ok_or(Reason::Replayed)?;
        let keys = noise::finish(&mut pending.state, message::response_noise(message));
        let keys = keys.map_err(|_| Reason::Unauthentic)?;
        peer.pending = None;
        let session = Session::new(index, message::sender(message), keys, out.now);
        // One that the peer began meanwhile is good for what it sends with it.
        let (before, over) = match peer.next.take() {
            Some(next) => (Some(next), peer.current.replace(session)),
            None => (peer.current.replace(session), None),
        };
        let oldest = core::mem::replace(&mut peer.previous, before);
        for over in [over, oldest].into_iter().flatten() {
            self.indices.remove(&over.index);
        }
        peer.endpoint = Some(from);
        peer.met = Some(hypercall::clock::wall());
        peer.timers.completed();
        peer.timers.derived(out.now);
        peer.timers.received(out.now);
        peer.traffic.received += RESPONSE as u64;
        out.see(peer);
        self.release(id, true, out);
        Ok(())
    }

    /// Takes a cookie for the last message of a handshake that the peer got. It goes with the next.
    fn receive_cookie(&mut self, reply: &[u8; COOKIE_REPLY], now: u64) -> Result<(), Reason> {
        let id = self.indices.get(&message::cookie_receiver(reply));
        let peer = id.and_then(|id| self.peers.get_mut(id));
        let peer = peer.ok_or(Reason::Unauthentic)?;
        let code = peer.signed.ok_or(Reason::Replayed)?;
        let cookie = Cookie::open(reply, &peer.mac_keys.cookie, &code, now);
        peer.cookie = Some(cookie.ok_or(Reason::Unauthentic)?);
        Ok(())
    }
}

/// Signs and sends a message of a handshake.
fn send(peer: &mut Peer, to: SocketAddr, message: &mut [u8], out: &mut Out<'_>) {
    let cookie = peer.cookie.and_then(|cookie| cookie.get(out.now));
    peer.mac_keys.sign(message, cookie);
    peer.signed = Some(first_code(message));
    peer.timers.sent(out.now);
    peer.traffic.sent += message.len() as u64;
    out.send(to, message);
    out.see(peer);
}
