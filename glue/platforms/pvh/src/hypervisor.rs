//! Whether there is a hypervisor, and which: found by CPUID.

use core::arch::x86_64::__cpuid;

/// Leaves of hypervisors; one's may follow another's, whose guests it can run.
const LEAVES: core::ops::Range<u32> = 0x4000_0000..0x4001_0000;
const STEP: usize = 0x100;

/// The first of the leaves of the hypervisor that has this name.
pub(crate) fn find(name: &[u8; 12]) -> Option<u32> {
    if !is_there() {
        return None;
    }
    LEAVES.step_by(STEP).find(|leaf| {
        let found = __cpuid(*leaf);
        let words = [found.ebx, found.ecx, found.edx];
        words.map(u32::to_le_bytes).as_flattened() == name
    })
}

/// Whether there is one at all.
pub(crate) fn is_there() -> bool {
    __cpuid(1).ecx & 1 << 31 != 0
}
