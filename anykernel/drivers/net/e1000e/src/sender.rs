//! What goes out (section 7.2).

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use base::sync::Mutex;
use base::{Errno, Lwp, Work};
use hardware::{Memory, fence};
use net::{Batch, Frame, FramePool, Interface, Link, Medium, Net};

use crate::hardware::Hardware;
use crate::registers::{RING_TAIL, SEND_RING};

/// Descriptors, and bytes of each.
const ENTRIES: usize = 256;
const ENTRY: usize = 16;

/// Bytes of a buffer.
const BUFFER: usize = 2048;

/// Frames that wait for the ring to have room.
const BACKLOG: usize = 1024;

/// What Ethernet carries, in bytes.
const MTU: usize = 1500;

// The command of a descriptor (section 7.2.10.1.1): the frame ends here, the card adds its checksum, and says
// when it is sent.
const COMMAND: u32 = (1 << 0 | 1 << 1 | 1 << 3) << 24;

/// The status's bit that it was.
const DONE: u32 = 1;

struct State {
    ring: Memory,
    buffers: Memory,
    /// The next entry to use, and the next to hear of.
    next: usize,
    oldest: usize,
    backlog: VecDeque<Frame>,
    /// Counts frames that were sent.
    sent: u64,
}

/// The sending side of a card: what the network has of it.
pub(crate) struct Sender {
    hardware: Hardware,
    address: Option<[u8; 6]>,
    /// None once the card is stopped.
    state: Mutex<Option<State>>,
    /// Watches whether a full ring moves on.
    work: Arc<Work>,
}

impl Sender {
    pub(crate) fn new(
        hardware: Hardware,
        address: Option<[u8; 6]>,
        work: &Arc<Work>,
    ) -> Result<Self, Errno> {
        let state = State {
            ring: Memory::new(ENTRIES * ENTRY)?,
            buffers: Memory::new(ENTRIES * BUFFER)?,
            next: 0,
            oldest: 0,
            backlog: VecDeque::new(),
            sent: 0,
        };
        let ring = state.ring.device_address();
        hardware.set_ring(SEND_RING, ring, ENTRIES * ENTRY);
        Ok(Sender {
            hardware,
            address,
            state: Mutex::new(Some(state)),
            work: work.clone(),
        })
    }

    /// Goes on sending what waited. If some still waits, how many frames were sent since the start.
    pub(crate) fn turn(&self, lwp: &Lwp<'_>, pool: &FramePool) -> Option<u64> {
        let mut guard = self.state.lock(lwp);
        let state = guard.as_mut()?;
        state.turn(self.hardware, pool);
        (!state.backlog.is_empty()).then_some(state.sent)
    }

    /// Ends. The rings of a card that was not reset are lost.
    pub(crate) fn end(&self, lwp: &Lwp<'_>, pool: &FramePool, reset: bool) {
        let Some(state) = self.state.lock(lwp).take() else {
            return;
        };
        state
            .backlog
            .into_iter()
            .for_each(|frame| pool.recycle(frame));
        if !reset {
            core::mem::forget((state.ring, state.buffers));
        }
    }
}

impl State {
    fn turn(&mut self, hardware: Hardware, pool: &FramePool) {
        while self.oldest != self.next && self.ring.read32(self.oldest * ENTRY + 12) & DONE != 0 {
            self.oldest = (self.oldest + 1) % ENTRIES;
            self.sent += 1;
        }
        let before = self.next;
        loop {
            let after = (self.next + 1) % ENTRIES;
            if after == self.oldest {
                break;
            }
            let Some(frame) = self.backlog.pop_front() else {
                break;
            };
            self.put(frame.payload());
            pool.recycle(frame);
            self.next = after;
        }
        if self.next != before {
            fence();
            hardware.write(SEND_RING + RING_TAIL, self.next as u32);
        }
    }

    /// Puts a frame into the next entry.
    fn put(&self, bytes: &[u8]) {
        let bytes = bytes.get(..BUFFER).unwrap_or(bytes);
        let (entry, buffer) = (self.next * ENTRY, self.next * BUFFER);
        self.buffers.copy_from(buffer, bytes);
        let address = self.buffers.device_address() + buffer as u64;
        self.ring.write64(entry, address);
        self.ring.write32(entry + 8, bytes.len() as u32 | COMMAND);
        self.ring.write32(entry + 12, 0);
    }
}

impl Link for Sender {
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    fn mtu(&self) -> usize {
        MTU
    }

    fn address(&self) -> Option<[u8; 6]> {
        self.address
    }

    fn transmit(&self, lwp: &Lwp<'_>, net: &Net, _interface: &Arc<Interface>, batch: &mut Batch) {
        let mut guard = self.state.lock(lwp);
        let Some(state) = &mut *guard else { return };
        let room = (BACKLOG + ENTRIES).saturating_sub(state.backlog.len());
        state.backlog.extend(batch.drain(..room.min(batch.len())));
        state.turn(self.hardware, net.pool());
        if !state.backlog.is_empty() {
            self.work.schedule();
        }
    }
}
