//! Time: the time stamp counter, scaled.
//!
//! The scale comes from whoever knows it: the processor, the hypervisor; or it is measured at boot against a
//! timer of known frequency (`calibration`).

mod calibration;
mod reference;
mod scale;
pub(crate) mod timer;
mod wall;

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::Platform;
use crate::acpi::{Fadt, Tables};
use scale::Scale;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// The time stamp at which the monotonic clock began.
static BEGIN: AtomicU64 = AtomicU64::new(0);
/// How stamps become nanoseconds.
static TO_NANOSECONDS: Scale = Scale::unset();
/// Nanoseconds since 1970 when the monotonic clock began.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// The time stamp counter.
#[inline(always)]
pub(crate) fn stamp() -> u64 {
    // SAFETY: every x86-64 processor has the counter.
    unsafe { _rdtsc() }
}

/// Sets the clock up. It begins at the time stamp `entry`.
pub(crate) fn start(entry: u64, tables: Option<&Tables>, fadt: Option<&Fadt>) {
    BEGIN.store(entry, Ordering::Relaxed);
    let found = calibration::calibrate(tables, fadt);
    TO_NANOSECONDS.set(SECOND, found.stamps);
    timer::start(found.stamps, found.counts);
    EPOCH.store(wall::read().saturating_sub(now()), Ordering::Relaxed);
}

/// Nanoseconds between two stamps.
pub(crate) fn span(from: u64, to: u64) -> u64 {
    TO_NANOSECONDS.apply(to.saturating_sub(from))
}

/// Nanoseconds of the monotonic clock.
#[inline]
pub(crate) fn now() -> u64 {
    span(BEGIN.load(Ordering::Relaxed), stamp())
}

impl hypercall::Clock for Platform {
    #[inline]
    fn monotonic() -> u64 {
        now()
    }

    fn wall() -> u64 {
        EPOCH.load(Ordering::Relaxed) + now()
    }
}
