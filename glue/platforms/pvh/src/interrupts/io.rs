//! Interrupt controllers of devices (82093AA I/O APIC), and the older ones, which are silenced.

use alloc::vec::Vec;

use x86_64::instructions::port::Port;

use crate::acpi::{Madt, Override};
use crate::boot::start_info::Range;
use crate::memory::paging::{self, Access};

/// The registers that choose a register and hold its value, in bytes from the start.
const SELECT: usize = 0;
const VALUE: usize = 0x10;
/// Registers: how many lines there are, and the first of two for each.
const VERSION: u32 = 1;
const LINES: u32 = 0x10;

const LOW: u32 = 1 << 13;
const LEVEL: u32 = 1 << 15;
const MASKED: u32 = 1 << 16;

/// Lines that are interrupts of an ISA bus, unless overridden.
const ISA: u32 = 16;

/// A controller.
struct IoApic {
    registers: usize,
    base: u32,
    count: u32,
}

/// All there are.
pub(crate) struct IoApics {
    controllers: Vec<IoApic>,
    overrides: Vec<Override>,
}

impl IoApics {
    pub(crate) const fn none() -> IoApics {
        IoApics {
            controllers: Vec::new(),
            overrides: Vec::new(),
        }
    }

    /// Takes over the controllers that the firmware names, with all lines masked.
    pub(crate) fn new(madt: &Madt) -> IoApics {
        silence_older();
        let controllers = madt.io.iter().filter_map(|found| {
            let start = u64::from(found.address);
            let range = Range {
                start,
                end: start + 0x20,
            };
            paging::map(range, Access::Device).ok()?;
            let mut controller = IoApic {
                registers: start as usize,
                base: found.base,
                count: 0,
            };
            controller.count = (controller.read(VERSION) >> 16 & 0xff) + 1;
            (0..controller.count).for_each(|line| controller.set(line, MASKED));
            Some(controller)
        });
        IoApics {
            controllers: controllers.collect(),
            overrides: madt.overrides.clone(),
        }
    }

    /// Has a line deliver a vector to a processor. False if no controller has the line.
    pub(super) fn connect(&self, line: u32, level: bool, vector: u8, to: u32) -> bool {
        let said = self.overrides.iter().find(|said| said.line == line);
        // PCI interrupts are active low, ISA ones are not.
        let (low, level) =
            said.map_or((level && line >= ISA, level), |said| (said.low, said.level));
        let mut entry = u32::from(vector);
        entry |= if low { LOW } else { 0 };
        entry |= if level { LEVEL } else { 0 };
        let Some((controller, index)) = self.find(line) else {
            return false;
        };
        controller.write(LINES + 2 * index + 1, to << 24);
        controller.set(index, entry);
        true
    }

    /// Stops or lets through what the line delivers.
    pub(super) fn mask(&self, line: u32, masked: bool) {
        if let Some((controller, index)) = self.find(line) {
            let entry = controller.read(LINES + 2 * index) & !MASKED;
            controller.set(index, entry | if masked { MASKED } else { 0 });
        }
    }

    fn find(&self, line: u32) -> Option<(&IoApic, u32)> {
        let serves = |controller: &&IoApic| {
            line.checked_sub(controller.base)
                .is_some_and(|index| index < controller.count)
        };
        let controller = self.controllers.iter().find(serves)?;
        Some((controller, line - controller.base))
    }
}

/// The line that an ISA interrupt is connected to.
pub(crate) fn isa_line(isa: u8) -> u32 {
    let io = super::IO.lock();
    let said = io.overrides.iter().find(|said| said.source == isa);
    said.map_or(u32::from(isa), |said| said.line)
}

impl IoApic {
    fn read(&self, register: u32) -> u32 {
        // SAFETY: the registers are mapped there; whoever has the list has the lock around it.
        unsafe {
            ((self.registers + SELECT) as *mut u32).write_volatile(register);
            ((self.registers + VALUE) as *const u32).read_volatile()
        }
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: as above. Interrupts go to vectors that have handlers.
        unsafe {
            ((self.registers + SELECT) as *mut u32).write_volatile(register);
            ((self.registers + VALUE) as *mut u32).write_volatile(value);
        }
    }

    fn set(&self, index: u32, entry: u32) {
        self.write(LINES + 2 * index, entry);
    }
}

/// Masks the two 8259s of a PC.
fn silence_older() {
    for port in [0x21, 0xa1] {
        // SAFETY: only masks interrupts.
        unsafe { Port::<u8>::new(port).write(0xff) };
    }
}
