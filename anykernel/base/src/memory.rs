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
        self.add(bytes)?;
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

    fn add(&self, bytes: usize) -> Result<(), Errno> {
        let more = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
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
            self.account.add(bytes - self.bytes)?;
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
