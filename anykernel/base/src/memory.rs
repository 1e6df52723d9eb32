//! The memory an instance may grow to.
//!
//! What grows with what users and peers do is charged here and fails with `ENOMEM` at the limit. What is
//! fixed by the configuration is not.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::Errno;

/// An instance's account.
pub struct Memory {
    used: AtomicUsize,
    limit: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Memory {
            used: AtomicUsize::new(0),
            limit,
        })
    }

    /// Bytes charged now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Charges `bytes` until the charge drops. `ENOMEM` at the limit.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Result<Charge, Errno> {
        self.charge_up_to(self.limit, bytes)
    }

    /// As [`charge`](Self::charge), for the bulk of something that can be had again and again, as a connection's
    /// buffers: an eighth of the limit stays out of its reach. So when nothing new can begin, there still are
    /// descriptors and frames for what has begun to go on, and to end.
    pub fn charge_bulk(self: &Arc<Self>, bytes: usize) -> Result<Charge, Errno> {
        self.charge_up_to(self.bulk_limit(), bytes)
    }

    /// How much of it [`charge_bulk`](Self::charge_bulk) would charge now.
    pub fn left_for_bulk(&self) -> usize {
        self.bulk_limit().saturating_sub(self.used())
    }

    fn bulk_limit(&self) -> usize {
        self.limit - self.limit / 8
    }

    fn charge_up_to(self: &Arc<Self>, limit: usize, bytes: usize) -> Result<Charge, Errno> {
        self.add(bytes, limit)?;
        Ok(Charge {
            account: self.clone(),
            bytes,
        })
    }

    /// A charge of nothing, to be resized.
    pub fn nothing(self: &Arc<Self>) -> Charge {
        Charge {
            account: self.clone(),
            bytes: 0,
        }
    }

    fn add(&self, bytes: usize, limit: usize) -> Result<(), Errno> {
        let more = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= limit);
        match self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(Errno::ENOMEM),
        }
    }
}

/// Memory charged to an instance; given back when it drops.
pub struct Charge {
    account: Arc<Memory>,
    bytes: usize,
}

impl Charge {
    /// How much.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Charges another amount instead. `ENOMEM` at the limit; the charge is then as before.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Errno> {
        if bytes > self.bytes {
            self.account.add(bytes - self.bytes, self.account.limit)?;
        } else {
            self.account
                .used
                .fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_leaves_an_eighth() {
        let memory = Memory::new(800);
        assert_eq!(memory.charge_bulk(701).err(), Some(Errno::ENOMEM));
        let bulk = memory.charge_bulk(700).unwrap();
        assert_eq!(memory.charge_bulk(1).err(), Some(Errno::ENOMEM));
        assert_eq!(memory.left_for_bulk(), 0);
        let rest = memory.charge(100).unwrap();
        assert_eq!(memory.charge(1).err(), Some(Errno::ENOMEM));
        drop((bulk, rest));
        assert_eq!(memory.used(), 0);
    }
}
