//! What comes in (section 7.1).

use alloc::vec::Vec;

use base::Errno;
use hardware::{Memory, fence};
use hypercall::Offload;
use net::{Batch, FramePool, Reason};

use crate::hardware::Hardware;
use crate::registers::{RECEIVE_RING, RING_TAIL};

/// Descriptors, and bytes of each.
const ENTRIES: usize = 256;
const ENTRY: usize = 16;

/// Bytes of a buffer: what the card takes one to have.
const BUFFER: usize = 2048;

/// Frames that are taken before others have their turn.
const BATCH: usize = 64;

/// Bytes of the shortest frame that has a header.
const SHORTEST: usize = 14;

// The status of a descriptor (section 7.1.4), the lower byte of the word behind length and checksum.
const DONE: u32 = 1 << 0;
const END: u32 = 1 << 1;
const NOT_CHECKED: u32 = 1 << 2;
const CHECKED: u32 = 1 << 4 | 1 << 5;
/// Its errors, the next byte: those of the frame, and those of the checksum of TCP or UDP and of IP.
const BAD_FRAME: u32 = 0b1001_0111 << 8;
const BAD_CHECKSUM: u32 = 0b0110_0000 << 8;

/// The ring and its buffers.
pub(crate) struct Receiver {
    hardware: Hardware,
    ring: Memory,
    buffers: Memory,
    next: usize,
}

/// What a look at the ring gave.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) frames: Batch,
    /// Frames that went no further.
    pub(crate) dropped: Vec<Reason>,
    /// Whether there may be more.
    pub(crate) more: bool,
}

impl Receiver {
    pub(crate) fn new(hardware: Hardware) -> Result<Self, Errno> {
        let receiver = Receiver {
            hardware,
            ring: Memory::new(ENTRIES * ENTRY)?,
            buffers: Memory::new(ENTRIES * BUFFER)?,
            next: 0,
        };
        for entry in 0..ENTRIES {
            receiver.offer(entry);
        }
        hardware.set_ring(
            RECEIVE_RING,
            receiver.ring.device_address(),
            ENTRIES * ENTRY,
        );
        Ok(receiver)
    }

    /// Begins: all entries but one are the card's, which tells a full ring from an empty one.
    pub(crate) fn begin(&self) {
        fence();
        self.hardware
            .write(RECEIVE_RING + RING_TAIL, ENTRIES as u32 - 1);
    }

    fn offer(&self, entry: usize) {
        let buffer = self.buffers.device_address() + (entry * BUFFER) as u64;
        self.ring.write64(entry * ENTRY, buffer);
        self.ring.write64(entry * ENTRY + 8, 0);
    }

    /// Whether a frame waits.
    pub(crate) fn has_any(&self) -> bool {
        self.ring.read32(self.next * ENTRY + 12) & DONE != 0
    }

    /// Takes what came in, within a budget.
    pub(crate) fn take(&mut self, pool: &FramePool) -> Received {
        let mut received = Received::default();
        let mut taken = 0;
        while taken < BATCH && self.has_any() {
            // The rest of the descriptor was written before.
            fence();
            let length = usize::from(self.ring.read16(self.next * ENTRY + 8));
            let status = self.ring.read32(self.next * ENTRY + 12);
            match self.frame(pool, length, status) {
                Ok(frame) => received.frames.push(frame),
                Err(reason) => received.dropped.push(reason),
            }
            self.offer(self.next);
            self.next = (self.next + 1) % ENTRIES;
            taken += 1;
        }
        if taken > 0 {
            fence();
            let last = (self.next + ENTRIES - 1) % ENTRIES;
            self.hardware.write(RECEIVE_RING + RING_TAIL, last as u32);
        }
        received.more = taken == BATCH;
        received
    }

    fn frame(&self, pool: &FramePool, length: usize, status: u32) -> Result<net::Frame, Reason> {
        let whole = status & END != 0 && (SHORTEST..=BUFFER).contains(&length);
        if !whole || status & BAD_FRAME != 0 {
            return Err(Reason::Malformed);
        }
        let mut frame = pool.get(length).map_err(|_| Reason::NoMemory)?;
        self.buffers
            .copy_to(self.next * BUFFER, frame.payload_mut());
        let checked = status & NOT_CHECKED == 0 && status & CHECKED != 0;
        if checked && status & BAD_CHECKSUM == 0 {
            let good = Offload {
                flags: Offload::CHECKSUM_GOOD,
                ..Offload::default()
            };
            frame.set_offload(&good)?;
        }
        Ok(frame)
    }
}
