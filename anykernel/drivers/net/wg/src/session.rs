//! A session: keys that both ends know for some minutes, and the packets they seal (whitepaper § 5.4.6).

use base::Errno;
use net::{Frame, FramePool, Reason};
use snow::StatelessTransportState;

use crate::message::{TAG, TRANSPORT_HEADER, Transport, write_transport_header};
use crate::replay::Window;
use crate::time::{
    KEEPALIVE, REJECT_AFTER, REJECT_AFTER_MESSAGES, REKEY_AFTER, REKEY_AFTER_MESSAGES,
    REKEY_TIMEOUT,
};

/// Lengths inside are multiples of this, so that they tell less.
const PADDING: usize = 16;

/// The longest packet inside: what a usual link carries, without headers of IPv6 and UDP and our own, in multiples of
/// the padding.
pub(crate) const MTU: usize = 1420;

/// A session.
pub(crate) struct Session {
    /// The number by which we know it.
    pub(crate) index: u32,
    /// The number by which the peer knows it.
    peer_index: u32,
    keys: StatelessTransportState,
    /// We began it.
    began: bool,
    born: u64,
    /// The counter of the next packet.
    next: u64,
    window: Window,
    /// Another was asked for, since the peer's packets say that this one is about to end.
    renewed: bool,
}

impl Session {
    pub(crate) fn new(
        index: u32,
        peer_index: u32,
        keys: StatelessTransportState,
        now: u64,
    ) -> Self {
        Session {
            index,
            peer_index,
            began: keys.is_initiator(),
            keys,
            born: now,
            next: 0,
            window: Window::new(),
            renewed: false,
        }
    }

    fn is_young(&self, now: u64, span: u64) -> bool {
        now < self.born.saturating_add(span)
    }

    /// Whether packets may still be sent.
    pub(crate) fn is_usable(&self, now: u64) -> bool {
        self.is_young(now, REJECT_AFTER) && self.next < REJECT_AFTER_MESSAGES
    }

    /// Whether a sender should begin another one. Only who began it does, unless so much was sent.
    pub(crate) fn is_to_be_renewed(&self, now: u64) -> bool {
        self.next > REKEY_AFTER_MESSAGES || self.began && !self.is_young(now, REKEY_AFTER)
    }

    /// Whether a receiver should begin another one, which it asks but once.
    pub(crate) fn is_about_to_end(&mut self, now: u64) -> bool {
        let late = !self.is_young(now, REJECT_AFTER - KEEPALIVE - REKEY_TIMEOUT);
        self.began && late && !core::mem::replace(&mut self.renewed, true)
    }

    /// Seals a packet: a message for the peer. `ENOMEM` for want of a buffer.
    pub(crate) fn seal(&mut self, pool: &FramePool, packet: &[u8]) -> Result<Frame, Errno> {
        let len = packet.len().next_multiple_of(PADDING);
        let padded = len.min(MTU.max(packet.len()));
        let mut message = pool.get(TRANSPORT_HEADER + padded + TAG)?;
        write_transport_header(message.payload_mut(), self.peer_index, self.next);
        let sealed = &mut message.payload_mut()[TRANSPORT_HEADER..];
        let result = match padded == packet.len() {
            true => self.keys.write_message(self.next, packet, sealed),
            false => {
                let mut copy = pool.get(padded)?;
                copy.payload_mut()[..packet.len()].copy_from_slice(packet);
                copy.payload_mut()[packet.len()..].fill(0);
                let result = self.keys.write_message(self.next, copy.payload(), sealed);
                pool.recycle(copy);
                result
            }
        };
        self.next += 1;
        result.map_err(|_| Errno::EMSGSIZE)?;
        Ok(message)
    }

    /// Opens a message of the peer's: the packet, with its padding.
    pub(crate) fn open(
        &mut self,
        pool: &FramePool,
        message: &Transport<'_>,
        now: u64,
    ) -> Result<Frame, Reason> {
        let (counter, sealed) = (message.counter, message.sealed);
        let alive = self.is_young(now, REJECT_AFTER) && counter < REJECT_AFTER_MESSAGES;
        if !alive || !self.window.may_be_new(counter) {
            return Err(Reason::Replayed);
        }
        let room = pool.get(sealed.len() - TAG);
        let mut packet = room.map_err(|_| Reason::NoMemory)?;
        if (self
            .keys
            .read_message(counter, sealed, packet.payload_mut()))
        .is_err()
        {
            pool.recycle(packet);
            return Err(Reason::Unauthentic);
        }
        self.window.note(counter);
        Ok(packet)
    }
}
