//! The way of another processor from real mode, in a page below 1 MiB, to the common entry to long mode.

use core::arch::global_asm;
use core::sync::atomic::AtomicU32;

use super::started;
use crate::boot::start_info::Range;

/// Where the page may be: real mode reaches no further, and what is above 640 KiB is not memory.
pub(crate) const PAGES: Range = Range {
    start: 0x1000,
    end: 0xa_0000,
};

/// The upper end of the stack of the processor that is being started. Stacks are below 4 GiB: the heap there
/// is used first.
pub(super) static STACK_END: AtomicU32 = AtomicU32::new(0);

// The first part is copied, and runs with its own start as offset zero. The descriptor table and the other
// parts are the image's.
global_asm!(
    ".section .rodata.trampoline, \"a\", @progbits",
    ".code16",
    "trampoline_start:",
    "cli",
    "cld",
    "mov ax, cs",
    "mov ds, ax",
    // lgdt, with a base of 32 bits
    ".byte 0x66, 0x0f, 0x01, 0x16",
    ".short trampoline_gdt - trampoline_start",
    "mov eax, cr0",
    "or al, 1",
    "mov cr0, eax",
    // A far jump, with an offset of 32 bits
    ".byte 0x66, 0xea",
    ".long trampoline_protected",
    ".short 24",
    "trampoline_gdt:",
    ".short 31",
    ".long boot_gdt",
    "trampoline_end:",
    //
    ".text",
    ".code32",
    "trampoline_protected:",
    "mov eax, 16",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "mov esp, dword ptr [{stack_end}]",
    "mov ebp, offset trampoline_long",
    "jmp enter_long_mode",
    //
    ".code64",
    "trampoline_long:",
    "mov eax, 16",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "xor eax, eax",
    "mov fs, eax",
    "mov gs, eax",
    // The outermost frame.
    "xor ebp, ebp",
    "push rbp",
    "push rbp",
    "call {started}",
    "ud2",
    stack_end = sym STACK_END,
    started = sym started,
);

unsafe extern "C" {
    static trampoline_start: u8;
    static trampoline_end: u8;
}

/// Copies the first part to its page.
///
/// # Safety
///
/// The page is memory, and nobody's.
pub(super) unsafe fn lay(page: u64) {
    let (start, end) = (&raw const trampoline_start, &raw const trampoline_end);
    // SAFETY: the first part is smaller than a page; the caller's promise.
    unsafe {
        let part = core::slice::from_raw_parts(start, end.addr() - start.addr());
        (page as *mut u8).copy_from_nonoverlapping(part.as_ptr(), part.len());
    }
}
