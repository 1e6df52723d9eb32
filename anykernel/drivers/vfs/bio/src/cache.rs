//! Buffers: which blocks of a disk are in memory, and which of them the disk does not have yet.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::{Charge, Errno, Memory};
use hashbrown::HashMap;

/// What a buffer takes beside its bytes.
const OVERHEAD: usize = 128;

/// As many buffers there may be in any case.
const FEWEST: usize = 16;

/// The buffers of a disk. Each has the bytes of one piece of the disk, by the piece's number; the last piece may be
/// shorter than all others.
pub(crate) struct Cache {
    buffers: Vec<Buffer>,
    /// Where the buffer of a piece is.
    places: HashMap<u64, usize>,
    /// The pieces that the disk does not have yet.
    dirty: BTreeSet<u64>,
    /// Which buffer is next to be looked at when one has to go.
    hand: usize,
    most: usize,
    /// Bytes of a piece.
    size: usize,
    memory: Arc<Memory>,
}

/// Room for a piece.
pub(crate) struct Buffer {
    number: u64,
    bytes: Vec<u8>,
    /// It was used since it was last looked at.
    used: bool,
    _charge: Charge,
}

/// Neighbours that the disk is to have.
pub(crate) struct Run {
    pub(crate) pieces: Range<u64>,
    pub(crate) bytes: Vec<u8>,
}

impl Cache {
    /// No buffers yet, for pieces of `size` bytes; later as many as have `bytes`.
    pub(crate) fn new(size: usize, bytes: usize, memory: Arc<Memory>) -> Self {
        Cache {
            buffers: Vec::new(),
            places: HashMap::new(),
            dirty: BTreeSet::new(),
            hand: 0,
            most: (bytes / size).max(FEWEST),
            size,
            memory,
        }
    }

    /// How many pieces from the first on are not here.
    pub(crate) fn absent(&self, pieces: Range<u64>) -> u64 {
        let mut here = pieces.clone();
        let here = here.find(|number| self.places.contains_key(number));
        here.unwrap_or(pieces.end) - pieces.start
    }

    /// Copies from a piece; whether it is here.
    pub(crate) fn read(&mut self, number: u64, start: usize, to: &mut [u8]) -> bool {
        let Some(place) = self.places.get(&number) else {
            return false;
        };
        let buffer = &mut self.buffers[*place];
        buffer.used = true;
        to.copy_from_slice(&buffer.bytes[start..start + to.len()]);
        true
    }

    /// Copies to a piece; whether it is here.
    pub(crate) fn write(&mut self, number: u64, start: usize, from: &[u8]) -> bool {
        let Some(place) = self.places.get(&number) else {
            return false;
        };
        let buffer = &mut self.buffers[*place];
        buffer.used = true;
        buffer.bytes[start..start + from.len()].copy_from_slice(from);
        self.dirty.insert(number);
        true
    }

    /// Whether more than half of the buffers that there may be wait to be written.
    pub(crate) fn is_crowded(&self) -> bool {
        self.dirty.len() > self.most / 2
    }

    /// A buffer for something else: a new one as long as there may be more, then the first clean one that was not used
    /// for a round. None if all are dirty, or there is no memory for a first one.
    pub(crate) fn room(&mut self) -> Option<Buffer> {
        if self.buffers.len() < self.most
            && let Some(buffer) = self.grow()
        {
            return Some(buffer);
        }
        for _ in 0..2 * self.buffers.len() {
            self.hand = (self.hand + 1) % self.buffers.len();
            let buffer = &mut self.buffers[self.hand];
            let used = core::mem::take(&mut buffer.used);
            if !used && !self.dirty.contains(&buffer.number) {
                return Some(self.take(self.hand));
            }
        }
        None
    }

    /// A new buffer, if there is memory. The first few may be of what is kept for what has begun.
    fn grow(&mut self) -> Option<Buffer> {
        let charge = match self.buffers.len() < FEWEST {
            true => self.memory.charge(self.size + OVERHEAD),
            false => self.memory.charge_bulk(self.size + OVERHEAD),
        };
        let mut buffer = Buffer {
            number: 0,
            bytes: Vec::new(),
            used: false,
            _charge: charge.ok()?,
        };
        buffer.bytes.try_reserve_exact(self.size).ok()?;
        self.buffers.try_reserve(1).ok()?;
        self.places.try_reserve(1).ok()?;
        Some(buffer)
    }

    fn take(&mut self, place: usize) -> Buffer {
        let buffer = self.buffers.swap_remove(place);
        self.places.remove(&buffer.number);
        if let Some(moved) = self.buffers.get(place) {
            self.places.insert(moved.number, place);
        }
        buffer
    }

    /// Has a piece that is not here in a buffer from now on, as the disk has it.
    pub(crate) fn put(&mut self, mut buffer: Buffer, number: u64, bytes: &[u8]) {
        buffer.number = number;
        buffer.bytes.clear();
        buffer.bytes.extend_from_slice(bytes);
        buffer.used = true;
        self.places.insert(number, self.buffers.len());
        self.buffers.push(buffer);
    }

    /// Takes pieces away, as they are.
    pub(crate) fn forget(&mut self, pieces: Range<u64>) {
        let mut here = Vec::new();
        here.extend(self.places.keys().filter(|number| pieces.contains(number)));
        for number in here {
            self.dirty.remove(&number);
            if let Some(place) = self.places.get(&number) {
                self.take(*place);
            }
        }
    }

    /// The first dirty pieces from `from` on that are neighbours, at most so many. They are clean then: who cannot write
    /// them [says so](Self::spoil). `ENOMEM`.
    pub(crate) fn next_run(&mut self, from: u64, most: u64) -> Result<Option<Run>, Errno> {
        let mut dirty = self.dirty.range(from..);
        let Some(&first) = dirty.next() else {
            return Ok(None);
        };
        let more = dirty
            .zip(first + 1..)
            .take_while(|(number, next)| *number == next);
        let count = 1 + more.take(most as usize - 1).count() as u64;
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(count as usize * self.size);
        room.map_err(|_| Errno::ENOMEM)?;
        let pieces = first..first + count;
        for number in pieces.clone() {
            self.dirty.remove(&number);
            if let Some(place) = self.places.get(&number) {
                bytes.extend_from_slice(&self.buffers[*place].bytes);
            }
        }
        Ok(Some(Run { pieces, bytes }))
    }

    /// The disk does not have these pieces, after all.
    pub(crate) fn spoil(&mut self, pieces: Range<u64>) {
        self.dirty.extend(pieces);
    }
}
