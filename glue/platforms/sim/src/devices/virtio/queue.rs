//! A split queue (section 2.7 of the standard), as the device sees it.

use crate::devices::Bus;

const NEXT: u16 = 1;
const WRITE: u16 = 2;

/// A queue.
pub struct Queue {
    pub(super) max: u16,
    pub(super) size: u16,
    pub(super) ready: bool,
    pub(super) descriptors: u64,
    pub(super) driver: u64,
    pub(super) device: u64,
    /// The next entry to take, and the next to give back.
    taken: u16,
    given: u16,
}

/// Buffers that the driver has put into a queue together.
pub struct Chain {
    /// What it is called when it is given back.
    pub head: u32,
    /// What the device reads: addresses and lengths.
    pub readable: Vec<(u64, u32)>,
    /// What it writes.
    pub writable: Vec<(u64, u32)>,
}

impl Chain {
    /// All that there is to read.
    pub fn read(&self, bus: &Bus<'_>) -> Vec<u8> {
        let mut all = Vec::new();
        for (address, len) in &self.readable {
            let at = all.len();
            all.resize(at + *len as usize, 0);
            bus.load(*address, &mut all[at..]);
        }
        all
    }

    /// Writes as much as fits, in order, and returns how much that was.
    pub fn write(&self, bus: &mut Bus<'_>, mut bytes: &[u8]) -> u32 {
        let mut written = 0;
        for (address, len) in &self.writable {
            let (part, rest) = bytes.split_at(bytes.len().min(*len as usize));
            bus.store(*address, part);
            written += part.len() as u32;
            bytes = rest;
        }
        written
    }

    /// Bytes that fit.
    pub fn room(&self) -> usize {
        self.writable.iter().map(|(_, len)| *len as usize).sum()
    }
}

impl Queue {
    pub(super) fn new(max: u16) -> Self {
        Queue {
            max,
            size: max,
            ready: false,
            descriptors: 0,
            driver: 0,
            device: 0,
            taken: 0,
            given: 0,
        }
    }

    pub(super) fn next(&mut self, bus: &Bus<'_>) -> Option<Chain> {
        if !self.ready || half(bus, self.driver + 2) == self.taken {
            return None;
        }
        let slot = u64::from(self.taken % self.size);
        self.taken = self.taken.wrapping_add(1);
        let head = half(bus, self.driver + 4 + 2 * slot);
        let mut chain = Chain {
            head: head.into(),
            readable: Vec::new(),
            writable: Vec::new(),
        };
        let mut index = head;
        loop {
            let mut bytes = [0; 16];
            bus.load(self.descriptors + 16 * u64::from(index), &mut bytes);
            let address = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
            let len = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
            let flags = u16::from_le_bytes([bytes[12], bytes[13]]);
            let part = (address, len);
            if flags & WRITE != 0 {
                chain.writable.push(part);
            } else {
                assert!(
                    chain.writable.is_empty(),
                    "sim: a chain to be read after one to be written"
                );
                chain.readable.push(part);
            }
            if flags & NEXT == 0 {
                return Some(chain);
            }
            index = u16::from_le_bytes([bytes[14], bytes[15]]);
        }
    }

    /// Writes an entry of the used ring, whatever it says.
    pub fn used(&mut self, bus: &mut Bus<'_>, head: u32, len: u32) {
        let slot = u64::from(self.given % self.size);
        self.given = self.given.wrapping_add(1);
        let entry = self.device + 4 + 8 * slot;
        bus.store(entry, &head.to_le_bytes());
        bus.store(entry + 4, &len.to_le_bytes());
        self.set_used_index(bus, self.given);
    }

    /// Writes the used ring's index, whatever it says.
    pub fn set_used_index(&mut self, bus: &mut Bus<'_>, index: u16) {
        bus.store(self.device + 2, &index.to_le_bytes());
    }

    pub(super) fn wants_interrupt(&self, bus: &Bus<'_>) -> bool {
        half(bus, self.driver) & 1 == 0
    }
}

fn half(bus: &Bus<'_>, address: u64) -> u16 {
    let mut bytes = [0; 2];
    bus.load(address, &mut bytes);
    u16::from_le_bytes(bytes)
}
