//! The other processors: started one after the other, by INIT and start-up interrupts (Intel SDM 3A, 9.4).

mod trampoline;

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use crate::acpi::Madt;
use crate::boot::start_info::Range;
use crate::cpu::{self, Cpu};
use crate::interrupts::local::{Command, Local};
use crate::{clock, console, threads};
use trampoline::STACK_END;

pub(crate) use trampoline::PAGES;

/// How long a processor is left alone after INIT, and after the first start-up interrupt before the second,
/// in nanoseconds.
const AFTER_INIT: u64 = 10_000;
const AFTER_START: u64 = 200_000;
/// How long one may take to start before it is given up.
const LONGEST: u64 = 1_000_000_000;

/// Starts the processors that the firmware names, by way of the page `trampoline`.
///
/// # Safety
///
/// The page is below 1 MiB and nobody's. To be called once.
pub(crate) unsafe fn start(madt: &Madt, trampoline: u64) {
    let others = madt.processors.iter().filter(|apic| **apic != cpu::first());
    let mut others = others.take(cpu::MOST - 1).peekable();
    if others.peek().is_some() {
        // SAFETY: the caller's promise.
        unsafe { trampoline::lay(trampoline) };
    }
    for apic in others {
        if !start_one(*apic, trampoline) {
            Local.send(*apic, Command::Init);
            console::print(format_args!(
                "pvh: processor {apic} does not start; going on without it\n"
            ));
        }
    }
}

fn start_one(apic: u32, trampoline: u64) -> bool {
    // In words of the alignment that stacks have.
    let stack = Box::leak(Box::<[u128; cpu::STACK / 16]>::new_uninit());
    let end = stack.as_ptr().addr() + cpu::STACK;
    STACK_END.store(end as u32, Ordering::Release);
    let before = cpu::count();
    Local.send(apic, Command::Init);
    let has_started = |span| {
        let end = clock::now() + span;
        while cpu::count() == before && clock::now() < end {
            core::hint::spin_loop();
        }
        cpu::count() != before
    };
    has_started(AFTER_INIT);
    let page = (trampoline >> 12) as u8;
    for span in [AFTER_START, LONGEST] {
        Local.send(apic, Command::Start(page));
        if has_started(span) {
            return true;
        }
    }
    false
}

/// Where a processor gets to, in long mode, on its own stack.
extern "C" fn started() -> ! {
    let local = Local::start();
    let end = u64::from(STACK_END.load(Ordering::Acquire));
    let stack = Range {
        start: end - cpu::STACK as u64,
        end,
    };
    // SAFETY: this is the one call on this processor, before anything else.
    unsafe { Cpu::adopt(local.id(), stack) };
    clock::enable();
    threads::idle()
}
