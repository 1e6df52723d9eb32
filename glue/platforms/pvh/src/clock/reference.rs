//! Timers of known frequency, to measure others against.

use x86_64::instructions::port::Port;

use crate::acpi::{self, Fadt, Tables};
use crate::boot::start_info::Range;
use crate::memory::paging::{self, Access};

/// A timer that counts.
pub(super) enum Reference {
    /// The high precision event timer (IA-PC HPET specification 1.0a): its registers, and counts a second.
    Hpet { registers: usize, frequency: u64 },
    /// The power management timer (ACPI specification 6.5, 4.8.3.3) at this port.
    Acpi(u16),
    /// The interval timer of a PC (8254), its channel 0.
    Interval,
}

/// Of the HPET: capabilities, with the period of a count in femtoseconds; configuration; the count.
const PERIOD: usize = 4;
const CONFIGURATION: usize = 0x10;
const COUNT: usize = 0xf0;
/// The HPET counts.
const RUNNING: u64 = 1;
const FEMTOSECONDS: u64 = 1_000_000_000_000_000;
/// The longest period that the specification allows, in femtoseconds.
const LONGEST_PERIOD: u32 = 100_000_000;

/// Counts a second of the ACPI timer, of which the lower 24 bits are there in any case.
const ACPI_FREQUENCY: u64 = 3_579_545;
const ACPI_MASK: u64 = (1 << 24) - 1;

/// Counts a second of the interval timer.
const INTERVAL_FREQUENCY: u64 = 1_193_182;
const INTERVAL_DATA: u16 = 0x40;
const INTERVAL_MODE: u16 = 0x43;

impl Reference {
    /// The best there is.
    pub(super) fn choose(tables: Option<&Tables>, fadt: Option<&Fadt>) -> Reference {
        let hpet = tables.and_then(acpi::hpet).and_then(Reference::hpet);
        let timer = || fadt.and_then(|fadt| fadt.timer).map(Reference::Acpi);
        hpet.or_else(timer).unwrap_or(Reference::Interval)
    }

    fn hpet(start: u64) -> Option<Reference> {
        if start == 0 || start >= 1 << 32 {
            return None;
        }
        let range = Range {
            start,
            end: start + 0x400,
        };
        paging::map(range, Access::Device).ok()?;
        let registers = start as usize;
        // SAFETY: mapped above.
        let period = unsafe { ((registers + PERIOD) as *const u32).read_volatile() };
        (1..=LONGEST_PERIOD)
            .contains(&period)
            .then(|| Reference::Hpet {
                registers,
                frequency: FEMTOSECONDS / u64::from(period),
            })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Reference::Hpet { .. } => "HPET",
            Reference::Acpi(_) => "ACPI timer",
            Reference::Interval => "interval timer",
        }
    }

    /// Has it count.
    pub(super) fn begin(&self) {
        match self {
            Reference::Hpet { registers, .. } => configure(*registers, true),
            Reference::Acpi(_) => {}
            Reference::Interval => {
                // Down from the greatest count, once.
                port_write(INTERVAL_MODE, 0x30);
                port_write(INTERVAL_DATA, 0xff);
                port_write(INTERVAL_DATA, 0xff);
            }
        }
    }

    /// Stops it, if nobody else wants it: what counts in an emulator wakes the host.
    pub(super) fn end(&self) {
        match self {
            Reference::Hpet { registers, .. } => configure(*registers, false),
            Reference::Acpi(_) => {}
            // It waits for a count that never comes.
            Reference::Interval => port_write(INTERVAL_MODE, 0x30),
        }
    }

    /// What it stands at.
    pub(super) fn read(&self) -> u64 {
        match self {
            // SAFETY: mapped when it was chosen.
            Reference::Hpet { registers, .. } => unsafe {
                u64::from(((registers + COUNT) as *const u32).read_volatile())
            },
            // SAFETY: reading a timer.
            Reference::Acpi(port) => unsafe { u64::from(Port::<u32>::new(*port).read()) },
            Reference::Interval => {
                port_write(INTERVAL_MODE, 0);
                let mut data = Port::<u8>::new(INTERVAL_DATA);
                // SAFETY: reads what was just latched.
                let [low, high] = unsafe { [data.read(), data.read()] };
                u64::from(u16::from_le_bytes([low, high]))
            }
        }
    }

    /// Counts from one reading to a later one.
    pub(super) fn passed(&self, from: u64, to: u64) -> u64 {
        match self {
            Reference::Hpet { .. } => to.wrapping_sub(from) & u64::from(u32::MAX),
            Reference::Acpi(_) => to.wrapping_sub(from) & ACPI_MASK,
            Reference::Interval => u64::from((from as u16).wrapping_sub(to as u16)),
        }
    }

    /// Counts a second.
    pub(super) fn frequency(&self) -> u64 {
        match self {
            Reference::Hpet { frequency, .. } => *frequency,
            Reference::Acpi(_) => ACPI_FREQUENCY,
            Reference::Interval => INTERVAL_FREQUENCY,
        }
    }

    /// How many counts are enough: 2 ms, and 4 ms for the coarsest.
    pub(super) fn window(&self) -> u64 {
        match self {
            Reference::Interval => self.frequency() / 250,
            _ => self.frequency() / 500,
        }
    }
}

fn configure(registers: usize, running: bool) {
    let configuration = (registers + CONFIGURATION) as *mut u64;
    // SAFETY: mapped when it was chosen.
    unsafe {
        let others = configuration.read_volatile() & !RUNNING;
        configuration.write_volatile(others | if running { RUNNING } else { 0 });
    }
}

fn port_write(port: u16, value: u8) {
    // SAFETY: the timer's interrupt goes nowhere.
    unsafe { Port::new(port).write(value) };
}
