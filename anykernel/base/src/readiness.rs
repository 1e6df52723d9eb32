//! How a file says that there is news, and how lwps and sets of files hear of it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::patience::Patience;
use crate::sync::{Leaf, Word};
use crate::{Blocking, Errno, Events, Lwp, Wakes, Work, host};

/// Somebody who hears of a file's news at once, under its leaf lock: a poll or epoll set, or work of the kernel's
/// own.
pub(crate) trait Observer: Send + Sync {
    fn notify(self: Arc<Self>, news: Events, wakes: &mut Wakes);
}

struct State {
    level: Events,
    /// Counts news.
    generation: u32,
    waiters: Vec<(u64, Events)>,
    observers: Vec<Arc<dyn Observer>>,
    patience: Patience,
}

impl Observer for Work {
    fn notify(self: Arc<Self>, _news: Events, _wakes: &mut Wakes) {
        self.schedule();
    }
}

/// What a file is ready for, and who waits for it to change.
///
/// Level and news are told apart: the level is what there is, news is what just came. Waiters and
/// edge-triggered sets wake for news.
pub struct Readiness {
    /// The state's generation, to be looked at without the lock.
    generation: Word,
    /// How many observers there are, to be looked at likewise.
    observers: Word,
    state: Leaf<State>,
}

impl Readiness {
    /// A readiness that begins with this level.
    pub fn new(level: Events) -> Self {
        Readiness {
            generation: Word::new(0),
            observers: Word::new(0),
            state: Leaf::new(State {
                level,
                generation: 0,
                waiters: Vec::new(),
                observers: Vec::new(),
                patience: Patience::new(),
            }),
        }
    }

    /// What the file is ready for.
    pub fn level(&self) -> Events {
        self.state.with(|state| state.level)
    }

    /// Says what the file is ready for, and what of that is new although it was so before: more data
    /// where there was some. To be called under the lock the
    /// level was read under, so that levels are set in order; who waits is woken when that is released.
    pub fn update(&self, level: Events, news: Events, wakes: &mut Wakes) {
        self.state.with(|state| {
            let news = news | (level & !state.level);
            state.level = level;
            if news.is_empty() {
                return;
            }
            state.generation = state.generation.wrapping_add(1);
            self.generation.set(state.generation);
            if !state.waiters.is_empty() {
                state.patience.woken();
                state.waiters.retain(|(token, interest)| {
                    let wanted = news.intersects(*interest | Events::ALWAYS);
                    if wanted {
                        wakes.add(*token);
                    }
                    !wanted
                });
            }
            for observer in &state.observers {
                observer.clone().notify(news, wakes);
            }
        });
    }

    /// Adds an observer, which hears of all news after the level this returns.
    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) -> Events {
        self.state.with(|state| {
            state.observers.push(observer);
            self.observers.set(state.observers.len() as u32);
            state.level
        })
    }

    /// Removes an observer.
    pub(crate) fn unobserve(&self, observer: &Arc<dyn Observer>) {
        self.state.with(|state| {
            state
                .observers
                .retain(|other| !core::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(observer)));
            self.observers.set(state.observers.len() as u32);
        });
    }

    /// Has work of the kernel's own done after any news from now on, and once for what there is. So a component uses
    /// a socket without waiting for it.
    pub fn schedule(&self, work: &Arc<Work>) {
        self.observe(work.clone());
        work.schedule();
    }

    /// How many observers there are.
    #[cfg(test)]
    pub(crate) fn observers(&self) -> usize {
        self.observers.get() as usize
    }

    /// Whether anybody watches it beside those who wait in a call of its own: a poll or epoll set.
    #[inline]
    pub fn is_observed(&self) -> bool {
        self.observers.get() != 0
    }

    /// A number that differs after any news.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.generation.get()
    }

    /// Waits for news since `seen`, as long as `how` says: `ETIMEDOUT` then, `EINTR` if the process was
    /// interrupted and that counts, `EIO` if the instance died. No lock is held.
    pub(crate) fn wait(
        &self,
        lwp: &Lwp<'_>,
        interest: Events,
        seen: u32,
        how: Blocking,
    ) -> Result<(), Errno> {
        let deadline = how.deadline;
        let budget = self.state.with(|state| state.patience.budget());
        if budget > 0 {
            let early = crate::patience::spin(budget, || self.generation.get() != seen);
            self.state.with(|state| state.patience.spun(early));
            if early {
                return Ok(());
            }
        }
        let token = host::token();
        let registered = self.state.with(|state| {
            let unchanged = state.generation == seen;
            if unchanged {
                state.waiters.push((token, interest));
            }
            unchanged
        });
        if !registered {
            return Ok(());
        }
        let _sleeper = lwp.instance().sleepers.enter(lwp.process().pid(), token);
        let result = loop {
            if lwp.instance().is_dead() {
                break Err(Errno::EIO);
            }
            if self.generation.get() != seen {
                break Ok(());
            }
            if how.interruptible && lwp.process().is_interrupted() {
                break Err(Errno::EINTR);
            }
            if deadline != u64::MAX && lwp.now() >= deadline {
                break Err(Errno::ETIMEDOUT);
            }
            lwp.instance().vcpu.release();
            host::park(deadline);
            lwp.instance().vcpu.acquire();
        };
        self.state
            .with(|state| state.waiters.retain(|(other, _)| *other != token));
        result
    }
}
