//! What Xen shares with a guest: the page of its events and its date, and a piece of memory for each processor
//! (`shared_info` and `vcpu_info`, xen/include/public/xen.h).
//!
//! Of events there are ports, each with a bit that says it is pending, and one that keeps it from interrupting.
//! Everything is masked here but each processor's timer.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::clock::{TimeInfo, WallClock};

/// Ports in a word of bits.
const WORD: u32 = u64::BITS;

/// The page.
#[repr(C, align(4096))]
pub(super) struct Shared {
    /// Processors', of which each has its own elsewhere.
    processors: [u64; 256],
    pending: [AtomicU64; 64],
    masked: [AtomicU64; 64],
    pub(super) date: WallClock,
}

/// A processor's. It does not lie across pages.
#[repr(C, align(64))]
pub(crate) struct Processor {
    /// Not zero: interrupt it.
    upcall: AtomicU8,
    masked: AtomicU8,
    /// Bits of words in which something is pending.
    words: AtomicU64,
    fault: [u64; 2],
    pub(super) time: TimeInfo,
}

/// Memory that is zero, for ever.
///
/// # Safety
///
/// Zeros are a `T`.
unsafe fn zeroed<T>() -> &'static T {
    let place = Box::<T>::new_zeroed();
    // SAFETY: the caller's promise.
    Box::leak(unsafe { place.assume_init() })
}

impl Processor {
    pub(super) fn new() -> &'static Processor {
        // SAFETY: it is numbers.
        unsafe { zeroed() }
    }
}

impl Shared {
    pub(super) fn new() -> &'static Shared {
        // SAFETY: it is numbers.
        unsafe { zeroed() }
    }

    /// Masks every port.
    pub(super) fn mask_all(&self) {
        for word in &self.masked {
            word.store(u64::MAX, Ordering::Relaxed);
        }
    }

    /// Lets a port interrupt, from now on.
    pub(super) fn unmask(&self, port: u32) {
        self.forget(port);
        if let Some(word) = self.masked.get((port / WORD) as usize) {
            word.fetch_and(!(1 << (port % WORD)), Ordering::Relaxed);
        }
    }

    /// What came by the port is known.
    pub(super) fn forget(&self, port: u32) {
        if let Some(word) = self.pending.get((port / WORD) as usize) {
            word.fetch_and(!(1 << (port % WORD)), Ordering::AcqRel);
        }
    }

    /// What came by all ports that interrupt is known to the processor.
    pub(super) fn take_all(&self, processor: &Processor) {
        processor.upcall.store(0, Ordering::Relaxed);
        let mut words = processor.words.swap(0, Ordering::AcqRel);
        while words != 0 {
            let index = words.trailing_zeros() as usize;
            let interrupting = !self.masked[index].load(Ordering::Relaxed);
            self.pending[index].fetch_and(!interrupting, Ordering::AcqRel);
            words &= words - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    #[test]
    fn everything_is_where_xen_has_it() {
        assert_eq!(offset_of!(Shared, pending), 2048);
        assert_eq!(offset_of!(Shared, date), 3072);
        assert_eq!(offset_of!(Processor, words), 8);
        assert_eq!(offset_of!(Processor, time), 32);
        assert_eq!((size_of::<Processor>(), size_of::<Shared>()), (64, 4096));
    }

    /// Has a port be pending, as Xen does; whether the processor is interrupted.
    fn send(shared: &Shared, processor: &Processor, port: u32) -> bool {
        let (index, bit) = ((port / 64) as usize, 1 << (port % 64));
        let before = shared.pending[index].fetch_or(bit, Ordering::SeqCst) & bit;
        let masked = shared.masked[index].load(Ordering::SeqCst) & bit;
        if before != 0 || masked != 0 {
            return false;
        }
        processor.words.fetch_or(1 << index, Ordering::SeqCst);
        processor.upcall.swap(1, Ordering::SeqCst) == 0
    }

    #[test]
    fn what_is_masked_interrupts_nobody_and_stays_pending() {
        let (shared, processor) = (Shared::new(), Processor::new());
        shared.mask_all();
        assert!(!send(shared, processor, 3) && !send(shared, processor, 77));
        shared.unmask(77);
        assert!(send(shared, processor, 77));
        assert!(!send(shared, processor, 77), "once is enough");
        shared.take_all(processor);
        assert!(send(shared, processor, 77), "taken, it can come again");
        assert_eq!(shared.pending[0].load(Ordering::SeqCst), 1 << 3);
        shared.forget(3);
        assert_eq!(shared.pending[0].load(Ordering::SeqCst), 0);
    }

    #[test]
    fn no_port_and_no_word_is_out_of_range() {
        let (shared, processor) = (Shared::new(), Processor::new());
        for port in [0, 4095, 4096, u32::MAX] {
            shared.unmask(port);
            shared.forget(port);
        }
        processor.words.store(u64::MAX, Ordering::SeqCst);
        for word in &shared.pending {
            word.store(u64::MAX, Ordering::SeqCst);
        }
        shared.take_all(processor);
        let pending = |word: &AtomicU64| word.load(Ordering::SeqCst) != 0;
        assert!(!shared.pending.iter().any(pending));
    }
}
