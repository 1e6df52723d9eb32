//! A segment inside the process. A frame is copied once on its way in, however many get it, and once on its way
//! out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use hypercall::{Errno, LinkInfo, Offload, Segment};

use super::super::{Arrived, End, Link};
use super::stations::{Stations, Target, addresses};

/// Frames, and bytes of them, that may wait for a member.
const QUEUE: usize = 4096;
const QUEUE_BYTES: usize = 2 * 1024 * 1024;

/// The segments that somebody is on, by name.
static SEGMENTS: Mutex<BTreeMap<String, Weak<Bus>>> = Mutex::new(BTreeMap::new());

/// A segment.
struct Bus {
    name: String,
    members: RwLock<Members>,
}

struct Members {
    ports: HashMap<u64, Arc<Port>>,
    stations: Stations<u64>,
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
        let bus = segments.get(name).and_then(Weak::upgrade);
        let bus = bus.unwrap_or_else(|| {
            let bus = Arc::new(Bus {
                name: name.to_owned(),
                members: RwLock::new(Members {
                    ports: HashMap::new(),
                    stations: Stations::new(),
                }),
            });
            segments.insert(name.to_owned(), Arc::downgrade(&bus));
            bus
        });
        Member {
            bus,
            port: OnceLock::new(),
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let mut segments = lock(&SEGMENTS);
        // Somebody may have made a new one of that name already.
        if segments
            .get(&self.name)
            .is_some_and(|bus| bus.strong_count() == 0)
        {
            segments.remove(&self.name);
        }
    }
}

impl Bus {
    fn learn(&self, frames: &[Segment<'_>], number: u64) {
        let from = |frame: &Segment<'_>| addresses(frame.as_slice()).map(|(_, from)| from);
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let news: Vec<_> = frames
            .iter()
            .filter_map(from)
            .filter(|from| !members.stations.knows(from, number))
            .collect();
        drop(members);
        if news.is_empty() {
            return;
        }
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        for from in news {
            members.stations.learn(from, number);
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
        let mut members = self
            .bus
            .members
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        members.ports.insert(link.number, port.clone());
        drop(members);
        // Nobody else begins.
        let _ = self.port.set(port);
        Ok(())
    }

    fn receive(&self, _link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let Some(port) = self.port.get() else {
            return 0;
        };
        let mut queue = lock(&port.queue);
        let count = buffers.len().min(queue.frames.len());
        queue.hungry = count < buffers.len();
        let frames: Vec<_> = queue.frames.drain(..count).collect();
        let bytes: usize = frames.iter().map(|(bytes, _)| bytes.len()).sum();
        queue.bytes -= bytes;
        drop(queue);
        for (buffer, (bytes, offload)) in buffers.iter_mut().zip(&frames) {
            // One that is too long arrives as nothing, which the kernel drops and counts.
            if let Some(room) = buffer.buffer().get_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
                buffer.set_len(bytes.len());
                buffer.set_offload(*offload);
            }
        }
        count
    }

    fn transmit(&self, link: &Link, frames: &[Segment<'_>]) -> usize {
        self.bus.learn(frames, link.number);
        let mut taken = 0;
        let mut told = Vec::new();
        let members = self
            .bus
            .members
            .read()
            .unwrap_or_else(PoisonError::into_inner);
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
                        let port = members.ports.get(&number);
                        let put = port.is_some_and(|port| port.put(&bytes, offload, &mut tell));
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
        let mut members = self
            .bus
            .members
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        members.ports.remove(&link.number);
        members.stations.forget(link.number);
    }
}

/// The names of the segments there are.
#[cfg(test)]
pub(super) fn segments() -> Vec<String> {
    lock(&SEGMENTS).keys().cloned().collect()
}
