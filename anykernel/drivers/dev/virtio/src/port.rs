//! A device at work.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Failure, Work};
use hardware::{Interrupt, comes_true};

use crate::device::{NEEDS_RESET, config};
use crate::wire::{Wire, write_config};

/// How long a reset may take, in nanoseconds.
const RESET_TIME: u64 = 100_000_000;

/// The interrupt status's bit for changes of the configuration.
const CHANGED: u32 = 2;

/// What is left of a device when it works: its registers and its interrupts.
pub struct Port {
    pub(crate) wire: Arc<dyn Wire>,
    /// Whether it interrupts by a line.
    pub(crate) line: bool,
    pub(crate) interrupts: Leaf<Vec<Interrupt>>,
    pub(crate) changed: Arc<Work>,
}

/// The proof that a device was reset: it reaches no memory any more.
#[derive(Clone, Copy, Debug)]
pub struct Quiet(());

impl Port {
    /// Takes note of an interrupt: has the device let go of its line, if it has one. To be called first in
    /// the work for queues.
    pub fn acknowledge(&self) {
        if !self.line {
            return;
        }
        let why = self.wire.take_interrupt();
        self.interrupts.with(|interrupts| {
            for interrupt in interrupts {
                interrupt.done();
            }
        });
        if why & CHANGED != 0 {
            self.changed.schedule();
        }
    }

    /// Whether the device says that it cannot go on.
    pub fn has_failed(&self) -> bool {
        self.wire.status() & NEEDS_RESET != 0
    }

    /// Bytes of the configuration space, all of one moment.
    pub fn config<const N: usize>(&self, offset: usize) -> Result<[u8; N], Failure> {
        config(&*self.wire, offset)
    }

    /// Writes a field of the configuration space. `ENXIO` if there is none.
    pub fn set_config(&self, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        write_config(&*self.wire, offset, bytes)
    }

    /// Ends the device's work and its interrupts. None if it does not reset: then what was lent to it is
    /// lost.
    pub fn reset(&self) -> Option<Quiet> {
        let quiet = reset(&*self.wire);
        let _detached_outside = self.interrupts.with(core::mem::take);
        quiet.then_some(Quiet(()))
    }
}

/// Resets a device; whether it did.
pub(crate) fn reset(wire: &dyn Wire) -> bool {
    wire.set_status(0);
    comes_true(RESET_TIME, || wire.status() == 0)
}
