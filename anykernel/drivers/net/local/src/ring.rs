//! Bytes in the order they came, in memory that grows with need and is charged.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Charge, Errno, Memory};
use syscall::{UioIn, UioOut};

/// What a ring begins with once there is a byte.
const FIRST: usize = 4096;

/// A queue of bytes.
pub(crate) struct Ring {
    /// A power of two of them, or none.
    bytes: Vec<u8>,
    start: usize,
    len: usize,
    memory: Arc<Memory>,
    charge: Charge,
}

impl Ring {
    pub(crate) fn new(memory: &Arc<Memory>) -> Self {
        Ring {
            bytes: Vec::new(),
            start: 0,
            len: 0,
            memory: memory.clone(),
            charge: memory.nothing(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes `count` bytes, which `from` has. `ENOMEM` if there is no room for them and none to be had, `EFAULT` if
    /// they cannot be read: then there are as many as before.
    #[inline]
    pub(crate) fn push(&mut self, from: &mut UioIn<'_>, count: usize) -> Result<(), Errno> {
        if count > self.bytes.len() - self.len {
            self.grow(self.len + count)?;
        }
        let capacity = self.bytes.len();
        let at = (self.start + self.len) & capacity.wrapping_sub(1);
        let first = count.min(capacity - at);
        from.take(&mut self.bytes[at..at + first])?;
        if first < count {
            from.take(&mut self.bytes[..count - first])?;
        }
        self.len += count;
        Ok(())
    }

    /// Copies `count` bytes from `offset` on, all of which are there, and leaves them.
    #[inline]
    pub(crate) fn copy(
        &self,
        offset: usize,
        to: &mut UioOut<'_>,
        count: usize,
    ) -> Result<(), Errno> {
        let capacity = self.bytes.len();
        let at = (self.start + offset) & capacity.wrapping_sub(1);
        let first = count.min(capacity - at);
        to.put(&self.bytes[at..at + first])?;
        if first < count {
            to.put(&self.bytes[..count - first])?;
        }
        Ok(())
    }

    /// Drops the first `count` bytes.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        self.len -= count;
        // An empty ring begins anew, in memory that is in the cache.
        self.start = match self.len {
            0 => 0,
            _ => (self.start + count) & (self.bytes.len() - 1),
        };
    }

    /// Drops everything, and gives the memory back.
    pub(crate) fn clear(&mut self) {
        (self.bytes, self.start, self.len) = (Vec::new(), 0, 0);
        self.charge = self.memory.nothing();
    }

    #[cold]
    fn grow(&mut self, least: usize) -> Result<(), Errno> {
        let capacity = least.checked_next_power_of_two().ok_or(Errno::ENOMEM)?;
        let capacity = capacity.max(FIRST);
        let charge = self.memory.charge_bulk(capacity)?;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(capacity)
            .map_err(|_| Errno::ENOMEM)?;
        let first = self.len.min(self.bytes.len() - self.start);
        bytes.extend_from_slice(&self.bytes[self.start..self.start + first]);
        bytes.extend_from_slice(&self.bytes[..self.len - first]);
        bytes.resize(capacity, 0);
        (self.bytes, self.start, self.charge) = (bytes, 0, charge);
        Ok(())
    }
}
