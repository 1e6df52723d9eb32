//! How fast the time stamp counter and the local interrupt controllers' timers count.
//!
//! Asked for, in this order: a hypervisor's clock, a hypervisor (leaf 0x40000010, as VMware defined it and KVM has
//! it), the processor (leaf 0x15), and else measured for 2 ms against the HPET or the ACPI timer, or 4 ms
//! against the older timer of a PC. A measurement reads the timer between two stamps, several times, and takes the
//! reading that the least time passed around: an emulator or a hypervisor may stop the processor at any
//! point.

use core::arch::x86_64::__cpuid;

use super::reference::Reference;
use super::stamp;
use crate::acpi::{Fadt, Tables};
use crate::boot::unfit;
use crate::hypervisor;
use crate::interrupts::local::Local;

/// Readings at each end of a measurement.
const READINGS: u32 = 8;
/// Looks at a timer that does not move before it counts as broken.
const PATIENCE: u32 = 1 << 20;

/// Counts a second.
pub(super) struct Frequencies {
    /// Of the time stamp counter.
    pub(super) stamps: u64,
    /// Of a local controller's timer; zero as long as it is not known.
    pub(super) counts: u64,
}

/// Finds the frequencies; `stamps` is that of the time stamp counter if a hypervisor's clock says so.
pub(super) fn calibrate(
    stamps: Option<u64>,
    tables: Option<&Tables>,
    fadt: Option<&Fadt>,
) -> Frequencies {
    let known = known();
    if let Some(stamps) = stamps {
        let counts = known.map_or(0, |known| known.counts);
        return Frequencies { stamps, counts };
    }
    known.unwrap_or_else(|| {
        let reference = Reference::choose(tables, fadt);
        measure(&reference).unwrap_or_else(|| {
            unfit(format_args!(
                "the {} does not count, and nothing else says how fast time goes",
                reference.name()
            ))
        })
    })
}

/// Counts a second of a local controller's timer, of which nobody says, measured for 1 ms against stamps.
pub(super) fn counts(stamps: u64) -> u64 {
    let window = stamps / 1000;
    Local.count_down(u32::MAX);
    let begin = stamp();
    while stamp() - begin < window {
        core::hint::spin_loop();
    }
    let (passed, left) = (stamp() - begin, Local.timer_now());
    Local.count_down(0);
    let counted = u128::from(u32::MAX - left) * u128::from(stamps) / u128::from(passed);
    u64::try_from(counted).unwrap_or(u64::MAX)
}

/// What the hypervisor or the processor says.
fn known() -> Option<Frequencies> {
    if hypervisor::is_there() && (0x4000_0010..0x4000_1000).contains(&__cpuid(0x4000_0000).eax) {
        let found = __cpuid(0x4000_0010);
        if found.eax != 0 && found.ebx != 0 {
            return Some(Frequencies {
                stamps: u64::from(found.eax) * 1000,
                counts: u64::from(found.ebx) * 1000,
            });
        }
    }
    if __cpuid(0).eax >= 0x15 {
        let found = __cpuid(0x15);
        if found.eax != 0 && found.ebx != 0 && found.ecx != 0 {
            let crystal = u64::from(found.ecx);
            return Some(Frequencies {
                stamps: crystal * u64::from(found.ebx) / u64::from(found.eax),
                counts: crystal,
            });
        }
    }
    None
}

/// What a measurement begins and ends with.
struct Reading {
    stamp: u64,
    reference: u64,
    count: u32,
}

/// The best of several readings.
fn read(reference: &Reference) -> Reading {
    let mut best: Option<(u64, Reading)> = None;
    for _ in 0..READINGS {
        let before = stamp();
        let now = reference.read();
        let count = Local.timer_now();
        let after = stamp();
        let around = after - before;
        if best.as_ref().is_none_or(|(least, _)| around < *least) {
            let reading = Reading {
                stamp: before + around / 2,
                reference: now,
                count,
            };
            best = Some((around, reading));
        }
    }
    best.expect("there are readings").1
}

fn measure(reference: &Reference) -> Option<Frequencies> {
    reference.begin();
    Local.count_down(u32::MAX);
    let begin = read(reference);
    let mut looks = 0;
    let passed = |now: u64| reference.passed(begin.reference, now);
    while passed(reference.read()) < reference.window() {
        looks += 1;
        if looks == PATIENCE {
            return None;
        }
    }
    let end = read(reference);
    Local.count_down(0);
    reference.end();
    let passed = u128::from(passed(end.reference));
    let frequency = |counted: u64| {
        u64::try_from(u128::from(counted) * u128::from(reference.frequency()) / passed).ok()
    };
    Some(Frequencies {
        stamps: frequency(end.stamp - begin.stamp).filter(|found| *found > 0)?,
        counts: frequency(u64::from(begin.count - end.count))?,
    })
}
