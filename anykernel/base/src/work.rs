//! Deferred work: what has to be done soon, by whoever can, and nobody waits for.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};

use crate::atomic::{AtomicBool, Ordering};
use crate::spin::Spin;
use crate::upcall::Called;
use crate::{Instance, Lwp};

/// How many pieces of work one call from the host does before it asks for another.
const BUDGET: usize = 256;

/// A piece of deferred work. Queued at most once at a time.
pub struct Work {
    instance: Weak<Instance>,
    action: Box<dyn Fn(&Lwp<'_>) + Send + Sync>,
    queued: AtomicBool,
}

impl Work {
    /// A piece of work of an instance. `action` never waits; it holds its object weakly.
    pub fn new(
        instance: &Arc<Instance>,
        action: impl Fn(&Lwp<'_>) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Work {
            instance: Arc::downgrade(instance),
            action: Box::new(action),
            queued: AtomicBool::new(false),
        })
    }

    /// Has it done soon. From any context: inside the kernel, under a lock, or in an upcall.
    pub fn schedule(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(instance) = self.instance.upgrade() {
            instance
                .agenda
                .with(|agenda| agenda.queue.push_back(self.clone()));
            instance.ask(0);
        }
    }
}

impl Called for Work {
    fn called(self: &Arc<Self>) {
        self.schedule();
    }
}

/// What an instance has to do, and what it asked its host for. Upcalls get here without the virtual
/// processor, so this is shared between threads in every build.
pub(crate) struct Agenda {
    queue: VecDeque<Arc<Work>>,
    /// The earliest time asked for since the host's last call.
    asked: u64,
    /// The platform's handle; none until attached and after detaching.
    pub(crate) handle: Option<u64>,
}

impl Agenda {
    pub(crate) fn new() -> Spin<Self> {
        Spin::new(Agenda {
            queue: VecDeque::new(),
            asked: u64::MAX,
            handle: None,
        })
    }

    pub(crate) fn clear(&mut self) -> VecDeque<Arc<Work>> {
        core::mem::take(&mut self.queue)
    }
}

impl Instance {
    /// Asks the host to call at `deadline`, unless it was asked for an earlier time already.
    pub(crate) fn ask(&self, deadline: u64) {
        let handle = self.agenda.with(|agenda| {
            if deadline < agenda.asked {
                agenda.asked = deadline;
                agenda.handle
            } else {
                None
            }
        });
        if let Some(handle) = handle {
            hypercall::work::request(handle, deadline);
        }
    }

    /// Does all that is due, within a budget.
    pub(crate) fn run_due(&self, lwp: &Lwp<'_>) {
        self.agenda.with(|agenda| agenda.asked = u64::MAX);
        for _ in 0..BUDGET {
            let work = self.agenda.with(|agenda| agenda.queue.pop_front());
            let worked = match work {
                Some(work) => {
                    // Before it runs: whoever schedules it from now on may have news for it.
                    work.queued.store(false, Ordering::Release);
                    (work.action)(lwp);
                    true
                }
                None => false,
            };
            if !self.run_callout(lwp) && !worked {
                break;
            }
        }
    }

    /// When there is something to do next.
    pub(crate) fn next_due(&self) -> u64 {
        if self.agenda.with(|agenda| !agenda.queue.is_empty()) {
            0
        } else {
            self.callouts.next()
        }
    }
}
