//! Locks of whole files, as `flock` has them: of an open file description, and for who asks.

use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Blocking, Errno, Events, Lwp, Readiness, Wait, Wakes, block};

/// How a file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// With others who only look.
    Shared,
    /// Alone.
    Alone,
}

/// Who has a file locked, by what tells open file descriptions apart.
pub(crate) struct Locks {
    holders: Leaf<Vec<(usize, Hold)>>,
    readiness: Readiness,
}

impl Locks {
    pub(crate) fn new() -> Self {
        Locks {
            holders: Leaf::new(Vec::new()),
            readiness: Readiness::new(Events::NONE),
        }
    }

    /// Locks it, waiting unless told otherwise (`EAGAIN`); whoever had it otherwise before has let go first, as on Linux.
    pub(crate) fn lock(
        &self,
        lwp: &Lwp<'_>,
        who: usize,
        hold: Hold,
        nonblock: bool,
    ) -> Result<(), Errno> {
        let has = |holders: &[(usize, Hold)]| holders.contains(&(who, hold));
        if self.holders.with(|holders| has(holders)) {
            return Ok(());
        }
        self.unlock(lwp, who);
        block(lwp, &self.readiness, Blocking::new(nonblock), || {
            self.holders.with(|holders| {
                let alone = hold == Hold::Alone && !holders.is_empty();
                if alone || holders.iter().any(|(_, other)| *other == Hold::Alone) {
                    return Err(Wait::For(Events::IN));
                }
                holders.push((who, hold));
                Ok(())
            })
        })
    }

    /// Lets go, if it is held.
    pub(crate) fn unlock(&self, lwp: &Lwp<'_>, who: usize) {
        Wakes::deliver_after(lwp, |wakes| {
            self.holders.with(|holders| {
                let before = holders.len();
                holders.retain(|(holder, _)| *holder != who);
                if holders.len() < before {
                    self.readiness.update(Events::NONE, Events::IN, wakes);
                }
            });
        });
    }
}
