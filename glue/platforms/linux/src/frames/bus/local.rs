//! A segment inside the process. A frame is copied once on its way in, however many get it, and once on its way
//! out.

use std::collections::VecDeque;
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
};

use hypercall::{Errno, LinkInfo, Offload, Segment};

use super::super::{Arrived, End, Link};
use super::stations::{Stations, Target, addresses};

/// Frames, and bytes of them, that may wait for a member.
const QUEUE: usize = 4096;
const QUEUE_BYTES: usize = 2 * 1024 * 1024;

/// The segments that somebody is on.
static SEGMENTS: Mutex<Vec<Weak<Bus>>> = Mutex::new(Vec::new());

/// A segment.
struct Bus {
    name: String,
    members: RwLock<Members>,
}

struct Members {
    /// In the order of their numbers.
    ports: Vec<(u64, Arc<Port>)>,
    stations: Stations,
}

/// Where frames wait for a member.
struct Port {
    arrived: Arc<Arrived>,
    queue: Mutex<Queue>,
}

struct Queue {
    frames: VecDeque<(Arc<[u8]>, Offload)>,
    bytes: usize,
    /// The kernel has found nothing, and is to be told of what comes.
    hungry: bool,
}

/// A place on a segment.
pub(super) struct Member {
    bus: Arc<Bus>,
    port: OnceLock<Arc<Port>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Member {
    /// Takes a place, from which nothing is heard yet.
    pub(super) fn join(name: &str) -> Member {
        let mut segments = lock(&SEGMENTS);
        segments.retain(|bus| bus.strong_count() > 0);
        let mut there = segments.iter().filter_map(Weak::upgrade);
        let bus = there.find(|bus| bus.name == name);
        let bus = bus.unwrap_or_else(|| {
            let bus = Arc::new(Bus {
                name: name.to_owned(),
                members: RwLock::new(Members {
                    ports: Vec::new(),
                    stations: Stations::new(),
                }),
            });
            segments.push(Arc::downgrade(&bus));
            bus
        });
        Member {
            bus,
            port: OnceLock::new(),
        }
    }
}

impl Members {
    /// Where a member is in the list, or would be.
    fn find(&self, number: u64) -> Result<usize, usize> {
        self.ports
            .binary_search_by_key(&number, |(number, _)| *number)
    }
}

impl Bus {
    fn read(&self) -> RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Members> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers who sent frames. Most have sent some before.
    fn learn(&self, frames: &[Segment<'_>], number: u64) {
        for frame in frames {
            if let Some((_, from)) = addresses(frame.as_slice())
                && !self.read().stations.knows(&from, number)
            {
                self.write().stations.learn(from, number);
            }
        }
    }
}

impl Port {
    /// Puts a frame into the queue: whether there was room. Whom to tell of it comes into `tell`.
    fn put<'p>(
        self: &'p Arc<Self>,
        bytes: &Arc<[u8]>,
        offload: Offload,
        tell: &mut Vec<&'p Arc<Port>>,
    ) -> bool {
        let mut queue = lock(&self.queue);
        if queue.frames.len() == QUEUE || queue.bytes + bytes.len() > QUEUE_BYTES {
            return false;
        }
        queue.bytes += bytes.len();
        queue.frames.push_back((bytes.clone(), offload));
        if std::mem::take(&mut queue.hungry) {
            tell.push(self);
        }
        true
    }

    /// Takes a frame out of the queue. If there is none, the kernel is told of the next.
    fn take(&self) -> Option<(Arc<[u8]>, Offload)> {
        let mut queue = lock(&self.queue);
        let frame = queue.frames.pop_front();
        match &frame {
            Some((bytes, _)) => queue.bytes -= bytes.len(),
            None => queue.hungry = true,
        }
        frame
    }
}

impl End for Member {
    fn info(&self) -> LinkInfo {
        super::INFO
    }

    fn begin(&self, link: &Link) -> Result<(), Errno> {
        let port = Arc::new(Port {
            arrived: link.arrived.clone(),
            queue: Mutex::new(Queue {
                frames: VecDeque::new(),
                bytes: 0,
                hungry: true,
            }),
        });
        let mut members = self.bus.write();
        let at = members.find(link.number).unwrap_or_else(|at| at);
        members.ports.insert(at, (link.number, port.clone()));
        drop(members);
        // Nobody else begins.
        let _ = self.port.set(port);
        Ok(())
    }

    fn receive(&self, _link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let Some(port) = self.port.get() else {
            return 0;
        };
        let mut filled = 0;
        while let Some(buffer) = buffers.get_mut(filled)
            && let Some((bytes, offload)) = port.take()
        {
            // One that is too long arrives as nothing, which the kernel drops and counts.
            if let Some(room) = buffer.buffer().get_mut(..bytes.len()) {
                room.copy_from_slice(&bytes);
                buffer.set_len(bytes.len());
                buffer.set_offload(offload);
            }
            filled += 1;
        }
        filled
    }

    fn transmit(&self, link: &Link, frames: &[Segment<'_>]) -> usize {
        self.bus.learn(frames, link.number);
        let mut taken = 0;
        let mut told = Vec::new();
        let members = self.bus.read();
        {
            let mut tell = Vec::new();
            for frame in frames {
                let Some((to, _)) = addresses(frame.as_slice()) else {
                    continue;
                };
                let bytes: Arc<[u8]> = frame.as_slice().into();
                let offload = frame.offload();
                match members.stations.target(&to) {
                    Target::One(number) if number == link.number => taken += 1,
                    Target::One(number) => {
                        let put = members
                            .find(number)
                            .is_ok_and(|at| members.ports[at].1.put(&bytes, offload, &mut tell));
                        taken += usize::from(put);
                    }
                    Target::All => {
                        for (number, port) in &members.ports {
                            if *number != link.number {
                                port.put(&bytes, offload, &mut tell);
                            }
                        }
                        taken += 1;
                    }
                }
            }
            told.extend(tell.into_iter().map(|port| port.arrived.clone()));
        }
        // Not under the lock: who is told asks for a thread, and who joins has that lock first.
        drop(members);
        for arrived in told {
            arrived.tell();
        }
        taken
    }

    fn end(&self, link: &Link) {
        let mut members = self.bus.write();
        if let Ok(at) = members.find(link.number) {
            members.ports.remove(at);
        }
        members.stations.forget(link.number);
    }
}

/// The names of the segments there are.
#[cfg(test)]
pub(super) fn segments() -> Vec<String> {
    let segments = lock(&SEGMENTS);
    let there = segments.iter().filter_map(Weak::upgrade);
    there.map(|bus| bus.name.clone()).collect()
}
