//! Whom to wake, once no lock is held any more.
//!
//! Waking a thread that then runs into the waker's lock costs more than anything else between two
//! threads; so news are collected under the lock and delivered after it.

use alloc::vec::Vec;

use crate::Lwp;

const INLINE: usize = 4;

/// Threads to wake. Comes with a lock's guard, which delivers after releasing.
pub struct Wakes {
    count: usize,
    first: [u64; INLINE],
    more: Vec<u64>,
}

impl Wakes {
    #[inline]
    pub(crate) fn new() -> Self {
        Wakes {
            count: 0,
            first: [0; INLINE],
            more: Vec::new(),
        }
    }

    /// Runs `f`, which has news but needs no lock, and delivers. The caller holds no lock.
    #[inline]
    pub fn deliver_after<R>(_lwp: &Lwp<'_>, f: impl FnOnce(&mut Wakes) -> R) -> R {
        let mut wakes = Wakes::new();
        let result = f(&mut wakes);
        wakes.deliver();
        result
    }

    #[inline]
    pub(crate) fn add(&mut self, token: u64) {
        if let Some(place) = self.first.get_mut(self.count) {
            *place = token;
            self.count += 1;
        } else {
            self.more.push(token);
        }
    }

    #[inline]
    pub(crate) fn deliver(&mut self) {
        // Most often there is nobody.
        if self.count > 0 {
            self.deliver_all();
        }
    }

    fn deliver_all(&mut self) {
        for token in &self.first[..self.count] {
            crate::host::unpark(*token);
        }
        self.count = 0;
        for token in self.more.drain(..) {
            crate::host::unpark(token);
        }
    }
}
