//! A processor's timer: one interrupt, at a time. No ticks.
//!
//! Xen's own takes a time of its clock; the local controller's takes a time stamp, where it can, or counts down.

use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicBool, Ordering};

use super::calibration::{self, Frequencies};
use super::scale::Scale;
use super::{SECOND, now, stamp};
use crate::interrupts::local::Local;
use crate::xen;

/// Nanoseconds to stamps, and to counts of a local controller's timer.
static TO_STAMPS: Scale = Scale::unset();
static TO_COUNTS: Scale = Scale::unset();

/// The timers interrupt at a time stamp.
static AT_TIME_STAMP: AtomicBool = AtomicBool::new(false);

/// Sets up how timers are set, and the calling processor's.
pub(super) fn start(found: Frequencies) {
    if xen::get().is_some() {
        return;
    }
    let at_time_stamp = __cpuid(1).ecx & 1 << 24 != 0;
    let counts = match found.counts {
        0 if !at_time_stamp => calibration::counts(found.stamps),
        said => said,
    };
    TO_STAMPS.set(found.stamps, SECOND);
    TO_COUNTS.set(counts, SECOND);
    AT_TIME_STAMP.store(at_time_stamp, Ordering::Relaxed);
    enable();
}

/// Sets up the calling processor's.
pub(super) fn enable() {
    if xen::get().is_none() {
        Local.enable_timer(AT_TIME_STAMP.load(Ordering::Relaxed));
    }
}

/// Has the calling processor interrupted at `deadline` or before, in nanoseconds of the monotonic clock;
/// never at `u64::MAX`.
pub(crate) fn set(deadline: u64) {
    if let Some(xen) = xen::get() {
        xen.interrupt_at(deadline);
        return;
    }
    if AT_TIME_STAMP.load(Ordering::Relaxed) {
        Local.interrupt_at(match deadline {
            u64::MAX => 0,
            _ => {
                let span = TO_STAMPS.apply(deadline.saturating_sub(now()));
                stamp().saturating_add(span).max(1)
            }
        });
        return;
    }
    Local.count_down(match deadline {
        u64::MAX => 0,
        // One more: rather late than twice. A deadline too far away comes early.
        _ => {
            let counts = TO_COUNTS.apply(deadline.saturating_sub(now()));
            u32::try_from(counts.saturating_add(1)).unwrap_or(u32::MAX)
        }
    });
}
