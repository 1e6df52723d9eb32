//! Those who look at block units that come and go, such as for what they are divided into.
//!
//! Whoever looks is a piece of deferred work and may take its time. Whoever wants a unit by its name waits until all
//! have looked at what there is: so names are there once they can be, and it is no matter of luck.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Blocking, Errno, Events, Lwp, Readiness, Wait, Wakes, Work, block};

/// Somebody who looks at block units.
pub struct Watch {
    work: Arc<Work>,
    watches: Weak<Watches>,
    /// The last change that it has seen. It is changed by `Watches` only.
    seen: Leaf<u64>,
}

/// A look at all units, from its beginning to its end.
#[derive(Clone, Copy)]
pub struct Look(u64);

impl Watch {
    /// Begins a look: what changes from now on is for the next.
    pub fn look(&self) -> Look {
        Look(
            self.watches
                .upgrade()
                .map_or(0, |all| all.state.with(|state| state.changes)),
        )
    }

    /// Ends a look. Whatever was to be made of the units is made.
    pub fn looked(&self, lwp: &Lwp<'_>, look: Look) {
        let Some(watches) = self.watches.upgrade() else {
            return;
        };
        self.seen.with(|seen| *seen = look.0.max(*seen));
        Wakes::deliver_after(lwp, |wakes| {
            watches.readiness.update(Events::IN, Events::IN, wakes);
        });
    }
}

/// All who look.
pub(crate) struct Watches {
    state: Leaf<State>,
    readiness: Readiness,
}

struct State {
    /// Counts units that came or went.
    changes: u64,
    all: Vec<Arc<Watch>>,
}

impl Watches {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Watches {
            state: Leaf::new(State {
                changes: 1,
                all: Vec::new(),
            }),
            readiness: Readiness::new(Events::NONE),
        })
    }

    pub(crate) fn add(self: &Arc<Self>, work: &Arc<Work>) -> Arc<Watch> {
        let watch = Arc::new(Watch {
            work: work.clone(),
            watches: Arc::downgrade(self),
            seen: Leaf::new(0),
        });
        self.state.with(|state| state.all.push(watch.clone()));
        work.schedule();
        watch
    }

    /// A unit came or went.
    pub(crate) fn changed(&self) {
        let all = self.state.with(|state| {
            state.changes += 1;
            state.all.clone()
        });
        for watch in all {
            watch.work.schedule();
        }
    }

    /// Waits until all have looked at what there is.
    pub(crate) fn settle(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        block(lwp, &self.readiness, Blocking::new(false), || {
            let settled = self.state.with(|state| {
                let mut all = state.all.iter();
                all.all(|watch| watch.seen.with(|seen| *seen >= state.changes))
            });
            match settled {
                true => Ok(()),
                false => Err(Wait::For(Events::IN)),
            }
        })
    }

    /// Gives up who looks. Nobody waits for them from now on.
    pub(crate) fn clear(&self) -> Vec<Arc<Watch>> {
        self.state.with(|state| core::mem::take(&mut state.all))
    }
}
