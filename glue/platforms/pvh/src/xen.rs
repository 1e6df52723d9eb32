//! Xen, where it is what the machine runs on: found by CPUID, spoken to by hypercalls.
//!
//! What Xen emulates for such a guest is used as on other machines: the local interrupt controller with its timer
//! above all. Its own are the console, the frequency of the time stamp counter, and the end.

mod hypercall;

use core::arch::x86_64::__cpuid_count;

use crate::once::Once;
use hypercall::Hypercalls;

pub(crate) use hypercall::protect;

/// CPUID leaves of hypervisors; Xen's may follow another's.
const LEAVES: core::ops::Range<u32> = 0x4000_0000..0x4001_0000;
const STEP: usize = 0x100;
/// Among Xen's: the page of hypercalls, and time (xen/include/public/arch-x86/cpuid.h).
const PAGE: u32 = 2;
const TIME: u32 = 3;

/// Numbers of hypercalls, and of what they do (xen/include/public/xen.h, memory.h, sched.h).
const MEMORY_OP: usize = 12;
const MEMORY_MAP: usize = 9;
const CONSOLE_IO: usize = 18;
const CONSOLE_WRITE: usize = 0;
const SCHED_OP: usize = 29;
const SHUTDOWN: usize = 2;
const POWER_OFF: u32 = 0;
const CRASH: u32 = 3;

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

/// Xen, found.
pub(crate) struct Xen {
    leaf: u32,
    hypercalls: Hypercalls,
}

static XEN: Once<Xen> = Once::new();

/// Looks whether this is Xen.
///
/// # Safety
///
/// To be called once.
pub(crate) unsafe fn start() {
    const HYPERVISED: u32 = 1 << 31;
    if __cpuid_count(1, 0).ecx & HYPERVISED == 0 {
        return;
    }
    let is_xen = |leaf: &u32| {
        let found = __cpuid_count(*leaf, 0);
        let name = [found.ebx, found.ecx, found.edx].map(u32::to_le_bytes);
        name == [*b"XenV", *b"MMXe", *b"nVMM"]
    };
    let Some(leaf) = LEAVES.step_by(STEP).find(is_xen) else {
        return;
    };
    let register = __cpuid_count(leaf + PAGE, 0).ebx;
    // SAFETY: the register is the one that Xen names; the caller's promise.
    let hypercalls = unsafe { Hypercalls::establish(register) };
    XEN.set(Xen { leaf, hypercalls });
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
        let arguments = [MEMORY_MAP, (&raw mut map).expose_provenance(), 0];
        // SAFETY: Xen writes to the map and to as many entries as there is room for.
        let answer = unsafe { self.hypercalls.call(MEMORY_OP, arguments) };
        let count = if answer == 0 { map.count as usize } else { 0 };
        ROOM.set(room);
        let found = ROOM.get().and_then(|room| room.get(..count * ENTRY));
        found.unwrap_or_default()
    }

    /// How often a second the time stamp counter counts; zero if Xen does not say.
    pub(crate) fn frequency(&self) -> u64 {
        u64::from(__cpuid_count(self.leaf + TIME, 0).ecx) * 1000
    }

    /// Has Xen end the machine.
    pub(crate) fn shut_down(&self, success: bool) {
        let reason = if success { POWER_OFF } else { CRASH };
        let arguments = [SHUTDOWN, (&raw const reason).addr(), 0];
        // SAFETY: Xen reads the reason, which is there.
        unsafe { self.hypercalls.call(SCHED_OP, arguments) };
    }
}
