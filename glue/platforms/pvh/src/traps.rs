//! Exceptions and interrupts: the table of their handlers.
//!
//! An exception is the end: the report and the exit code are `report`'s. An interrupt's handler marks its
//! vector, and returns with interrupts off to where they were on, in `Cpu::take_interrupt` or `Cpu::wait`.

mod backtrace;
mod report;
mod stubs;

use core::cell::UnsafeCell;

use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

pub(crate) use backtrace::print_backtrace;
pub(crate) use stubs::wait_for_interrupt;

/// The stacks that handlers run on, as indices into the table of them. Index 0 is the first, which
/// descriptors call 1.
#[derive(Clone, Copy)]
pub(crate) enum Stack {
    /// For exceptions.
    Trap,
    /// For exceptions that may come during others.
    LastResort,
    /// For interrupts.
    Interrupt,
}

/// How many vectors are exceptions.
pub(crate) const EXCEPTIONS: usize = 32;
const NON_MASKABLE: usize = 2;
const DOUBLE_FAULT: usize = 8;
const MACHINE_CHECK: usize = 18;

/// The table, as the processor reads it (AMD64 Architecture Programmer's Manual 2, 4.8.4).
#[repr(C, align(16))]
struct Gates(UnsafeCell<[u128; 256]>);

// SAFETY: written by the first processor before there are others.
unsafe impl Sync for Gates {}

static GATES: Gates = Gates(UnsafeCell::new([0; 256]));

/// A gate to `handler` in the code segment, with interrupts off and on `stack`.
fn gate(handler: u64, stack: Stack) -> u128 {
    const CODE: u128 = 8;
    const PRESENT_INTERRUPT_GATE: u128 = 0x8e00;
    let handler = u128::from(handler);
    (handler & 0xffff)
        | CODE << 16
        | (stack as u128 + 1) << 32
        | PRESENT_INTERRUPT_GATE << 32
        | (handler >> 16 & 0xffff) << 48
        | (handler >> 32) << 64
}

/// Fills the table in.
///
/// # Safety
///
/// To be called once, before [`load`].
pub(crate) unsafe fn start() {
    // SAFETY: the caller's promise.
    let gates = unsafe { &mut *GATES.0.get() };
    for (vector, entry) in gates.iter_mut().enumerate() {
        let stack = match vector {
            NON_MASKABLE | DOUBLE_FAULT | MACHINE_CHECK => Stack::LastResort,
            0..EXCEPTIONS => Stack::Trap,
            _ => Stack::Interrupt,
        };
        *entry = gate(stubs::handler(vector), stack);
    }
}

/// Has the calling processor use the table.
pub(crate) fn load() {
    let pointer = DescriptorTablePointer {
        limit: (size_of::<Gates>() - 1) as u16,
        base: VirtAddr::from_ptr(GATES.0.get()),
    };
    // SAFETY: the table is filled in, and stays.
    unsafe { lidt(&pointer) };
}
