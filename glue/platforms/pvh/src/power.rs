//! The end of the machine: by QEMU's device for tests, which takes an exit code; else by Xen or
//! ACPI; else by doing nothing any more.

use core::sync::atomic::{AtomicU32, Ordering};

use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts};

use crate::acpi::{self, Fadt, Register};
use crate::boot::start_info::Range;
use crate::cpu::Cpu;
use crate::interrupts::local::Local;
use crate::memory::paging::{self, Access};
use crate::once::Once;
use crate::{Platform, xen};

/// QEMU's `isa-debug-exit,iobase=0xf4`: ends QEMU with twice the value and one.
const DEBUG_EXIT: u16 = 0xf4;
/// What is written there for code 0: QEMU ends with 1 where it could not start a machine at all.
const BASE: u8 = 16;
/// The largest code that such a status has room for.
const LARGEST: i32 = 127 - BASE as i32;

/// How to switch the machine off by ACPI (ACPI specification 6.5, 4.8.3.2 and 4.8.3.7): a register and what
/// to write to it.
enum Off {
    Control(u16, u16),
    Sleep(Register, u8),
}

impl Off {
    fn write(&self) {
        // SAFETY: it switches the machine off, and no more. The register was mapped when it was found.
        unsafe {
            match self {
                Off::Control(port, value) => Port::new(*port).write(*value),
                Off::Sleep(Register::Port(port), value) => Port::new(*port).write(*value),
                Off::Sleep(Register::Memory(address), value) => {
                    (*address as *mut u8).write_volatile(*value);
                }
            }
        }
    }
}

static OFF: Once<Off> = Once::new();

/// Finds out how to switch the machine off.
pub(crate) fn start(fadt: &Fadt) {
    let Some(kind) = acpi::soft_off(fadt) else {
        return;
    };
    if let Some(port) = fadt.control {
        OFF.set(Off::Control(port, u16::from(kind) << 10 | 1 << 13));
    } else if let Some(register) = fadt.sleep {
        if let Register::Memory(start) = register {
            let range = Range {
                start,
                end: start + 1,
            };
            if start >= 1 << 32 || paging::map(range, Access::Device).is_err() {
                return;
            }
        }
        OFF.set(Off::Sleep(register, kind << 2 | 1 << 5));
    }
}

impl hypercall::Power for Platform {
    fn halt(code: i32) -> ! {
        halt(code)
    }
}

/// The processor that ends the machine, counting from one; zero as long as none does.
static ENDING: AtomicU32 = AtomicU32::new(0);

/// Makes the calling processor the one that ends the machine, and stops the others; false if it is that
/// already. Does not return on any other.
pub(crate) fn begin_end() -> bool {
    let Some(cpu) = Cpu::known() else {
        // Nobody else runs yet.
        return true;
    };
    let me = cpu.index + 1;
    match ENDING.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            Local.stop_others();
            true
        }
        Err(other) if other == me => false,
        // The interrupt that stops others brings them here, too.
        Err(_) => stop(),
    }
}

/// Ends the machine. Exit codes are 0 to 111; all others count as 111.
pub(crate) fn halt(code: i32) -> ! {
    let code = if (0..=LARGEST).contains(&code) {
        code
    } else {
        LARGEST
    };
    begin_end();
    // SAFETY: without such a device nobody listens at that port.
    unsafe { Port::new(DEBUG_EXIT).write(BASE + code as u8) };
    if let Some(xen) = xen::get() {
        xen.shut_down(code == 0);
    }
    if let Some(off) = OFF.get() {
        off.write();
    }
    stop()
}

/// Ends what the calling processor does.
pub(crate) fn stop() -> ! {
    interrupts::disable();
    loop {
        hlt();
    }
}
