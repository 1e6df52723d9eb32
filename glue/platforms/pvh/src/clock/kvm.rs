//! The clock of KVM (Linux, Documentation/virt/kvm/x86/msr.rst and cpuid.rst): a hypervisor that writes the time to
//! wherever it is told.

use alloc::boxed::Box;
use core::arch::x86_64::__cpuid;

use x86_64::registers::model_specific::Msr;

use super::pvclock::{TimeInfo, WallClock};
use crate::hypervisor;

/// Among the leaves: features, and of those that the registers below are there.
const FEATURES: u32 = 1;
const CLOCK: u32 = 1 << 3;
/// The registers that take the address of a place for the date, written once, and for the processor's time, which
/// is kept right while the lowest bit is set.
const WALL_CLOCK: u32 = 0x4b56_4d00;
const SYSTEM_TIME: u32 = 0x4b56_4d01;
const ENABLED: u64 = 1;

/// KVM, with a clock.
pub(super) struct Kvm(());

/// In one piece of a page.
#[repr(align(64))]
struct Aligned<T>(T);

impl Kvm {
    /// KVM, if this is it.
    pub(super) fn find() -> Option<Kvm> {
        let leaf = hypervisor::find(b"KVMKVMKVM\0\0\0")?;
        (__cpuid(leaf + FEATURES).eax & CLOCK != 0).then_some(Kvm(()))
    }

    /// Where the calling processor finds the time from now on.
    pub(super) fn time(&self) -> &'static TimeInfo {
        let place = Box::leak(Box::new(Aligned(TimeInfo::new())));
        let address = (&raw mut *place).expose_provenance() as u64;
        // SAFETY: the register is there, and KVM writes to what is for nothing else, and stays.
        unsafe { Msr::new(SYSTEM_TIME).write(address | ENABLED) };
        &place.0
    }

    /// The date at time zero.
    pub(super) fn date(&self) -> Option<u64> {
        let place = Box::new(Aligned(WallClock::new()));
        let address = (&raw const *place).expose_provenance() as u64;
        // SAFETY: the register is there, and KVM writes to what is for nothing else, now and not later.
        unsafe { Msr::new(WALL_CLOCK).write(address) };
        place.0.read()
    }
}
