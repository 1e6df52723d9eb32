//! A processor, and what each has of its own.

mod descriptors;

use alloc::boxed::Box;
use core::arch::asm;
use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

use x86_64::VirtAddr;
use x86_64::registers::model_specific::GsBase;

use crate::boot::start_info::Range;
use crate::clock::{self, TimeInfo};
use crate::threads::Thread;
use crate::traps::wait_for_interrupt;
use crate::xen::Processor;
use descriptors::Descriptors;

/// The stack a processor has for when it runs no thread, in bytes.
pub(crate) const STACK: usize = 16 << 10;

/// The most processors that are used.
pub(crate) const MOST: usize = 64;

/// A processor's own, found through the segment register gs.
#[repr(C)]
pub(crate) struct Cpu {
    /// Its own address: what `gs:[0]` is read for.
    this: *const Cpu,
    /// The interrupt that was taken last and not looked at yet, or zero. The handlers write to `gs:[8]`.
    vector: Cell<u32>,
    /// Counts from zero, in order of start.
    pub(crate) index: u32,
    /// Its local interrupt controller's number.
    pub(crate) apic: u32,
    /// What runs on it.
    pub(crate) current: Cell<&'static Thread>,
    /// What runs on it when no thread does.
    pub(crate) idle: &'static Thread,
    /// Where it finds the time.
    pub(crate) time: Cell<&'static TimeInfo>,
    /// What Xen has of it, where there is Xen.
    pub(crate) xen: Cell<Option<&'static Processor>>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// How many processors there are, as far as they have started.
pub(crate) fn count() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// The number of the first processor's local interrupt controller.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// The number of the first processor's local interrupt controller.
pub(crate) fn first() -> u32 {
    FIRST.load(Ordering::Relaxed)
}

impl Cpu {
    /// Makes the processor that runs this known. `stack` is what it runs on.
    ///
    /// # Safety
    ///
    /// To be called once a processor, before anything that asks for the current one.
    pub(crate) unsafe fn adopt(apic: u32, stack: Range) -> &'static Cpu {
        let idle = Box::leak(Box::new(Thread::idle(stack)));
        let cpu = Box::leak(Box::new(Cpu {
            this: core::ptr::null(),
            vector: Cell::new(0),
            index: COUNT.load(Ordering::Relaxed),
            apic,
            current: Cell::new(idle),
            idle,
            time: Cell::new(&clock::OWN),
            xen: Cell::new(None),
        }));
        cpu.this = cpu;
        Box::leak(Box::new(Descriptors::new())).load();
        GsBase::write(VirtAddr::from_ptr(cpu));
        if COUNT.fetch_add(1, Ordering::Release) == 0 {
            FIRST.store(apic, Ordering::Relaxed);
        }
        cpu
    }

    /// The processor that runs this. Good until the calling thread waits.
    #[inline(always)]
    pub(crate) fn this() -> &'static Cpu {
        let this: *const Cpu;
        // SAFETY: `adopt` pointed gs to a processor's own, which begins with its address and stays.
        unsafe {
            asm!("mov {}, gs:[0]", out(reg) this, options(nostack, preserves_flags, readonly));
            &*this
        }
    }

    /// The processor that runs this, if boot has come that far.
    pub(crate) fn known() -> Option<&'static Cpu> {
        (count() > 0).then(Cpu::this)
    }

    /// Whether no thread runs on it.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        core::ptr::eq(self.current.get(), self.idle)
    }

    /// Takes interrupts, if there are any, but one at most; its vector.
    #[inline]
    pub(crate) fn take_interrupt(&self) -> Option<u8> {
        // SAFETY: the handlers touch nothing but their stack and `vector`. They leave interrupts off.
        unsafe { asm!("sti", "nop", "cli") };
        self.taken()
    }

    /// Waits for an interrupt; its vector.
    pub(crate) fn wait(&self) -> Option<u8> {
        // SAFETY: as above.
        unsafe { wait_for_interrupt() };
        self.taken()
    }

    fn taken(&self) -> Option<u8> {
        match self.vector.replace(0) {
            0 => None,
            vector => Some(vector as u8),
        }
    }
}
