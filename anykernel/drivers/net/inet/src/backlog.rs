//! A listener's connections that nobody has accepted yet.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Events, Readiness, Wakes};

use crate::tcp::TcpSocket;

/// How long a handshake may take when others want its place, in nanoseconds: longer than the way around the world and
/// back.
const PATIENCE: u64 = 500_000_000;

/// Where they wait. Empty of everything in a socket that does not listen.
pub(crate) struct Backlog(Leaf<Option<Waiting>>);

/// The connections of a listener.
pub(crate) struct Waiting {
    /// Those that are established, in order.
    ready: VecDeque<Arc<TcpSocket>>,
    /// Those whose handshake is under way, in order, and since when.
    half_open: Vec<(Arc<TcpSocket>, u64)>,
    /// What `listen` asked for.
    limit: usize,
}

/// Whether there is room for another handshake.
pub(crate) enum Room {
    None,
    Free,
    /// If this one ends.
    InPlaceOf(Arc<TcpSocket>),
}

impl Backlog {
    pub(crate) fn new() -> Self {
        Backlog(Leaf::new(None))
    }

    /// Begins to take connections, or changes how many may wait.
    pub(crate) fn open(&self, limit: usize) {
        self.0.with(|waiting| match waiting {
            Some(waiting) => waiting.limit = limit,
            None => {
                *waiting = Some(Waiting {
                    ready: VecDeque::new(),
                    half_open: Vec::new(),
                    limit,
                })
            }
        });
    }

    /// Takes no more, and gives up those that wait.
    pub(crate) fn close(&self) -> Vec<Arc<TcpSocket>> {
        let Some(waiting) = self.0.with(Option::take) else {
            return Vec::new();
        };
        // The plain form: iterators put together are a kilobyte of code.
        let mut all = Vec::new();
        for (child, _) in waiting.half_open {
            all.push(child);
        }
        for child in waiting.ready {
            all.push(child);
        }
        all
    }

    /// Whether another handshake may begin: the queue of the established has room (for one more than
    /// was asked for, as Linux has it), and no more than `most` are half open. If so many are, the oldest makes room, which
    /// the caller then ends: if it had its time, for a flood of beginnings that lead to nothing shall not keep others out
    /// for longer than it lasts.
    pub(crate) fn make_room(&self, most: usize, now: u64) -> Room {
        self.0.with(|waiting| {
            let Some(waiting) = waiting else {
                return Room::None;
            };
            if waiting.ready.len() > waiting.limit {
                return Room::None;
            }
            if waiting.half_open.len() < most {
                return Room::Free;
            }
            match waiting.half_open.first() {
                Some((_, since)) if since + PATIENCE <= now => {
                    Room::InPlaceOf(waiting.half_open.remove(0).0)
                }
                _ => Room::None,
            }
        })
    }

    /// Notes a handshake that begins.
    pub(crate) fn begin(&self, child: &Arc<TcpSocket>, now: u64) {
        self.0.with(|waiting| {
            if let Some(waiting) = waiting {
                waiting.half_open.push((child.clone(), now));
            }
        });
    }

    /// Notes that a handshake led to nothing.
    pub(crate) fn abandon(&self, child: &Arc<TcpSocket>) {
        let _dropped_outside = self.0.with(|waiting| remove(waiting.as_mut()?, child));
    }

    /// Notes that a handshake is complete. False if nobody listens any more.
    pub(crate) fn complete(
        &self,
        child: &Arc<TcpSocket>,
        readiness: &Readiness,
        wakes: &mut Wakes,
    ) -> bool {
        self.0.with(|waiting| {
            let Some(waiting) = waiting else {
                return false;
            };
            if let Some(child) = remove(waiting, child) {
                waiting.ready.push_back(child);
                readiness.update(Events::IN, Events::IN, wakes);
            }
            true
        })
    }

    /// Takes the connection that waited longest. `None`: nobody listens.
    pub(crate) fn accept(
        &self,
        readiness: &Readiness,
        wakes: &mut Wakes,
    ) -> Option<Option<Arc<TcpSocket>>> {
        self.0.with(|waiting| {
            let waiting = waiting.as_mut()?;
            let child = waiting.ready.pop_front();
            let level = Events::IN.when(!waiting.ready.is_empty());
            readiness.update(level, Events::NONE, wakes);
            Some(child)
        })
    }
}

fn remove(waiting: &mut Waiting, child: &Arc<TcpSocket>) -> Option<Arc<TcpSocket>> {
    let index = waiting
        .half_open
        .iter()
        .position(|(other, _)| Arc::ptr_eq(other, child))?;
    Some(waiting.half_open.remove(index).0)
}
