//! PCI: functions are found by walking the buses, and handed to their drivers (PCI Local Bus 3.0).
//!
//! What configuration space says is believed only within bounds: lists end, bridges lead upwards only, a
//! BAR is what its size bits make sense of.

mod bar;
mod messages;
mod search;

use alloc::sync::Arc;
use core::fmt;

use base::{Errno, Work};
use hypercall::pci;

use dev::Handle;

use crate::Interrupt;

pub use messages::Messages;
pub(crate) use search::search;

// Registers of configuration space (section 6.1).
const COMMAND: u32 = 0x04;
const CAPABILITIES: u32 = 0x34;
const INTERRUPT: u32 = 0x3c;

// Bits of the command register (section 6.2.2).
const MEMORY_SPACE: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;
const INTERRUPT_DISABLE: u32 = 1 << 10;

/// The status register's bit that says there are capabilities.
const HAS_CAPABILITIES: u32 = 1 << 20;

/// More capabilities than fit into configuration space.
const MOST_CAPABILITIES: usize = 48;

/// A function's bus, device and function numbers, as the group `pci` takes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place(u32);

impl Place {
    fn new(bus: u32, device: u32, function: u32) -> Self {
        Place(bus << 8 | device << 3 | function)
    }

    fn read(self, offset: u32) -> u32 {
        pci::read(self.0, offset)
    }

    fn write(self, offset: u32, value: u32) {
        pci::write(self.0, offset, value);
    }

    /// Changes bits of the command register. (The status register beside it clears by ones: it gets zeros.)
    fn command(self, clear: u32, set: u32) {
        let command = self.read(COMMAND) & 0xffff;
        self.write(COMMAND, command & !clear | set);
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:{:x}.{}", self.0 >> 8, self.0 >> 3 & 31, self.0 & 7)
    }
}

/// A function, for its driver.
pub struct Function(Place);

impl Handle for Function {
    const BUS: &'static str = "pci";
}

impl Function {
    /// Reads the register of 32 bits at an aligned offset of configuration space.
    pub fn read(&self, offset: u32) -> u32 {
        self.0.read(offset)
    }

    /// Who made it.
    pub fn vendor(&self) -> u16 {
        self.read(0) as u16
    }

    /// What it is, in its maker's numbers.
    pub fn device(&self) -> u16 {
        (self.read(0) >> 16) as u16
    }

    /// What whoever built it in calls it.
    pub fn subsystem(&self) -> u16 {
        (self.read(0x2c) >> 16) as u16
    }

    /// Where the capabilities of this identity stand in configuration space.
    pub fn capabilities(&self, id: u8) -> impl Iterator<Item = u32> + use<'_> {
        let any = self.read(COMMAND) & HAS_CAPABILITIES != 0;
        let first = if any { self.read(CAPABILITIES) } else { 0 };
        let follow = |at: u32| {
            let at = at & 0xfc;
            (at >= 0x40).then_some(at)
        };
        core::iter::successors(follow(first), move |at| follow(self.read(*at) >> 8))
            .take(MOST_CAPABILITIES)
            .filter(move |at| self.read(*at) as u8 == id)
    }

    /// Lets it read and write memory by itself.
    pub fn master(&self) {
        self.0.command(0, BUS_MASTER);
    }

    /// Keeps it from reading and writing memory.
    pub fn quiet(&self) {
        self.0.command(BUS_MASTER, 0);
    }

    /// Has `work` scheduled when its line interrupts, by level.
    pub fn line(&self, work: &Arc<Work>) -> Result<Interrupt, Errno> {
        let pin = self.read(INTERRUPT) >> 8 & 0xff;
        if !(1..=4).contains(&pin) {
            return Err(Errno::ENODEV);
        }
        let line = Errno::check(pci::line(self.0.0, pin))?;
        let line = u32::try_from(line).map_err(|_| Errno::ENODEV)?;
        let interrupt = Interrupt::line(line, true, work)?;
        self.0.command(INTERRUPT_DISABLE, 0);
        Ok(interrupt)
    }
}
