//! Callouts: functions to be called at a time, by whoever does the kernel's deferred work.
//!
//! Tickless: a kernel without a callout set asks its host for nothing.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::sync::{Leaf, Word};
use crate::wheel::Wheel;
use crate::{Instance, Lwp};

/// A tick is 2^20 ns, a little more than a millisecond.
const TICK_SHIFT: u32 = 20;
const IDLE: u32 = u32::MAX;

/// When a tick begins, in nanoseconds. The last one never does.
fn start_of(tick: u64) -> u64 {
    tick.saturating_mul(1 << TICK_SHIFT)
}

/// A function and, while it is set, a time to call it at.
pub struct Callout {
    action: Box<dyn Fn(&Lwp<'_>) + Send + Sync>,
    /// The key in the wheel; changes under the wheel's lock.
    key: Word,
}

impl Callout {
    /// A callout, not set. `action` never waits; it holds its object weakly.
    pub fn new(action: impl Fn(&Lwp<'_>) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Callout {
            action: Box::new(action),
            key: Word::new(IDLE),
        })
    }

    /// Calls it at `at` (nanoseconds of the monotonic clock) or up to a tick later, never before,
    /// instead of when it was set to be called.
    pub fn set(self: &Arc<Self>, lwp: &Lwp<'_>, at: u64) {
        let instance = lwp.instance();
        let tick = at.div_ceil(1 << TICK_SHIFT);
        instance.callouts.wheel.with(|wheel| {
            self.unset(wheel);
            self.key.set(wheel.insert(self.clone(), tick));
        });
        instance.ask(start_of(tick));
    }

    /// Calls it no more until it is set again. A call under way goes on.
    pub fn cancel(&self, lwp: &Lwp<'_>) {
        lwp.instance()
            .callouts
            .wheel
            .with(|wheel| self.unset(wheel));
    }

    fn unset(&self, wheel: &mut Wheel<Arc<Callout>>) {
        if self.key.get() != IDLE {
            wheel.remove(self.key.get());
            self.key.set(IDLE);
        }
    }
}

/// The callouts of an instance.
pub(crate) struct Callouts {
    wheel: Leaf<Wheel<Arc<Callout>>>,
}

impl Callouts {
    pub(crate) fn new(now: u64) -> Self {
        Callouts {
            wheel: Leaf::new(Wheel::new(now >> TICK_SHIFT)),
        }
    }

    /// The next time to call anything.
    pub(crate) fn next(&self) -> u64 {
        self.wheel
            .with(|wheel| wheel.next())
            .map_or(u64::MAX, start_of)
    }

    /// Forgets all callouts.
    pub(crate) fn clear(&self) {
        let all = self.wheel.with(|wheel| {
            let all = wheel.clear();
            for callout in &all {
                // Whoever is still inside may set or cancel it.
                callout.key.set(IDLE);
            }
            all
        });
        drop(all);
    }
}

impl Instance {
    /// Calls one callout that is due; whether there was one.
    pub(crate) fn run_callout(&self, lwp: &Lwp<'_>) -> bool {
        let now = lwp.now() >> TICK_SHIFT;
        let due = self.callouts.wheel.with(|wheel| {
            let callout = wheel.expire(now)?;
            callout.key.set(IDLE);
            Some(callout)
        });
        match due {
            Some(callout) => {
                (callout.action)(lwp);
                true
            }
            None => false,
        }
    }
}
