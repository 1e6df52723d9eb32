//! What goes out.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

use base::sync::{Leaf, Mutex};
use base::{Failure, Lwp, Work};
use net::{Batch, Frame, FramePool, Interface, Link, Medium, Net, Offloads};
use virtio::{Broken, Chain, Device, Queue, Quiet};

use crate::features::Features;
use crate::header;

/// The transmit queue's number.
const QUEUE: u16 = 1;

/// Frames on their way.
const ENTRIES: usize = 256;

/// Frames that wait for the queue to have room.
const BACKLOG: usize = 1024;

/// A frame with its header in front.
struct Outgoing(Frame);

impl Chain for Outgoing {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        f(&[self.0.payload()], &mut [])
    }
}

struct State {
    queue: Box<Queue<Outgoing, ENTRIES>>,
    backlog: VecDeque<Outgoing>,
    /// Counts frames that the device has sent.
    sent: u64,
}

/// The sending side of a card: what the network has of it.
pub(crate) struct Sender {
    address: Option<[u8; 6]>,
    mtu: usize,
    offloads: Offloads,
    /// None once the card is stopped.
    state: Mutex<Option<State>>,
    /// To be done when the device did something that it must not.
    work: Arc<Work>,
    broken: Leaf<Option<Broken>>,
}

impl Sender {
    pub(crate) fn new(
        device: &mut Device,
        features: &Features,
        work: &Arc<Work>,
    ) -> Result<Self, Failure> {
        let mut queue = device.queue(QUEUE)?;
        queue.interrupt(false);
        Ok(Sender {
            address: features.address,
            mtu: features.mtu,
            offloads: features.offloads(),
            state: Mutex::new(Some(State {
                queue,
                backlog: VecDeque::new(),
                sent: 0,
            })),
            work: work.clone(),
            broken: Leaf::new(None),
        })
    }

    /// Takes back buffers of frames that were sent, and sends those that waited. `Err` says what the device
    /// did that it must not. Otherwise how many frames were sent since the start, if some still wait.
    pub(crate) fn reclaim(&self, lwp: &Lwp<'_>, pool: &FramePool) -> Result<Option<u64>, String> {
        let mut guard = self.state.lock(lwp);
        let Some(state) = &mut *guard else {
            return Ok(None);
        };
        if self.broken.with(|broken| broken.is_none()) {
            self.note(state.turn(pool));
        }
        match self.broken.with(|broken| *broken) {
            Some(broken) => Err(broken.to_string()),
            None => Ok((!state.backlog.is_empty()).then_some(state.sent)),
        }
    }

    /// Keeps what went wrong for the work that deals with it.
    fn note(&self, turned: Result<(), Broken>) {
        if let Err(broken) = turned {
            self.broken.with(|place| *place = Some(broken));
            self.work.schedule();
        }
    }

    /// Ends the queue, of a device that was reset or of one that cannot be, whose buffers are lost.
    pub(crate) fn end(&self, lwp: &Lwp<'_>, pool: &FramePool, quiet: Option<Quiet>) {
        let Some(state) = self.state.lock(lwp).take() else {
            return;
        };
        if let Some(quiet) = quiet {
            for outgoing in state.queue.end(quiet) {
                pool.recycle(outgoing.0);
            }
        }
        for outgoing in state.backlog {
            pool.recycle(outgoing.0);
        }
    }
}

impl State {
    /// Takes back what was sent, and fills the queue. Interrupts are wanted only while frames wait.
    fn turn(&mut self, pool: &FramePool) -> Result<(), Broken> {
        loop {
            while let Some((outgoing, _)) = self.queue.pop()? {
                pool.recycle(outgoing.0);
                self.sent += 1;
            }
            while let Some(outgoing) = self.backlog.pop_front() {
                if let Err(outgoing) = self.queue.add(outgoing) {
                    self.backlog.push_front(outgoing);
                    break;
                }
            }
            self.queue.kick();
            let waiting = !self.backlog.is_empty();
            self.queue.interrupt(waiting);
            if !(waiting && self.queue.has_used()) {
                return Ok(());
            }
        }
    }
}

impl Link for Sender {
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn address(&self) -> Option<[u8; 6]> {
        self.address
    }

    fn offloads(&self) -> Offloads {
        self.offloads
    }

    fn transmit(&self, lwp: &Lwp<'_>, net: &Net, _interface: &Arc<Interface>, batch: &mut Batch) {
        let mut guard = self.state.lock(lwp);
        let Some(state) = &mut *guard else { return };
        if self.broken.with(|broken| broken.is_some()) {
            return;
        }
        let room = (BACKLOG + ENTRIES).saturating_sub(state.backlog.len());
        for mut frame in batch.drain(..room.min(batch.len())) {
            let offload = frame.offload();
            header::write(&offload, frame.prepend(header::LENGTH));
            state.backlog.push_back(Outgoing(frame));
        }
        self.note(state.turn(net.pool()));
        if !state.backlog.is_empty() {
            // It watches whether the queue moves on.
            self.work.schedule();
        }
    }
}
