//! Interrupts: an attached one schedules deferred work each time it strikes.

use alloc::sync::Arc;

use base::{Errno, UpcallGuard, Work, upcall};
use hypercall::{Message, irq};

use crate::Registers;

/// Where an entry of an MSI-X table has its control word, whose bit 0 masks it (PCI 3.0, section 6.8.2).
pub(crate) const CONTROL: usize = 12;

/// An attached interrupt. Ends when it drops.
pub struct Interrupt {
    handle: u64,
    /// The entry of the MSI-X table, to be masked at the end.
    entry: Option<Registers>,
    /// Dropped after the platform has forgotten the upcall.
    _guard: UpcallGuard,
}

impl Interrupt {
    /// Has `work` scheduled when the line interrupts. If it is level-triggered, the work has the device let
    /// go of the line and then says [`done`](Self::done).
    pub fn line(line: u32, level: bool, work: &Arc<Work>) -> Result<Self, Errno> {
        let (upcall, guard) = upcall(work);
        Ok(Interrupt {
            handle: Errno::check(irq::attach(line, level, upcall))?,
            entry: None,
            _guard: guard,
        })
    }

    /// Has `work` scheduled when a device sends a message, which goes into this entry of its MSI-X table.
    pub(crate) fn message(work: &Arc<Work>, entry: Registers) -> Result<Self, Errno> {
        let (upcall, guard) = upcall(work);
        let mut message = Message::default();
        let handle = Errno::check(irq::message(upcall, &mut message))?;
        entry.write32(0, message.address as u32);
        entry.write32(4, (message.address >> 32) as u32);
        entry.write32(8, message.data);
        entry.write32(CONTROL, 0);
        Ok(Interrupt {
            handle,
            entry: Some(entry),
            _guard: guard,
        })
    }

    /// The device no longer asserts its line.
    pub fn done(&self) {
        irq::done(self.handle);
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(entry) = &self.entry {
            entry.write32(CONTROL, 1);
        }
        irq::detach(self.handle);
    }
}
