//! Packets, in and out.

use core::net::SocketAddr;

use net::{Frame, IpInfo, Reason};

use super::{Out, Tunnel};
use crate::message::{TAG, TRANSPORT_HEADER, Transport};
use crate::peer::{Peer, PeerId};

impl Tunnel {
    /// Sends a packet to the peer whose its destination is, or has it wait for a session.
    pub(crate) fn send(&mut self, packet: Frame, out: &mut Out<'_>) {
        let Some(info) = IpInfo::read(packet.payload()) else {
            return out.drop(packet, Reason::Malformed);
        };
        let id = self.allowed.find(info.dst);
        let Some((id, peer)) = id.and_then(|id| Some((id, self.peers.get_mut(&id)?))) else {
            return out.nowhere.push(packet);
        };
        if peer.endpoint.is_none() {
            return out.nowhere.push(packet);
        }
        if !has_session(peer, out.now) {
            if let Some(oldest) = peer.wait(packet) {
                out.drop(oldest, Reason::QueueFull);
            }
            return self.want(id);
        }
        transmit(peer, packet.payload(), out);
        out.pool.recycle(packet);
        self.renew(id, out);
    }

    /// Sends a peer a message without a packet, or begins a session in which to do so.
    pub(super) fn keep_alive(&mut self, id: PeerId, out: &mut Out<'_>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if !has_session(peer, out.now) {
            return self.want(id);
        }
        transmit(peer, &[], out);
        self.renew(id, out);
    }

    /// Sends what waited for a session; if nothing did and `greet`, a message all the same, from which the peer learns
    /// that there is one.
    pub(super) fn release(&mut self, id: PeerId, greet: bool, out: &mut Out<'_>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.waiting.is_empty() && greet {
            transmit(peer, &[], out);
        }
        while let Some(packet) = peer.waiting.pop_front() {
            transmit(peer, packet.payload(), out);
            out.pool.recycle(packet);
        }
    }

    /// Begins another session if the one that packets are sent with is about to end.
    fn renew(&mut self, id: PeerId, out: &Out<'_>) {
        let current = self.peers.get(&id).and_then(|peer| peer.current.as_ref());
        if current.is_some_and(|session| session.is_to_be_renewed(out.now)) {
            self.want(id);
        }
    }

    /// Takes a packet that a peer sealed.
    pub(super) fn receive_packet(
        &mut self,
        from: SocketAddr,
        message: &Transport<'_>,
        out: &mut Out<'_>,
    ) -> Result<(), Reason> {
        let id = *self
            .indices
            .get(&message.receiver)
            .ok_or(Reason::Unauthentic)?;
        let peer = self.peers.get_mut(&id).ok_or(Reason::Unauthentic)?;
        let session = peer.session(message.receiver);
        let session = session.ok_or(Reason::Unauthentic)?;
        let mut packet = session.open(out.pool, message, out.now)?;
        let ending = session.is_about_to_end(out.now);
        let first = peer
            .next
            .as_ref()
            .is_some_and(|next| next.index == message.receiver);
        if first {
            let oldest = core::mem::replace(&mut peer.previous, peer.current.take());
            peer.current = peer.next.take();
            peer.timers.completed();
            peer.met = Some(hypercall::clock::wall());
            if let Some(oldest) = oldest {
                self.indices.remove(&oldest.index);
            }
        }
        peer.endpoint = Some(from);
        peer.timers.received(out.now);
        peer.traffic.received += (TRANSPORT_HEADER + message.sealed.len()) as u64;
        let is_keepalive = packet.is_empty();
        if !is_keepalive {
            peer.timers.received_packet(out.now);
        }
        out.see(peer);
        if first {
            self.release(id, false, out);
        }
        if ending {
            self.want(id);
        }
        if is_keepalive {
            out.pool.recycle(packet);
            return Ok(());
        }
        match self.check(id, &packet) {
            Ok(len) => {
                packet.truncate(len);
                out.packets.push(packet);
                Ok(())
            }
            Err(reason) => {
                out.pool.recycle(packet);
                Err(reason)
            }
        }
    }

    /// Whether a peer may send a packet from where it says; how long that is without padding.
    fn check(&self, id: PeerId, packet: &Frame) -> Result<usize, Reason> {
        let info = IpInfo::read(packet.payload()).ok_or(Reason::Malformed)?;
        if self.allowed.find(info.src) != Some(id) {
            return Err(Reason::Martian);
        }
        let number = |at: usize| match packet.payload().get(at..at + 2) {
            Some(bytes) => usize::from(bytes[0]) << 8 | usize::from(bytes[1]),
            None => 0,
        };
        Ok(match info.src {
            core::net::IpAddr::V4(_) => number(2),
            core::net::IpAddr::V6(_) => 40 + number(4),
        })
    }
}

/// Whether packets can be sent to a peer now.
fn has_session(peer: &Peer, now: u64) -> bool {
    let current = peer.current.as_ref();
    current.is_some_and(|session| session.is_usable(now))
}

/// Seals a packet for a peer, with whom there is a session.
fn transmit(peer: &mut Peer, packet: &[u8], out: &mut Out<'_>) {
    let (Some(session), Some(endpoint)) = (&mut peer.current, peer.endpoint) else {
        return;
    };
    let Ok(message) = session.seal(out.pool, packet) else {
        return out.count(Reason::NoMemory, 1);
    };
    debug_assert!(message.len() >= TRANSPORT_HEADER + TAG);
    peer.traffic.sent += message.len() as u64;
    peer.timers.sent(out.now);
    if !packet.is_empty() {
        peer.timers.sent_packet(out.now);
    }
    out.messages.push((endpoint, message));
    out.see(peer);
}
