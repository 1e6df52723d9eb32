//! Panics, which end the machine: nothing unwinds.

use core::arch::asm;
use core::panic::PanicInfo;

use hypercall::Upcall;

use crate::cpu::Cpu;
use crate::traps::print_backtrace;
use crate::{Platform, console, power};

/// The exit code after a panic.
pub(crate) const PANICKED: i32 = 101;

impl hypercall::Fault for Platform {
    fn catch(run: Upcall) -> bool {
        run.call();
        false
    }

    fn panicking() -> bool {
        false
    }

    fn raise() -> ! {
        power::halt(PANICKED)
    }
}

/// Begins the report of the end. Does not return if that failed before, nor on another processor than the
/// first that gets here.
pub(crate) fn begin_report() {
    if !power::begin_end() {
        power::halt(PANICKED);
    }
}

/// Reports a panic and ends the machine.
#[cfg_attr(
    not(rump_bare),
    expect(dead_code, reason = "images have a panic handler")
)]
pub(crate) fn panicked(info: &PanicInfo<'_>) -> ! {
    begin_report();
    match info.location() {
        Some(at) => console::report(format_args!(
            "kernel: panicked at {}:{}: {}\n",
            at.file(),
            at.line(),
            info.message()
        )),
        None => console::report(format_args!("kernel: panicked: {}\n", info.message())),
    }
    let frame: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags)) };
    if let Some(cpu) = Cpu::known() {
        print_backtrace(None, frame, cpu.current.get().stack());
    }
    power::halt(PANICKED)
}
