//! The configuration space of PCI: in memory where the firmware says so (PCI Firmware Specification, "ECAM"),
//! else by two ports, of which the second is a window to what the first selects.

use hypercall::Errno;
use x86_64::instructions::port::Port;

use super::mmio;
use crate::Platform;
use crate::acpi::Mcfg;
use crate::interrupts::isa_line;
use crate::lock::Lock;
use crate::once::Once;

const SELECT: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
const ENABLED: u32 = 1 << 31;

/// What a bus has in memory, in bytes.
const BUS: u64 = 1 << 20;
/// The register with the interrupt line that the firmware connected.
const LINE: u32 = 0x3c;
/// Where QEMU's microvm has room for what devices map (include/hw/i386/microvm.h); no firmware gives it out.
const MICROVM: u64 = 0xc000_0000;

/// How registers are reached.
enum Access {
    Memory(Mcfg),
    /// Two steps, by one processor at a time.
    Ports(Lock<()>),
}

static ACCESS: Once<Access> = Once::new();

/// What is left of the room for devices.
static ROOM: Lock<core::ops::Range<u64>> = Lock::new(0..0);

pub(super) fn start(mcfg: Option<Mcfg>, reduced: bool) {
    match mcfg {
        Some(mcfg) if mmio::reach(mcfg.address, (u64::from(mcfg.last) + 1) * BUS) => {
            if reduced {
                *ROOM.lock() = MICROVM..mcfg.address;
            }
            ACCESS.set(Access::Memory(mcfg));
        }
        _ if has_ports() => ACCESS.set(Access::Ports(Lock::new(()))),
        _ => {}
    }
}

/// Whether the ports are there: then the first keeps what is written to it.
fn has_ports() -> bool {
    let mut select = Port::new(SELECT);
    // SAFETY: selecting a register changes nothing, and nobody selects one meanwhile.
    unsafe {
        select.write(ENABLED);
        select.read() == ENABLED
    }
}

/// Selects the aligned register of a function; the window to it.
///
/// # Safety
///
/// Nobody else uses the ports.
unsafe fn select(function: u32, offset: u32) -> Port<u32> {
    // SAFETY: the caller's promise.
    unsafe { Port::new(SELECT).write(ENABLED | function << 8 | offset) };
    Port::new(DATA)
}

/// Where in memory the register is, if it is there.
fn register(mcfg: &Mcfg, function: u32, offset: u32) -> Option<*mut u32> {
    let known = function >> 8 <= u32::from(mcfg.last) && offset < 4096;
    let address = mcfg.address + u64::from(function << 12 | offset & !3);
    known.then_some(address as *mut u32)
}

impl hypercall::Pci for Platform {
    fn buses() -> u32 {
        match ACCESS.get() {
            None => 0,
            Some(Access::Memory(mcfg)) => u32::from(mcfg.last) + 1,
            Some(Access::Ports(_)) => 256,
        }
    }

    fn read(function: u32, offset: u32) -> u32 {
        match ACCESS.get() {
            Some(Access::Memory(mcfg)) => register(mcfg, function, offset)
                // SAFETY: made reachable at the start.
                .map_or(u32::MAX, |register| unsafe { register.read_volatile() }),
            Some(Access::Ports(lock)) if function < 1 << 16 && offset < 256 => {
                let _alone = lock.lock();
                // SAFETY: the lock is held.
                unsafe { select(function, offset & !3).read() }
            }
            _ => u32::MAX,
        }
    }

    fn write(function: u32, offset: u32, value: u32) {
        match ACCESS.get() {
            Some(Access::Memory(mcfg)) => {
                if let Some(register) = register(mcfg, function, offset) {
                    // SAFETY: made reachable at the start.
                    unsafe { register.write_volatile(value) };
                }
            }
            Some(Access::Ports(lock)) if function < 1 << 16 && offset < 256 => {
                let _alone = lock.lock();
                // SAFETY: the lock is held.
                unsafe { select(function, offset & !3).write(value) };
            }
            _ => {}
        }
    }

    fn line(function: u32, _pin: u32) -> i64 {
        // What the firmware connected is an ISA interrupt; zero and 255 are none.
        match <Platform as hypercall::Pci>::read(function, LINE) as u8 {
            said @ 1..16 => i64::from(isa_line(said)),
            _ => Errno::ENXIO.to_answer(),
        }
    }

    fn place(size: u64) -> u64 {
        let mut room = ROOM.lock();
        let place = size
            .is_power_of_two()
            .then(|| room.start.checked_next_multiple_of(size))
            .flatten()
            .filter(|place| size <= room.end.saturating_sub(*place));
        if let Some(place) = place {
            room.start = place + size;
        }
        place.unwrap_or(0)
    }
}
