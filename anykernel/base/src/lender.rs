//! An lwp for code that is called from inside the kernel and calls back into it, but hands nothing through: an upstream
//! crate that reads a disk by a trait of its own.
#![allow(unsafe_code)]

use crate::sync::Leaf;
use crate::{Errno, Lwp, host};

/// Lends an lwp to what is called meanwhile on the same thread.
pub struct Lender(Leaf<Option<Lent>>);

#[derive(Clone, Copy)]
struct Lent {
    thread: u64,
    /// The address of the lwp, in a frame of that thread that is still there.
    lwp: usize,
}

impl Default for Lender {
    fn default() -> Self {
        Self::new()
    }
}

impl Lender {
    /// One that lends nothing yet.
    pub fn new() -> Self {
        Lender(Leaf::new(None))
    }

    /// Runs `f`, in which [`with`](Self::with) gives `lwp`. One at a time: who lends meanwhile, takes it away.
    pub fn lend<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce() -> R) -> R {
        /// Also when `f` panics.
        struct Back<'a>(&'a Lender);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.0.with(|lent| *lent = None);
            }
        }
        let lent = Lent {
            thread: host::token(),
            lwp: core::ptr::from_ref(lwp) as usize,
        };
        self.0.with(|place| *place = Some(lent));
        let _back = Back(self);
        f()
    }

    /// Runs `f` with what this thread was lent. `EIO` if that is nothing.
    pub fn with<R>(&self, f: impl FnOnce(&Lwp<'_>) -> R) -> Result<R, Errno> {
        let thread = host::token();
        let lent = self.0.with(|lent| *lent);
        let lent = lent
            .filter(|lent| lent.thread == thread)
            .ok_or(Errno::EIO)?;
        // SAFETY: `lend` of this thread put it there and has not returned, for it takes it away before it does; so the
        // lwp it borrows is alive, and on this thread. Where there are no threads, a kernel stays on the one it booted on.
        let lwp = unsafe { &*(lent.lwp as *const Lwp<'_>) };
        Ok(f(lwp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::inside;

    #[test]
    fn an_lwp_is_lent_for_a_call_and_not_longer() {
        inside(|lwp| {
            let lender = Lender::new();
            assert_eq!(lender.with(|_| ()), Err(Errno::EIO));
            let same = |other: &Lwp<'_>| core::ptr::eq(core::ptr::from_ref(lwp).cast(), other);
            assert_eq!(lender.lend(lwp, || lender.with(same)), Ok(true));
            assert_eq!(lender.with(|_| ()), Err(Errno::EIO));
        });
    }
}
