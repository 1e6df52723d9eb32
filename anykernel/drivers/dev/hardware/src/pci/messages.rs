//! Interrupts by message: MSI-X (PCI 3.0, section 6.8.2).

use alloc::sync::Arc;

use base::{Errno, Work};

use super::{Function, INTERRUPT_DISABLE};
use crate::interrupt::CONTROL;
use crate::{Interrupt, Registers};

const MSIX: u8 = 0x11;

// Bits of the capability's first register: enable all, and mask all.
const ENABLE: u32 = 1 << 31;
const MASK: u32 = 1 << 30;

const ENTRY: usize = 16;

/// The message vectors of a function, switched on and masked.
pub struct Messages(Registers);

impl Function {
    /// Has the function interrupt by messages instead of its line. None if it has not at least so many
    /// vectors.
    pub fn messages(&self, least: u16) -> Option<Messages> {
        let at = self.capabilities(MSIX).next()?;
        let control = self.read(at);
        let count = (control >> 16 & 0x7ff) as u16 + 1;
        if count < least {
            return None;
        }
        let place = self.read(at + 4);
        let table = self.bar(place & 7).ok()?;
        let table = table.part((place & !7) as usize, ENTRY * usize::from(count))?;
        self.0.write(at, control | ENABLE | MASK);
        for vector in 0..usize::from(count) {
            table.write32(ENTRY * vector + CONTROL, 1);
        }
        self.0.command(0, INTERRUPT_DISABLE);
        self.0.write(at, control & !MASK | ENABLE);
        Some(Messages(table))
    }
}

impl Messages {
    /// Has `work` scheduled when the function interrupts by this vector.
    pub fn attach(&self, vector: u16, work: &Arc<Work>) -> Result<Interrupt, Errno> {
        let entry = self.0.part(ENTRY * usize::from(vector), ENTRY);
        Interrupt::message(work, entry.ok_or(Errno::ENODEV)?)
    }
}
