//! A segment in a file that processes share, best one in memory. Between each two members there are two rings, one
//! for each direction; a member has a thread that sleeps until one of its rings is written.
//!
//! There is no lock that a process could hold when it ends, and nothing in the file is believed.

mod bell;
mod region;
mod ring;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hypercall::{Errno, LinkInfo, Segment};

use super::super::{Arrived, End, Link};
use super::stations::{Stations, Target, addresses};
use crate::threads::processors;
use crate::work;
use region::{PLACES, Region};
use ring::{Reader, Writer};

/// Frames taken from one member before it is another's turn.
const TURN: usize = 8;
/// Looks at what is pending before a member sleeps: the fewest and the most, by whether it helped.
const LOOKS: std::ops::RangeInclusive<u32> = 64..=2048;

/// A place on a segment.
pub(super) struct Member(Arc<Shared>);

struct Shared {
    region: Region,
    place: usize,
    closing: AtomicBool,
    writers: Mutex<Vec<Writer>>,
    incoming: Mutex<Incoming>,
    /// Who was heard from where, and as which of those who were there.
    stations: Mutex<Stations>,
}

struct Incoming {
    readers: Vec<Reader>,
    /// Where there may be something: a bit each.
    ready: u32,
    /// Whose turn it is.
    turn: usize,
    /// The kernel has found nothing, and is to be told of what comes.
    hungry: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place that is part of a member's number.
fn place_of(member: u64) -> usize {
    member as u32 as usize % PLACES
}

impl Member {
    /// Takes a place on the segment in this file.
    pub(super) fn join(path: &str) -> Result<Member, Errno> {
        let region = Region::open(path)?;
        let place = region.claim()?;
        let writers = (0..PLACES).map(|to| Writer::new(&region, place, to));
        let readers = (0..PLACES).map(|from| Reader::new(&region, from, place));
        let (writers, readers) = (writers.collect(), readers.collect());
        Ok(Member(Arc::new(Shared {
            place,
            closing: AtomicBool::new(false),
            writers: Mutex::new(writers),
            incoming: Mutex::new(Incoming {
                readers,
                ready: 0,
                turn: 0,
                hungry: true,
            }),
            stations: Mutex::new(Stations::new()),
            region,
        })))
    }
}

impl Shared {
    /// Whether there is something to look at, or nothing to come.
    fn is_awake(&self) -> bool {
        self.region.pending(self.place).load(Ordering::SeqCst) != 0
            || self.closing.load(Ordering::SeqCst)
    }

    /// What the member's thread does: tells the kernel, and does what comes of it.
    fn attend(&self, arrived: &Arrived) {
        let mut looks = *LOOKS.start();
        while !self.closing.load(Ordering::SeqCst) {
            if processors() > 1 {
                let early = (0..looks).any(|_| {
                    std::hint::spin_loop();
                    self.is_awake()
                });
                let next = if early { looks * 2 } else { looks / 2 };
                looks = next.clamp(*LOOKS.start(), *LOOKS.end());
            }
            while !self.is_awake() {
                bell::sleep(self.region.bell(self.place), || self.is_awake());
            }
            let mut incoming = lock(&self.incoming);
            incoming.ready |= self.region.pending(self.place).swap(0, Ordering::SeqCst);
            let tell = incoming.ready != 0 && std::mem::take(&mut incoming.hungry);
            drop(incoming);
            if tell {
                work::bring(|| arrived.tell());
            }
        }
    }

    /// Sends a frame to a member: whether there was room.
    fn put(&self, writers: &mut [Writer], to: usize, frame: &Segment<'_>) -> bool {
        if !writers[to].put(&self.region, (self.place, to), frame) {
            self.region.bury(to);
            return false;
        }
        let pending = self.region.pending(to);
        pending.fetch_or(1 << self.place, Ordering::SeqCst);
        bell::ring(self.region.bell(to));
        true
    }

    /// Who a frame is for, if that one is still there.
    fn target(&self, frame: &Segment<'_>) -> Option<Target> {
        let (to, _) = addresses(frame.as_slice())?;
        Some(match lock(&self.stations).target(&to) {
            Target::One(member) if self.member(place_of(member)) == Some(member) => {
                Target::One(member)
            }
            _ => Target::All,
        })
    }

    /// The number of who is in a place, which nobody had there before.
    fn member(&self, place: usize) -> Option<u64> {
        let who = u64::from(self.region.present(place)?);
        Some(who << 32 | place as u64)
    }

    /// Remembers who is where.
    fn learn(&self, heard: &[(usize, Option<[u8; 6]>)]) {
        let mut stations = lock(&self.stations);
        for (place, from) in heard {
            if let (Some(from), Some(member)) = (from, self.member(*place))
                && !stations.knows(from, member)
            {
                stations.learn(*from, member);
            }
        }
    }
}

impl End for Member {
    fn info(&self) -> LinkInfo {
        super::INFO
    }

    fn begin(&self, link: &Link) -> Result<(), Errno> {
        let (shared, arrived) = (self.0.clone(), link.arrived.clone());
        work::spawn("rump-bus", Box::new(move || shared.attend(&arrived)))
    }

    fn receive(&self, _link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let shared = &*self.0;
        let (region, place) = (&shared.region, shared.place);
        let mut heard = Vec::with_capacity(buffers.len());
        let mut incoming = lock(&shared.incoming);
        let incoming = &mut *incoming;
        'filling: while heard.len() < buffers.len() {
            if incoming.ready == 0 {
                incoming.ready = region.pending(place).swap(0, Ordering::SeqCst);
            }
            if incoming.ready == 0 {
                incoming.hungry = true;
                break;
            }
            let from = incoming.turn % PLACES;
            if incoming.ready & 1 << from != 0 {
                for _ in 0..TURN {
                    let Some(buffer) = buffers.get_mut(heard.len()) else {
                        break 'filling;
                    };
                    if !incoming.readers[from].take(region, (from, place), buffer) {
                        incoming.ready &= !(1 << from);
                        break;
                    }
                    let sender = addresses(buffer.as_slice()).map(|(_, sender)| sender);
                    heard.push((from, sender));
                }
            }
            incoming.turn = from + 1;
        }
        shared.learn(&heard);
        heard.len()
    }

    fn transmit(&self, _link: &Link, frames: &[Segment<'_>]) -> usize {
        let shared = &*self.0;
        let mut writers = lock(&shared.writers);
        let mut taken = 0;
        for frame in frames {
            match shared.target(frame) {
                None => {}
                Some(Target::One(member)) => {
                    let put = shared.put(&mut writers, place_of(member), frame);
                    taken += usize::from(put);
                }
                Some(Target::All) => {
                    let others = (0..PLACES).filter(|to| *to != shared.place);
                    for to in others.filter(|to| shared.region.present(*to).is_some()) {
                        shared.put(&mut writers, to, frame);
                    }
                    taken += 1;
                }
            }
        }
        taken
    }

    fn end(&self, _link: &Link) {
        let shared = &*self.0;
        shared.region.leave(shared.place);
        // Its thread is not waited for: it may be this one.
        shared.closing.store(true, Ordering::SeqCst);
        bell::ring(shared.region.bell(shared.place));
    }
}

#[cfg(test)]
mod tests;
