//! The virtual processor of a kernel that has one: the token that whoever is inside holds, taken at
//! entry and given up while parked.
//!
//! In the multi-processor build there is nothing to hold, and without threads nobody else to keep
//! out.

#[cfg(all(feature = "up", feature = "threads"))]
pub(crate) struct Vcpu(crate::rawlock::RawLock);

#[cfg(all(feature = "up", feature = "threads"))]
impl Vcpu {
    pub(crate) fn new() -> Self {
        Vcpu(crate::rawlock::RawLock::new())
    }

    #[inline]
    pub(crate) fn acquire(&self) {
        self.0.lock();
    }

    #[inline]
    pub(crate) fn release(&self) {
        self.0.unlock();
    }
}

#[cfg(not(all(feature = "up", feature = "threads")))]
pub(crate) struct Vcpu;

#[cfg(not(all(feature = "up", feature = "threads")))]
impl Vcpu {
    pub(crate) fn new() -> Self {
        Vcpu
    }

    #[inline(always)]
    pub(crate) fn acquire(&self) {}

    #[inline(always)]
    pub(crate) fn release(&self) {}
}
