//! Frames from one member to another. One writes and one reads, so neither waits for the other, and whoever
//! ends in the middle of a frame has not yet said that there is one.

use std::sync::atomic::Ordering;

use hypercall::{Offload, Segment};

use super::super::LONGEST;
use super::region::{RING, Region};
use crate::frames::offload_bytes;

/// Bytes in front of a frame: its length, and its offload. Frames begin at multiples of it.
const HEADER: usize = 16;
/// The longest frame: an Ethernet header with a tag and the longest packet.
const LONGEST_FRAME: usize = LONGEST as usize + 18;

/// Bytes of a ring that a frame takes.
fn room(len: usize) -> usize {
    HEADER + len.next_multiple_of(HEADER)
}

/// The writer's end of a ring.
pub(super) struct Writer {
    tail: u32,
    /// There is memory for it.
    allocated: bool,
}

impl Writer {
    /// Goes on where the last writer in our place stopped.
    pub(super) fn new(region: &Region, from: usize, to: usize) -> Writer {
        Writer {
            tail: region.tail(from, to).load(Ordering::Relaxed) & !(HEADER as u32 - 1),
            allocated: false,
        }
    }

    /// Puts a frame in, if there is room.
    pub(super) fn put(
        &mut self,
        region: &Region,
        ends: (usize, usize),
        frame: &Segment<'_>,
    ) -> bool {
        let (from, to) = ends;
        let head = region.head(from, to).load(Ordering::Acquire);
        if self.tail.wrapping_sub(head) as usize > RING {
            // The reader, or what it was left with, is out of its mind: it will find an empty ring.
            self.tail = head & !(HEADER as u32 - 1);
        }
        let used = self.tail.wrapping_sub(head) as usize;
        let len = frame.len();
        if len > LONGEST_FRAME || room(len) > RING.saturating_sub(used) {
            return false;
        }
        self.allocated = self.allocated || region.allocate(from, to);
        if !self.allocated {
            return false;
        }
        let mut header = [0; HEADER];
        let mut offload = frame.offload();
        let offload = offload_bytes(&mut offload);
        header[..4].copy_from_slice(&(len as u32).to_ne_bytes());
        header[4..4 + offload.len()].copy_from_slice(offload);
        region.write(from, to, self.tail, &header);
        let content = self.tail.wrapping_add(HEADER as u32);
        region.write(from, to, content, frame.as_slice());
        self.tail = self.tail.wrapping_add(room(len) as u32);
        region.tail(from, to).store(self.tail, Ordering::Release);
        true
    }
}

/// The reader's end of a ring.
pub(super) struct Reader {
    head: u32,
}

impl Reader {
    pub(super) fn new(region: &Region, from: usize, to: usize) -> Reader {
        let head = region.head(from, to).load(Ordering::Relaxed) & !(HEADER as u32 - 1);
        region.head(from, to).store(head, Ordering::Release);
        Reader { head }
    }

    /// Takes a frame out: whether there was one. One that cannot be, or is too long, is nothing, which the kernel
    /// drops and counts; with the former goes all that is in the ring.
    pub(super) fn take(
        &mut self,
        region: &Region,
        ends: (usize, usize),
        buffer: &mut Segment<'_>,
    ) -> bool {
        let (from, to) = ends;
        let tail = region.tail(from, to).load(Ordering::Acquire);
        let used = tail.wrapping_sub(self.head) as usize;
        if used < HEADER {
            return false;
        }
        self.head = match self.read(region, ends, used, buffer) {
            Some(room) => self.head.wrapping_add(room as u32),
            None => tail & !(HEADER as u32 - 1),
        };
        region.head(from, to).store(self.head, Ordering::Release);
        true
    }

    /// Reads what is in front, and says how much room it took.
    fn read(
        &self,
        region: &Region,
        (from, to): (usize, usize),
        used: usize,
        buffer: &mut Segment<'_>,
    ) -> Option<usize> {
        if used > RING || !used.is_multiple_of(HEADER) {
            return None;
        }
        let mut header = [0; HEADER];
        region.read(from, to, self.head, &mut header);
        let len = u32::from_ne_bytes(*header.first_chunk()?) as usize;
        if len > LONGEST_FRAME || room(len) > used {
            return None;
        }
        let mut offload = Offload::default();
        offload_bytes(&mut offload).copy_from_slice(&header[4..4 + size_of::<Offload>()]);
        if let Some(place) = buffer.buffer().get_mut(..len) {
            region.read(from, to, self.head.wrapping_add(HEADER as u32), place);
            buffer.set_len(len);
            buffer.set_offload(offload);
        }
        Some(room(len))
    }
}
