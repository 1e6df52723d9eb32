//! What is known of the stations on a link: address, hardware address, since when; and the packets that
//! wait until it is known. ARP and neighbour discovery both end here.
//!
//! This is bookkeeping: it sends nothing and reads no clock.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::net::IpAddr;

use base::Lwp;

use crate::{Batch, Complaint, Frame, Interface, IpInfo, Net, Reason};

/// Neighbours remembered.
const MOST: usize = 1024;
/// Packets that wait for one neighbour: a whole datagram's fragments on Ethernet, and some more.
const MOST_WAITING: usize = 64;
/// Packets that wait for all neighbours.
const MOST_WAITING_TOTAL: usize = 1024;
/// Questions before a neighbour is given up.
const TRIES: u32 = 3;
/// Time between two questions.
const RETRY: u64 = 1_000_000_000;
/// How long an answer is believed without asking again.
const REACHABLE: u64 = 30_000_000_000;

/// A neighbour's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    pub(crate) interface: u32,
    pub(crate) address: IpAddr,
}

struct Neighbour {
    /// None while it is asked for and was never told.
    hardware: Option<[u8; 6]>,
    confirmed: u64,
    used: u64,
    /// Questions sent since the last answer was too old.
    tries: u32,
    /// When to ask again or give up; `u64::MAX` while nothing is asked.
    due: u64,
    waiting: Batch,
}

/// What comes of a packet for a neighbour.
pub(crate) enum Resolution {
    /// It can go.
    Known(Frame, [u8; 6]),
    /// It can go, and the neighbour is to be asked whether that is still true.
    Doubtful(Frame, [u8; 6]),
    /// It waits, and the neighbour is to be asked for.
    Ask,
    /// It waits.
    Waits,
    /// Too many wait already.
    Refused(Frame),
}

/// A question to be sent: whom for, and the hardware address to ask at, if there is one.
pub(crate) type Question = (Key, Option<[u8; 6]>);

pub(crate) struct Neighbours {
    /// In the order of their names.
    table: Vec<(Key, Neighbour)>,
    /// Packets that wait, of all neighbours.
    waiting: usize,
    /// The time the timer is set to.
    armed: u64,
}

impl Default for Neighbours {
    fn default() -> Self {
        Neighbours {
            table: Vec::new(),
            waiting: 0,
            armed: u64::MAX,
        }
    }
}

impl Neighbours {
    /// Finds out where a packet goes. Also gives the packets of a neighbour that had to be forgotten.
    pub(crate) fn resolve(&mut self, key: Key, packet: Frame, now: u64) -> (Resolution, Batch) {
        if let Ok(index) = self.find(key) {
            let neighbour = &mut self.table[index].1;
            neighbour.used = now;
            let resolution = match neighbour.hardware {
                Some(hardware) if neighbour.due != u64::MAX => Resolution::Known(packet, hardware),
                Some(hardware) if now.saturating_sub(neighbour.confirmed) < REACHABLE => {
                    Resolution::Known(packet, hardware)
                }
                Some(hardware) => {
                    neighbour.tries = 1;
                    neighbour.due = now + RETRY;
                    Resolution::Doubtful(packet, hardware)
                }
                None => {
                    let full = neighbour.waiting.len() >= MOST_WAITING
                        || self.waiting >= MOST_WAITING_TOTAL;
                    if full || neighbour.waiting.try_reserve(1).is_err() {
                        Resolution::Refused(packet)
                    } else {
                        neighbour.waiting.push(packet);
                        self.waiting += 1;
                        Resolution::Waits
                    }
                }
            };
            return (resolution, Batch::new());
        }
        if self.waiting >= MOST_WAITING_TOTAL {
            return (Resolution::Refused(packet), Batch::new());
        }
        let evicted = self.make_room();
        self.waiting += 1;
        self.insert(
            key,
            Neighbour {
                hardware: None,
                confirmed: 0,
                used: now,
                tries: 1,
                due: now + RETRY,
                waiting: alloc::vec![packet],
            },
        );
        (Resolution::Ask, evicted)
    }

    fn find(&self, key: Key) -> Result<usize, usize> {
        self.table.binary_search_by_key(&key, |(key, _)| *key)
    }

    /// Remembers a neighbour that is not known.
    fn insert(&mut self, key: Key, neighbour: Neighbour) {
        if let Err(index) = self.find(key) {
            self.table.insert(index, (key, neighbour));
        }
    }

    /// Forgets the neighbour that was not used for longest, if there are too many.
    fn make_room(&mut self) -> Batch {
        if self.table.len() < MOST {
            return Batch::new();
        }
        let used = |(_, (_, neighbour)): &(usize, &(Key, Neighbour))| neighbour.used;
        let oldest = self.table.iter().enumerate().min_by_key(used);
        let Some(index) = oldest.map(|(index, _)| index) else {
            return Batch::new();
        };
        let evicted = self.table.remove(index).1.waiting;
        self.waiting -= evicted.len();
        evicted
    }

    /// Takes a neighbour's word for its hardware address, or that it is what was known (`None`). An
    /// unknown neighbour is remembered if it wants something of us (`create`) and there is room. Gives
    /// the packets that waited for it, and where to.
    pub(crate) fn learn(
        &mut self,
        key: Key,
        hardware: Option<[u8; 6]>,
        now: u64,
        create: bool,
    ) -> Option<(Batch, [u8; 6])> {
        if let Ok(index) = self.find(key) {
            let neighbour = &mut self.table[index].1;
            let hardware = hardware.or(neighbour.hardware)?;
            neighbour.hardware = Some(hardware);
            neighbour.confirmed = now;
            neighbour.tries = 0;
            neighbour.due = u64::MAX;
            let ready = mem::take(&mut neighbour.waiting);
            self.waiting -= ready.len();
            return Some((ready, hardware));
        }
        if create && self.table.len() < MOST {
            self.insert(
                key,
                Neighbour {
                    hardware,
                    confirmed: now,
                    used: now,
                    tries: 0,
                    due: u64::MAX,
                    waiting: Batch::new(),
                },
            );
        }
        None
    }

    /// The hardware address of a neighbour, if it is known.
    pub(crate) fn hardware(&self, key: Key) -> Option<[u8; 6]> {
        self.table[self.find(key).ok()?].1.hardware
    }

    /// What to ask now, and the packets of those who did not answer, with their interface.
    pub(crate) fn due(&mut self, now: u64) -> (Vec<Question>, Vec<(u32, Batch)>) {
        self.armed = u64::MAX;
        let (mut questions, mut lost) = (Vec::new(), Vec::new());
        self.table.retain_mut(|(key, neighbour)| {
            if neighbour.due > now {
                return true;
            }
            if neighbour.tries < TRIES {
                neighbour.tries += 1;
                neighbour.due = now + RETRY;
                questions.push((*key, neighbour.hardware));
                return true;
            }
            let waiting = mem::take(&mut neighbour.waiting);
            self.waiting -= waiting.len();
            lost.push((key.interface, waiting));
            false
        });
        (questions, lost)
    }

    /// When the timer is to be set, if it is not set to that time or an earlier one.
    pub(crate) fn arm(&mut self) -> Option<u64> {
        let next = self.table.iter().map(|(_, it)| it.due).min()?;
        if next >= self.armed {
            return None;
        }
        self.armed = next;
        Some(next)
    }

    /// Forgets the neighbours of an interface. Gives the packets that waited.
    pub(crate) fn forget(&mut self, interface: u32) -> Batch {
        let mut waiting = Batch::new();
        self.table.retain_mut(|(key, neighbour)| {
            if key.interface == interface {
                waiting.append(&mut neighbour.waiting);
            }
            key.interface != interface
        });
        self.waiting -= waiting.len();
        waiting
    }
}

impl Net {
    /// Remembers what a neighbour said, and sends what waited for it.
    pub(crate) fn learn(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        address: IpAddr,
        hardware: Option<[u8; 6]>,
        create: bool,
    ) {
        let key = Key {
            interface: interface.index(),
            address,
        };
        let now = lwp.now();
        let ready = self
            .neighbours
            .with(|neighbours| neighbours.learn(key, hardware, now, create));
        if let Some((packets, to)) = ready {
            for packet in packets {
                self.send_ethernet(lwp, interface, packet, to);
            }
        }
    }

    pub(crate) fn arm_neighbour_timer(&self, lwp: &Lwp<'_>) {
        if let Some(at) = self.neighbours.with(Neighbours::arm) {
            self.neighbour_timer.set(lwp, at);
        }
    }

    /// The timer: asks again, and gives up.
    pub(crate) fn neighbours_due(&self, lwp: &Lwp<'_>) {
        let now = lwp.now();
        let (questions, lost) = self.neighbours.with(|neighbours| neighbours.due(now));
        for (key, known) in questions {
            if let Some(interface) = self.interface_by_index(key.interface) {
                self.solicit(lwp, &interface, key.address, known);
            }
        }
        for (index, packets) in lost {
            let interface = self.interface_by_index(index);
            for packet in packets {
                match &interface {
                    Some(interface) => self.unreachable(lwp, interface, packet),
                    None => self.pool().recycle(packet),
                }
            }
        }
        self.arm_neighbour_timer(lwp);
        self.settle(lwp);
    }

    /// Gives up a packet that was to leave by `interface`, because nobody is there to take it, and tells its sender. No
    /// lock is held; the caller owes a [`settle`](Self::settle).
    pub fn unreachable(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, packet: Frame) {
        interface.count_dropped(Reason::Unresolved, 1);
        match (self.sent_for_another(&packet), self.receiver(lwp)) {
            (Some(info), _) => {
                self.complain(lwp, interface, &packet, &info, Complaint::NoHost);
                self.pool().recycle(packet);
            }
            (None, Some(receiver)) => receiver.unreachable(lwp, packet),
            (None, None) => self.pool().recycle(packet),
        }
    }

    /// What is known of a packet, if it is none of ours but was sent on.
    fn sent_for_another(&self, packet: &Frame) -> Option<IpInfo> {
        let info = IpInfo::read(packet.payload())?;
        let local = self.table.with(|table| table.is_local(info.src));
        (!local && !info.src.is_unspecified()).then_some(info)
    }
}

#[cfg(test)]
mod tests;
