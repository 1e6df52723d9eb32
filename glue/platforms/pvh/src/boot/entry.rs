//! The way from the loader to Rust: from 32-bit protected mode without paging to long mode.
//!
//! The ABI is Xen's ("PVH", docs/misc/pvh.pandoc of Xen): the ELF note of type 18 names the entry, `ebx`
//! holds the address of the start info. Boot loaders for disks have Multiboot2's (Multiboot2 specification 2.0,
//! 3.1 and 3.3): a header near the start of the file names the entry, `ebx` holds the address of the loader's
//! information and `eax` its magic number; all else is alike. The first 4 GiB are mapped where they are, in pages of 2 MiB,
//! except for the first 2 MiB in pages of 4 KiB: the first of them goes once the start info is read, and
//! the image's are not all writable.

use core::arch::global_asm;

/// CR4: PAE, PGE, OSFXSR, OSXMMEXCPT: the prebuilt core library uses SSE2.
const CR4: u32 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10;
/// CR0: PE, MP, NE, WP, PG; with EM and TS clear.
const CR0: u32 = 1 << 31 | 1 << 16 | 1 << 5 | 1 << 1 | 1;
/// Of the header for Multiboot2 loaders.
const MULTIBOOT2: u32 = 0xe852_50d6;
/// The model-specific register EFER.
const EFER: u32 = 0xc000_0080;
/// EFER: LME and NXE.
const LONG_MODE: u32 = 1 << 8 | 1 << 11;
/// Of a page: present, writable.
const PRESENT: u32 = 3;
/// Of a page: present, writable, and of 2 MiB.
const LARGE: u32 = 0x83;
/// Of a page, in the upper half of its entry: not to be executed.
const NOT_CODE: u32 = 1 << 31;

global_asm!(
    ".section .note.pvh, \"a\", @note",
    ".balign 4",
    ".long 4, 8, 18",
    ".asciz \"Xen\"",
    ".quad pvh_entry",
    //
    ".section .multiboot2, \"a\", @progbits",
    ".balign 8",
    "multiboot2_header:",
    // For the architecture 0, protected mode of 32 bits.
    ".long {multiboot2}, 0, multiboot2_end - multiboot2_header",
    ".long 0x100000000 - ({multiboot2} + multiboot2_end - multiboot2_header)",
    // There has to be a memory map.
    ".short 1, 0",
    ".long 12, 6, 0",
    // The entry.
    ".short 3, 0",
    ".long 12, multiboot2_entry, 0",
    ".short 0, 0",
    ".long 8",
    "multiboot2_end:",
    //
    ".section .bss.boot, \"aw\", @nobits",
    ".balign 4096",
    ".globl boot_pml4",
    "boot_pml4: .skip 4096",
    "boot_pdpt: .skip 4096",
    "boot_pd: .skip 4 * 4096",
    "boot_pt: .skip 4096",
    ".globl boot_stack",
    "boot_stack: .skip {stack}",
    "boot_stack_end:",
    //
    ".section .rodata.boot, \"a\", @progbits",
    ".balign 8",
    // Code of 64 bits, data, code of 32 bits.
    ".globl boot_gdt",
    "boot_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff",
    "boot_gdt_pointer: .short 31",
    ".long boot_gdt",
    //
    ".section .text.entry, \"ax\", @progbits",
    ".code32",
    "multiboot2_entry:",
    "mov esi, eax",
    "jmp boot_entry",
    ".globl pvh_entry",
    "pvh_entry:",
    "xor esi, esi",
    // From here on `esi` says which loader it was, for the third argument.
    "boot_entry:",
    "cld",
    "mov esp, offset boot_stack_end",
    // When it began, for the second argument.
    "rdtsc",
    "push edx",
    "push eax",
    //
    "mov dword ptr [boot_pml4], offset boot_pdpt + {present}",
    "mov edi, offset boot_pdpt",
    "mov eax, offset boot_pd + {present}",
    "mov ecx, 4",
    "2: mov [edi], eax",
    "add eax, 4096",
    "add edi, 8",
    "loop 2b",
    //
    "mov edi, offset boot_pd",
    "mov eax, {large}",
    "mov ecx, 2048",
    "2: mov [edi], eax",
    "mov dword ptr [edi + 4], {not_code}",
    "add eax, 0x200000",
    "add edi, 8",
    "loop 2b",
    //
    "mov dword ptr [boot_pd], offset boot_pt + {present}",
    "mov dword ptr [boot_pd + 4], 0",
    "mov edi, offset boot_pt",
    "mov eax, {present}",
    "mov ecx, 512",
    "2: mov [edi], eax",
    "add eax, 0x1000",
    "add edi, 8",
    "loop 2b",
    //
    "mov ebp, offset boot_long",
    // Turns long mode on and goes to `ebp`; also where other processors come from.
    ".globl enter_long_mode",
    "enter_long_mode:",
    "mov eax, {cr4}",
    "mov cr4, eax",
    "mov eax, offset boot_pml4",
    "mov cr3, eax",
    "mov ecx, {efer}",
    "rdmsr",
    "or eax, {long_mode}",
    "wrmsr",
    "mov eax, {cr0}",
    "mov cr0, eax",
    "lgdt [boot_gdt_pointer]",
    "push 8",
    "push ebp",
    "retf",
    //
    ".code64",
    "boot_long:",
    "mov eax, 16",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "xor eax, eax",
    "mov fs, eax",
    "mov gs, eax",
    "mov edi, ebx",
    "mov edx, esi",
    "pop rsi",
    // The outermost frame.
    "xor ebp, ebp",
    "push rbp",
    "push rbp",
    "call pvh_main",
    "ud2",
    ".text",
    cr4 = const CR4,
    cr0 = const CR0,
    efer = const EFER,
    long_mode = const LONG_MODE,
    present = const PRESENT,
    large = const LARGE,
    not_code = const NOT_CODE,
    stack = const crate::cpu::STACK,
    multiboot2 = const MULTIBOOT2,
);
