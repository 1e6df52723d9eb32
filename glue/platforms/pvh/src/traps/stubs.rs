//! Where the processor gets to first.

use core::arch::global_asm;

use super::EXCEPTIONS;
use super::report::report;

/// Bytes between two handlers.
const STEP: usize = 16;

// Exceptions: all registers go onto the stack, in the order of `report::Frame`, with the vector and an error
// code, for which some vectors bring none. Interrupts: the vector goes to the processor's own, and the
// frame is changed to return with interrupts off: so a device that goes on interrupting does not keep the
// processor in its handler. Nothing is to come between letting interrupts through and waiting for one, but under
// QEMU something may, if the processor is a hypervisor's that was interrupted itself: the wait is over then, too.
// Waiting with interrupts off would be the end.
global_asm!(
    ".text",
    ".balign {step}",
    "trap_handlers:",
    ".set trap_vector, 0",
    ".rept 256",
    ".balign {step}",
    ".if trap_vector < {exceptions}",
    // 8, 10 to 14, 17, 21, 29, 30.
    ".if (0x60227d00 >> trap_vector) & 1 == 0",
    "push 0",
    ".endif",
    ".byte 0x6a, trap_vector", // push
    "jmp trap_common",
    ".else",
    ".byte 0x6a, trap_vector - 128",
    "jmp interrupt_common",
    ".endif",
    ".set trap_vector, trap_vector + 1",
    ".endr",
    //
    "interrupt_common:",
    "xchg [rsp], rax",
    "add eax, 128",
    "mov gs:[8], eax",
    "pop rax",
    "cmp qword ptr [rsp], offset wait_halt",
    "jne 2f",
    "inc qword ptr [rsp]",
    "2: and dword ptr [rsp + 16], {interrupts_off}",
    "iretq",
    //
    "wait_for_interrupt:",
    "sti",
    "wait_halt: hlt",
    "cli",
    "ret",
    //
    "trap_common:",
    "push rax",
    "push rbx",
    "push rcx",
    "push rdx",
    "push rsi",
    "push rdi",
    "push rbp",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "cld",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {report}",
    "ud2",
    step = const STEP,
    exceptions = const EXCEPTIONS,
    interrupts_off = const !(1 << 9),
    report = sym report,
);

unsafe extern "C" {
    static trap_handlers: u8;
    /// Waits for an interrupt with interrupts on, and returns with interrupts off.
    pub(crate) fn wait_for_interrupt();
}

/// The address of a vector's handler.
pub(super) fn handler(vector: usize) -> u64 {
    ((&raw const trap_handlers).addr() + vector * STEP) as u64
}
