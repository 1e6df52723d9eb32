//! Writing back by time: what differs from its medium goes there after a while, though nobody asks.
//!
//! A mount has a timer, which is set when something begins to differ and runs no more once all is written: whoever has
//! nothing to write is not woken.

use alloc::sync::{Arc, Weak};

use base::{Callout, Errno, Lwp, background};

use crate::{Mount, Storage};

/// How long something may differ from its medium, in nanoseconds: Linux's `dirty_expire_centisecs`.
const AGE: u64 = 30_000_000_000;

/// When to try again, where nobody could be found to write: Linux's `dirty_writeback_centisecs`.
const AGAIN: u64 = 5_000_000_000;

/// The timer of a mount.
pub(crate) fn timer(mount: &Weak<Mount>) -> Arc<Callout> {
    let mount = mount.clone();
    Callout::new(move |lwp| {
        if let Some(mount) = mount.upgrade() {
            mount.expire(lwp);
        }
    })
}

impl Mount {
    /// Something of it differs from its medium, or is about to.
    pub(crate) fn differs(&self, lwp: &Lwp<'_>) {
        if self.properties().storage == Storage::Medium && self.differing.get() == 0 {
            self.differing.set(1);
            self.timer.set(lwp, lwp.now() + AGE);
        }
    }

    /// All is about to be written.
    pub(crate) fn settle(&self, lwp: &Lwp<'_>) {
        self.differing.set(0);
        self.timer.cancel(lwp);
    }

    fn expire(self: &Arc<Self>, lwp: &Lwp<'_>) {
        let mount = Arc::downgrade(self);
        let begun = background(lwp, move |lwp| {
            if let Some(mount) = mount.upgrade() {
                // Whoever synchronises hears of it, and the timer is set again.
                let _ = mount.undisturbed(lwp, || match mount.is_over() {
                    true => Ok(()),
                    false => mount.sync(lwp),
                });
            }
        });
        if begun.is_err() {
            self.timer.set(lwp, lwp.now() + AGAIN);
        }
    }

    /// Runs `f` while nobody writes back in the background, or unmounts.
    pub(crate) fn undisturbed<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce() -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.background.with(lwp, |()| f())?
    }
}
