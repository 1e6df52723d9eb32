//! Time: the time stamp counter, scaled.
//!
//! A hypervisor may keep a page for each processor that says how (`pvclock`): Xen and KVM do. Else the machine has
//! such a page of its own, with the scale from whoever knows it, the processor or a hypervisor; or measured at
//! boot against a timer of known frequency (`calibration`).

mod calibration;
mod kvm;
mod pvclock;
mod reference;
mod scale;
pub(crate) mod timer;
mod wall;

use core::arch::x86_64::_rdtsc;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::Platform;
use crate::acpi::{Fadt, Tables};
use crate::boot::unfit;
use crate::cpu::Cpu;
use crate::once::Once;
use crate::xen::{self, Xen};
use kvm::Kvm;
use pvclock::Reading;

#[cfg(fuzzing)]
pub use pvclock::fuzz;
pub(crate) use pvclock::{TimeInfo, WallClock};

/// Stamps a second that are believed.
const PLAUSIBLE: core::ops::Range<u64> = 1_000_000..1 << 37;
/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// KVM, where that is what has a clock.
static KVM: Once<Kvm> = Once::new();
/// The machine's own clock; where a hypervisor has one, a copy that goes on if reading that fails.
pub(crate) static OWN: TimeInfo = TimeInfo::new();
/// The latest time that was read of clocks which may differ.
static LATEST: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds since 1970 when the monotonic clock was at zero.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// The time stamp counter.
#[inline(always)]
pub(crate) fn stamp() -> u64 {
    // SAFETY: every x86-64 processor has the counter.
    unsafe { _rdtsc() }
}

/// Sets the clock up, and the first processor's timer. A clock of our own begins at the time stamp `entry`.
pub(crate) fn start(entry: u64, tables: Option<&Tables>, fadt: Option<&Fadt>) {
    if let (None, Some(kvm)) = (xen::get(), Kvm::find()) {
        KVM.set(kvm);
    }
    ask();
    let place = &Cpu::this().time;
    let said = place.get().read(stamp).map(|(said, _)| said);
    let said = said.filter(|said| PLAUSIBLE.contains(&said.frequency()));
    let frequency = said.map(|said| said.frequency());
    let found = calibration::calibrate(frequency, tables, fadt);
    OWN.set(said.unwrap_or_else(|| {
        place.set(&OWN);
        Reading::counting(found.stamps, entry)
    }));
    timer::start(found);
    let date = match (xen::get(), KVM.get()) {
        // Its timers take times of its clock.
        (Some(_), _) if said.is_none() => unfit(format_args!("Xen's clock does not count")),
        (Some(xen), _) => xen.date(),
        (None, kvm) => kvm.and_then(Kvm::date),
    };
    let date = date.unwrap_or_else(|| wall::read().saturating_sub(now()));
    EPOCH.store(date, Ordering::Relaxed);
}

/// Sets up another processor's, the calling one's.
pub(crate) fn enable() {
    ask();
    timer::enable();
}

/// Has the hypervisor say the time to the calling processor, if there is one that does.
fn ask() {
    let xen = xen::get().map(Xen::time);
    if let Some(found) = xen.or_else(|| KVM.get().map(Kvm::time)) {
        Cpu::this().time.set(found);
    }
}

/// What a clock says, and the time stamp of when.
fn read(info: &TimeInfo) -> (Reading, u64) {
    info.read(stamp)
        .or_else(|| OWN.read(stamp))
        .expect("nobody changes our own")
}

/// Nanoseconds between two stamps.
pub(crate) fn span(from: u64, to: u64) -> u64 {
    let (reading, _) = read(&OWN);
    reading.span(to.saturating_sub(from))
}

/// Nanoseconds of the monotonic clock.
pub(crate) fn now() -> u64 {
    let (reading, stamp) = read(Cpu::this().time.get());
    let time = reading.at(stamp);
    match reading.is_stable() {
        true => time,
        false => LATEST.fetch_max(time, Ordering::Relaxed).max(time),
    }
}

impl hypercall::Clock for Platform {
    fn monotonic() -> u64 {
        now()
    }

    fn wall() -> u64 {
        EPOCH.load(Ordering::Relaxed) + now()
    }
}
