//! Xen, where it is what the machine runs on: found by CPUID, spoken to by hypercalls.
//!
//! The processors' local interrupt controllers are used as on other machines. Xen's own are the console, the clock,
//! the timers, which interrupt by events, and the end.

mod console;
mod events;
mod hypercall;
mod ring;
mod shared;

use core::arch::x86_64::__cpuid;

use crate::hypervisor;
use crate::once::Once;
use hypercall::Hypercalls;
use shared::Shared;

pub(crate) use console::Console;
pub(crate) use hypercall::protect;
pub(crate) use shared::Processor;

/// Among Xen's leaves: the page of hypercalls (xen/include/public/arch-x86/cpuid.h).
const PAGE: u32 = 2;

/// Numbers of hypercalls, and of what they do (xen/include/public/xen.h, memory.h, sched.h, hvm/hvm_op.h).
const MEMORY_OP: usize = 12;
const MEMORY_MAP: usize = 9;
const CONSOLE_IO: usize = 18;
const CONSOLE_WRITE: usize = 0;
const SCHED_OP: usize = 29;
const SHUTDOWN: usize = 2;
const POWER_OFF: u32 = 0;
const CRASH: u32 = 3;
const HVM_OP: usize = 34;
const SET_PARAMETER: usize = 0;
const GET_PARAMETER: usize = 1;

/// The calling guest.
const SELF: u16 = 0x7ff0;

/// Entries of a memory map that there is room for.
const ENTRIES: usize = 128;
/// An entry of such a map: address and length, of 64 bits each, and type, of 32.
pub(crate) const ENTRY: usize = 20;

/// What Xen is told for a memory map: how many entries there is room for, to be replaced by how many there are,
/// and where.
#[repr(C)]
struct MemoryMap {
    count: u32,
    buffer: usize,
}

/// A parameter of the guest.
#[repr(C)]
struct Parameter {
    guest: u16,
    unused: u16,
    index: u32,
    value: u64,
}

/// Xen, found.
pub(crate) struct Xen {
    leaf: u32,
    hypercalls: Hypercalls,
    shared: Once<&'static Shared>,
}

static XEN: Once<Xen> = Once::new();

/// Looks whether this is Xen.
///
/// # Safety
///
/// To be called once.
pub(crate) unsafe fn start() {
    let Some(leaf) = hypervisor::find(b"XenVMMXenVMM") else {
        return;
    };
    let register = __cpuid(leaf + PAGE).ebx;
    XEN.set(Xen {
        leaf,
        // SAFETY: the register is the one that Xen names; the caller's promise.
        hypercalls: unsafe { Hypercalls::establish(register) },
        shared: Once::new(),
    });
}

/// Xen, if this is it.
pub(crate) fn get() -> Option<&'static Xen> {
    XEN.get()
}

impl Xen {
    /// Writes to Xen's console. What Xen does not want to hear is lost.
    pub(crate) fn write(&self, text: &[u8]) {
        let arguments = [CONSOLE_WRITE, text.len(), text.as_ptr().addr()];
        // SAFETY: Xen reads the text, which is there.
        unsafe { self.hypercalls.call(CONSOLE_IO, arguments) };
    }

    /// The memory map, in entries of [`ENTRY`] bytes; empty if Xen does not say. The first 4 GiB are mapped.
    pub(crate) fn memory_map(&self) -> &'static [u8] {
        static ROOM: Once<[u8; ENTRIES * ENTRY]> = Once::new();
        let mut room = [0; ENTRIES * ENTRY];
        let mut map = MemoryMap {
            count: ENTRIES as u32,
            buffer: room.as_mut_ptr().expose_provenance(),
        };
        // SAFETY: Xen writes to the map and to as many entries as there is room for.
        let answer = unsafe { self.hypercalls.operate(MEMORY_OP, MEMORY_MAP, &mut map) };
        let count = if answer == 0 { map.count as usize } else { 0 };
        ROOM.set(room);
        let found = ROOM.get().and_then(|room| room.get(..count * ENTRY));
        found.unwrap_or_default()
    }

    /// Sets a parameter of the guest's, or asks for it; its value.
    fn parameter(&self, operation: usize, index: u32, value: u64) -> u64 {
        let mut parameter = Parameter {
            guest: SELF,
            unused: 0,
            index,
            value,
        };
        // SAFETY: Xen reads the parameter, which is there, or writes its value.
        unsafe { self.hypercalls.operate(HVM_OP, operation, &mut parameter) };
        parameter.value
    }

    /// Has Xen end the machine.
    pub(crate) fn shut_down(&self, success: bool) {
        let mut reason = if success { POWER_OFF } else { CRASH };
        // SAFETY: Xen reads the reason, which is there.
        unsafe { self.hypercalls.operate(SCHED_OP, SHUTDOWN, &mut reason) };
    }
}
