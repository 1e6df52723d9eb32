//! Connections that are over but for late packets (RFC 9293 §3.6.1): nothing is left of them but two
//! sequence numbers.

use alloc::collections::VecDeque;

use hashbrown::HashMap;
use smoltcp::wire::TcpSeqNumber;

use crate::address::Tuple;
use crate::ports::{Claim, PortTable};

/// How long, in nanoseconds: as smoltcp has it for sockets that are still open.
pub(crate) const DURATION: u64 = 10_000_000_000;

/// How many there are at most, of which the oldest end early: fewer than there are ports to choose from,
/// so that no rate of connections uses those up.
const MOST: usize = 16384;

/// What is left of a connection.
#[derive(Clone, Copy)]
pub(crate) struct TimeWait {
    /// Our next sequence number, and the peer's.
    pub(crate) ours: TcpSeqNumber,
    pub(crate) theirs: TcpSeqNumber,
    /// The port it keeps.
    pub(crate) claim: Claim,
    until: u64,
}

/// All of them.
#[derive(Default)]
pub(crate) struct TimeWaits {
    all: HashMap<Tuple, TimeWait>,
    /// In the order they began; with some that are over already.
    order: VecDeque<(u64, Tuple)>,
}

impl TimeWaits {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn contains(&self, tuple: &Tuple) -> bool {
        self.all.contains_key(tuple)
    }

    pub(crate) fn get(&self, tuple: &Tuple) -> Option<TimeWait> {
        self.all.get(tuple).copied()
    }

    /// Adds one, and returns when to look for the end of the first.
    pub(crate) fn add(
        &mut self,
        tuple: Tuple,
        (ours, theirs): (i32, i32),
        claim: Claim,
        now: u64,
        ports: &mut PortTable,
    ) -> u64 {
        while self.all.len() >= MOST
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.remove(&oldest, ports);
        }
        let until = now + DURATION;
        let entry = TimeWait {
            ours: TcpSeqNumber(ours),
            theirs: TcpSeqNumber(theirs),
            claim,
            until,
        };
        self.all.insert(tuple, entry);
        self.order.push_back((until, tuple));
        self.order.front().map_or(until, |(first, _)| *first)
    }

    /// Ends one early, for a new connection between the same ends.
    pub(crate) fn remove(&mut self, tuple: &Tuple, ports: &mut PortTable) {
        if let Some(entry) = self.all.remove(tuple) {
            ports.release(tuple.local.port, &entry.claim);
        }
    }

    /// Ends those whose time has come, and returns when to look again.
    pub(crate) fn expire(&mut self, now: u64, ports: &mut PortTable) -> Option<u64> {
        while let Some((until, tuple)) = self.order.front().copied() {
            if until > now {
                return Some(until);
            }
            self.order.pop_front();
            if self.all.get(&tuple).is_some_and(|entry| entry.until <= now) {
                self.remove(&tuple, ports);
            }
        }
        None
    }
}
