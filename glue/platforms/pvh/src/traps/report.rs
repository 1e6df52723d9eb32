//! What people read when a processor met an exception.

use core::fmt;

use x86_64::registers::control::Cr2;

use super::print_backtrace;
use crate::cpu::Cpu;
use crate::{console, fault, memory, power};

/// The registers at an exception, as the stub laid them down.
#[repr(C)]
pub(super) struct Frame {
    /// r15 down to r8, rbp, rdi, rsi, rdx, rcx, rbx, rax.
    registers: [u64; 15],
    vector: u64,
    error: u64,
    rip: u64,
    cs: u64,
    flags: u64,
    rsp: u64,
    ss: u64,
}

const NAMES: [&str; 15] = [
    "r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rbp", "rdi", "rsi", "rdx", "rcx", "rbx",
    "rax",
];
/// Of rbp among them.
const RBP: usize = 8;

const PAGE_FAULT: u64 = 14;

fn name(vector: u64) -> &'static str {
    match vector {
        0 => "division error",
        1 => "debug exception",
        2 => "non-maskable interrupt",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid opcode",
        7 => "no floating-point unit",
        8 => "double fault",
        10 => "invalid task state segment",
        11 => "segment not present",
        12 => "stack segment fault",
        13 => "general protection fault",
        PAGE_FAULT => "page fault",
        16 => "floating-point error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SIMD floating-point error",
        20 => "virtualization exception",
        21 => "control protection exception",
        _ => "reserved exception",
    }
}

/// Reports an exception and ends the machine.
pub(super) extern "C" fn report(frame: &Frame) -> ! {
    fault::begin_report();
    let cpu = Cpu::this();
    let thread = cpu.current.get();
    let what = What { frame };
    console::report(format_args!(
        "kernel: {what}, in {thread} on processor {}\n",
        cpu.index
    ));
    console::report(format_args!(
        "  rip {:016x} rsp {:016x} flags {:x} error {:x} cr2 {:x}\n",
        frame.rip,
        frame.rsp,
        frame.flags,
        frame.error,
        Cr2::read_raw()
    ));
    // From the last, which is rax, to the first.
    for line in [10..15, 5..10, 0..5] {
        console::report(format_args!("{}\n", Registers { frame, line }));
    }
    print_backtrace(Some(frame.rip), frame.registers[RBP], thread.stack());
    power::halt(fault::PANICKED)
}

struct Registers<'a> {
    frame: &'a Frame,
    line: core::ops::Range<usize>,
}

impl fmt::Display for Registers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for index in self.line.clone().rev() {
            write!(
                f,
                "  {:3} {:016x}",
                NAMES[index], self.frame.registers[index]
            )?;
        }
        Ok(())
    }
}

/// What happened, in words.
struct What<'a> {
    frame: &'a Frame,
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Frame { vector, error, .. } = self.frame;
        if *vector != PAGE_FAULT {
            return write!(f, "{} ({vector})", name(*vector));
        }
        let address = Cr2::read_raw();
        if Cpu::this().current.get().guards(address) {
            return f.write_str("stack overflow");
        }
        let did = match error {
            error if error & 16 != 0 => "execution",
            error if error & 2 != 0 => "write",
            _ => "read",
        };
        let of = match address < memory::PAGE as u64 {
            true => "a null pointer, ",
            false => "",
        };
        write!(f, "{} ({vector}): {did} of {of}{address:#x}", name(*vector))
    }
}
