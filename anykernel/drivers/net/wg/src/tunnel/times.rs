//! What is done because it is time.

use alloc::vec::Vec;

use net::Reason;

use super::{Out, Tunnel};
use crate::peer::PeerId;
use crate::timers::Due;

impl Tunnel {
    /// Does all that is due.
    pub(crate) fn expire(&mut self, out: &mut Out<'_>) {
        let due = self.peers.iter();
        let due: Vec<PeerId> = due
            .filter(|(_, peer)| peer.timers.next() <= out.now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            while let Some(due) = self.take_due(id, out.now) {
                self.act(id, due, out);
            }
        }
        for peer in self.peers.values() {
            out.see(peer);
        }
    }

    fn take_due(&mut self, id: PeerId, now: u64) -> Option<Due> {
        self.peers.get_mut(&id)?.timers.take(now)
    }

    fn act(&mut self, id: PeerId, due: Due, out: &mut Out<'_>) {
        match due {
            Due::Repeat => self.queue(id),
            Due::Silence => self.want(id),
            Due::Keepalive => {
                self.keep_alive(id, out);
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.timers.told(out.now);
                }
            }
            Due::GiveUp => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    out.count(Reason::Unresolved, peer.give_up(out.pool));
                }
            }
            Due::Forget => self.forget(id),
        }
    }

    /// Ends all sessions with a peer, and a handshake under way.
    fn forget(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let _over = (
                peer.current.take(),
                peer.previous.take(),
                peer.next.take(),
                peer.pending.take(),
            );
            peer.timers.completed();
            self.indices.retain(|_, owner| *owner != id);
        }
    }
}
