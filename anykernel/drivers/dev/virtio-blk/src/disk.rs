//! A disk, from its device to its unit.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::{Leaf, Mutex};
use base::{Callout, Errno, Failure, Level, Lwp, Work, log};
use dev::{Block, Dev, Disk, Geometry, Operation, Request};
use virtio::{Broken, Device, Port, Queue};

use crate::layout::Layout;
use crate::transfer::Transfer;

/// The request queue's number.
const QUEUE: u16 = 0;

/// Buffers at the device: three for a request.
const ENTRIES: usize = 64;

/// How long a disk with requests may complete none, in nanoseconds.
const PATIENCE: u64 = 30_000_000_000;

/// A disk of virtio.
struct VirtioDisk {
    layout: Layout,
    port: Port,
    /// None once it is stopped.
    state: Mutex<Option<State>>,
    patience: Arc<Callout>,
}

struct State {
    queue: Box<Queue<Transfer, ENTRIES>>,
    /// Requests that wait for room in the queue.
    backlog: VecDeque<Transfer>,
    /// Counts completions, and what that was when patience was last set to run out.
    completed: u64,
    seen: u64,
    /// Whether patience is set to run out.
    watched: bool,
}

/// A disk, its unit, and what people call it.
pub(crate) struct Attached {
    dev: Arc<Dev>,
    disk: Arc<VirtioDisk>,
    unit: Arc<Block>,
    name: Arc<Leaf<String>>,
}

impl Attached {
    pub(crate) fn new(
        lwp: &Lwp<'_>,
        dev: &Arc<Dev>,
        mut device: Device,
        place: &str,
    ) -> Result<Self, Failure> {
        // Work may be asked for before there is a disk for it to find.
        let found: Arc<Leaf<Weak<VirtioDisk>>> = Arc::new(Leaf::new(Weak::new()));
        let name = Arc::new(Leaf::new(place.to_string()));
        let action = |action: fn(&VirtioDisk, &Lwp<'_>) -> Result<(), String>| {
            let (found, name) = (found.clone(), name.clone());
            move |lwp: &Lwp<'_>| {
                if let Some(disk) = found.with(|disk| disk.upgrade())
                    && let Err(why) = action(&disk, lwp)
                    && disk.halt(lwp)
                {
                    let name = name.with(|name| name.clone());
                    log!(
                        lwp.instance(),
                        Level::Error,
                        "{name}: {why}; the device is detached"
                    );
                }
            }
        };
        let work = Work::new(lwp.instance(), action(VirtioDisk::serve));
        let changed = Work::new(lwp.instance(), action(VirtioDisk::changed));
        let patience = Callout::new(action(VirtioDisk::look));
        let layout = Layout::negotiate(&mut device)?;
        let queue = device.queue(QUEUE)?;
        let port = device.start(&work, &changed)?;
        let disk = Arc::new(VirtioDisk {
            layout,
            port,
            state: Mutex::new(Some(State {
                queue,
                backlog: VecDeque::new(),
                completed: 0,
                seen: 0,
                watched: false,
            })),
            patience,
        });
        found.with(|place| *place = Arc::downgrade(&disk));
        let unit = dev.add_disk("vblk", disk.clone());
        name.with(|name| *name = format!("{place}: {}", unit.name()));
        Ok(Attached {
            dev: dev.clone(),
            disk,
            unit,
            name,
        })
    }

    /// What it became, for people.
    pub(crate) fn describe(&self) -> String {
        let geometry = self.unit.geometry();
        format!(
            "{}, {} blocks of {} bytes{}{}",
            self.unit.name(),
            geometry.blocks,
            geometry.block_size,
            if geometry.read_only {
                ", read-only"
            } else {
                ""
            },
            if self.disk.layout.caches {
                ", caches writes"
            } else {
                ""
            },
        )
    }

    /// Ends it. Its requests end with an error.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.name.with(String::clear);
        self.dev.remove_disk(&self.unit);
        self.disk.halt(lwp);
    }
}

impl Disk for VirtioDisk {
    fn geometry(&self) -> Geometry {
        self.layout.geometry
    }

    fn most_discarded(&self) -> u64 {
        self.layout.most_discarded
    }

    fn submit(&self, lwp: &Lwp<'_>, request: Request) {
        if request.operation == Operation::Flush && !self.layout.caches {
            return request.complete(lwp, Ok(()));
        }
        let mut guard = self.state.lock(lwp);
        let Some(state) = &mut *guard else {
            drop(guard);
            return request.complete(lwp, Err(Errno::ENXIO));
        };
        let transfer = Transfer::new(request, self.layout.geometry.block_size);
        state.backlog.push_back(transfer);
        state.fill();
        let watch = !core::mem::replace(&mut state.watched, true);
        if watch {
            state.seen = state.completed;
        }
        drop(guard);
        if watch {
            self.patience.set(lwp, lwp.now() + PATIENCE);
        }
    }
}

impl VirtioDisk {
    /// Completes what the device has done. `Err` says what it did that it must not.
    fn serve(&self, lwp: &Lwp<'_>) -> Result<(), String> {
        self.port.acknowledge();
        let (done, turned) = {
            let mut guard = self.state.lock(lwp);
            let Some(state) = &mut *guard else {
                return Ok(());
            };
            let mut done = Vec::new();
            let turned = state.turn(&mut done);
            (done, turned)
        };
        for (request, result) in done {
            request.complete(lwp, result);
        }
        turned.map_err(|broken| broken.to_string())
    }

    fn changed(&self, _: &Lwp<'_>) -> Result<(), String> {
        match self.port.has_failed() {
            true => Err("it says that it cannot go on".into()),
            false => Ok(()),
        }
    }

    /// Sees whether the device goes on.
    fn look(&self, lwp: &Lwp<'_>) -> Result<(), String> {
        let mut guard = self.state.lock(lwp);
        let Some(state) = &mut *guard else {
            return Ok(());
        };
        if state.queue.under_way() == 0 {
            state.watched = false;
            return Ok(());
        }
        if state.completed == state.seen {
            return Err("it does not answer".into());
        }
        state.seen = state.completed;
        drop(guard);
        self.patience.set(lwp, lwp.now() + PATIENCE);
        Ok(())
    }

    /// Ends the device's work, and all requests with an error. Whether it was at work until now.
    fn halt(&self, lwp: &Lwp<'_>) -> bool {
        let Some(mut state) = self.state.lock(lwp).take() else {
            return false;
        };
        self.patience.cancel(lwp);
        let ended: Vec<_> = match self.port.reset() {
            Some(quiet) => {
                let ended = state.queue.end(quiet).into_iter();
                ended.map(Transfer::give_up).collect()
            }
            None => state.queue.abandon(Transfer::salvage),
        };
        let waiting = state.backlog.into_iter().map(Transfer::give_up);
        for request in ended.into_iter().chain(waiting).flatten() {
            request.complete(lwp, Err(Errno::EIO));
        }
        true
    }
}

impl State {
    /// Puts waiting requests into the queue, as far as there is room.
    fn fill(&mut self) {
        while let Some(transfer) = self.backlog.pop_front() {
            if let Err(transfer) = self.queue.add(transfer) {
                self.backlog.push_front(transfer);
                break;
            }
        }
        self.queue.kick();
    }

    /// Takes what the device has done.
    fn turn(&mut self, done: &mut Vec<(Request, Result<(), Errno>)>) -> Result<(), Broken> {
        while let Some((transfer, len)) = self.queue.pop()? {
            self.completed += 1;
            done.extend(transfer.end(len));
        }
        self.fill();
        Ok(())
    }
}
