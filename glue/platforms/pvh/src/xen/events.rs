//! Events of Xen's, as far as there is something that comes by them: the timers.
//!
//! Xen interrupts a processor by a vector of ours as long as something is pending that is not masked. It is no
//! interrupt of the local controller's, and not answered there.

use core::arch::x86_64::__cpuid;

use super::shared::{Processor, Shared};
use super::{MEMORY_OP, SELF, SET_PARAMETER, Xen};
use crate::boot::unfit;
use crate::clock::TimeInfo;
use crate::cpu::Cpu;
use crate::interrupts::EVENTS;
use crate::memory::PAGE;

/// Numbers of hypercalls, and of what they do (xen/include/public/xen.h, memory.h, vcpu.h, event_channel.h,
/// hvm/hvm_op.h).
const ADD_TO_PHYSMAP: usize = 7;
const SHARED_INFO: u32 = 0;
const SET_TIMER_OP: usize = 15;
const VCPU_OP: usize = 24;
const STOP_PERIODIC_TIMER: usize = 7;
const REGISTER_VCPU_INFO: usize = 10;
const EVENT_CHANNEL_OP: usize = 32;
const BIND_VIRQ: usize = 1;
/// The parameter of the guest that says how it is interrupted for events: by a vector
/// (xen/include/public/hvm/params.h).
const CALLBACK: u32 = 0;
const BY_VECTOR: u64 = 2 << 56;
const VIRQ_TIMER: u32 = 0;
/// Among Xen's leaves: the processor's number.
const PROCESSOR: u32 = 4;

/// What is to be in the guest's memory, and where.
#[repr(C)]
struct Mapping {
    guest: u16,
    size: u16,
    space: u32,
    index: u64,
    page: u64,
}

/// Where a processor's piece of memory is.
#[repr(C)]
struct Place {
    page: u64,
    offset: u32,
    unused: u32,
}

/// What to bind to a port, which is the answer.
#[repr(C)]
struct Virq {
    virq: u32,
    processor: u32,
    port: u32,
}

impl Xen {
    /// Has Xen tell the calling processor the time, and interrupt it at times; where it finds the time.
    pub(crate) fn time(&self) -> &'static TimeInfo {
        let shared = self.shared();
        let number = __cpuid(self.leaf + PROCESSOR).ebx;
        let processor = Processor::new();
        let address = (&raw const *processor).expose_provenance();
        let mut place = Place {
            page: (address / PAGE) as u64,
            offset: (address % PAGE) as u32,
            unused: 0,
        };
        let place = (&raw mut place).expose_provenance();
        let mut timer = Virq {
            virq: VIRQ_TIMER,
            processor: number,
            port: 0,
        };
        let (xen, number) = (&self.hypercalls, number as usize);
        // SAFETY: Xen reads the place, and writes to the processor's memory, which stays; it has no ticks any
        // more; and Xen writes the port.
        let (placed, bound) = unsafe {
            let placed = xen.call(VCPU_OP, [REGISTER_VCPU_INFO, number, place]);
            xen.call(VCPU_OP, [STOP_PERIODIC_TIMER, number, 0]);
            (placed, xen.operate(EVENT_CHANNEL_OP, BIND_VIRQ, &mut timer))
        };
        demand("memory of a processor", placed);
        demand("a timer", bound);
        shared.unmask(timer.port);
        Cpu::this().xen.set(Some(processor));
        &processor.time
    }

    /// The page that Xen shares, from the first call on.
    fn shared(&self) -> &'static Shared {
        if let Some(shared) = self.shared.get() {
            return shared;
        }
        let shared = Shared::new();
        let mut mapping = Mapping {
            guest: SELF,
            size: 0,
            space: SHARED_INFO,
            index: 0,
            page: ((&raw const *shared).expose_provenance() / PAGE) as u64,
        };
        let xen = &self.hypercalls;
        // SAFETY: the page is for nothing else.
        let mapped = unsafe { xen.operate(MEMORY_OP, ADD_TO_PHYSMAP, &mut mapping) };
        demand("the page to share", mapped);
        shared.mask_all();
        self.parameter(SET_PARAMETER, CALLBACK, BY_VECTOR | u64::from(EVENTS));
        self.shared.set(shared);
        shared
    }

    /// The calling processor was interrupted for events. It looks what there is to do, in any case.
    pub(crate) fn serve(&self) {
        if let (Some(shared), Some(processor)) = (self.shared.get(), Cpu::this().xen.get()) {
            shared.take_all(processor);
        }
    }

    /// Has the calling processor interrupted at `deadline` or before, in nanoseconds of its clock; never at
    /// `u64::MAX`.
    pub(crate) fn interrupt_at(&self, deadline: u64) {
        let deadline = match deadline {
            u64::MAX => 0,
            // Xen takes what is in the past.
            _ => deadline.max(1) as usize,
        };
        // SAFETY: it sets a timer.
        unsafe { self.hypercalls.call(SET_TIMER_OP, [deadline, 0, 0]) };
    }

    /// Nanoseconds since 1970 at time zero, if Xen knows.
    pub(crate) fn date(&self) -> Option<u64> {
        self.shared().date.read()
    }
}

/// Ends the boot if Xen refused something.
fn demand(what: &str, answer: isize) {
    if answer != 0 {
        unfit(format_args!("Xen refuses {what}: error {}", -answer));
    }
}
