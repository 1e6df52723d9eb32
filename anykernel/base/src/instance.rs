//! An instance: one kernel, of which any number live in a process and share nothing.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use crate::atomic::{AtomicU32, Ordering};
use crate::callout::Callouts;
use crate::handle::Handles;
use crate::log::Log;
use crate::spin::Spin;
use crate::sync::{Leaf, Mutex};
use crate::upcall::Bound;
use crate::vcpu::Vcpu;
use crate::work::Agenda;
use crate::{Level, Memory, Params, Process, host};

const ALIVE: u32 = 0;
const DOWN: u32 = 1;
const DEAD: u32 = 2;

/// One kernel's own.
pub struct Instance {
    name: &'static str,
    life: AtomicU32,
    pub(crate) vcpu: Vcpu,
    pub(crate) states: Leaf<Vec<Arc<dyn Any + Send + Sync>>>,
    /// Hosts make processes without being inside, so this is shared between threads in every build.
    pub(crate) processes: Spin<Processes>,
    pub(crate) callouts: Callouts,
    pub(crate) agenda: Spin<Agenda>,
    pub(crate) sleepers: Sleepers,
    pub(crate) handles: Handles,
    pub(crate) log: Log,
    memory: Arc<Memory>,
    pub(crate) params: Params,
    /// Held while one epoll set is put into another, so that no two together close a circle.
    pub(crate) nesting: Mutex<()>,
}

/// The processes of an instance, and the number of the next.
pub(crate) struct Processes {
    pub(crate) next: i32,
    pub(crate) all: Vec<Bound<Weak<Process>>>,
}

/// What an instance may take of memory that has an end: what is fixed by the configuration, and what the
/// application has, are not counted, and need the rest.
fn share(total: usize) -> usize {
    match total {
        usize::MAX => total,
        _ => total / 4 * 3,
    }
}

impl Instance {
    pub(crate) fn new(name: &'static str, params: Params) -> Arc<Self> {
        let limit = match params.number("memory-limit") {
            None | Some(0) => share(hypercall::memory::total()),
            Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        let shown = match params.text("log-level") {
            Some("error") => Level::Error,
            Some("info") => Level::Info,
            Some("debug") => Level::Debug,
            _ => Level::Warning,
        };
        Arc::new(Instance {
            name,
            life: AtomicU32::new(ALIVE),
            vcpu: Vcpu::new(),
            states: Leaf::new(Vec::new()),
            processes: Spin::new(Processes {
                next: 0,
                all: Vec::new(),
            }),
            callouts: Callouts::new(hypercall::clock::monotonic()),
            agenda: Agenda::new(),
            sleepers: Sleepers(Spin::new(Vec::new())),
            handles: Handles::new(),
            log: Log::new(shown),
            memory: Memory::new(limit),
            params,
            nesting: Mutex::new(()),
        })
    }

    /// The configuration's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The memory account.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// The values of the parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Whether nobody can enter any more: it was shut down, or it died.
    #[inline]
    pub fn is_dead(&self) -> bool {
        self.life.load(Ordering::Relaxed) != ALIVE
    }

    /// Whether it died of a panic.
    pub fn is_killed(&self) -> bool {
        self.life.load(Ordering::Relaxed) == DEAD
    }

    /// Ends the instance where it stands: whoever is inside leaves with `EIO` at the next lock or
    /// wait.
    #[cold]
    pub(crate) fn kill(&self) {
        self.end(DEAD);
    }

    /// Lets nobody in any more. Whoever is still inside leaves likewise.
    pub(crate) fn close(&self) {
        self.end(DOWN);
    }

    /// The first end is the one that counts. Relaxed is enough for those who look: a sleeper looks
    /// after it entered the list of sleepers, and so either is in the list here or sees the mark;
    /// who waits for a lock looks when it has it, after whoever left the mark released it.
    fn end(&self, how: u32) {
        let first = self
            .life
            .compare_exchange(ALIVE, how, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() {
            self.sleepers.wake(|_| true);
        }
    }

    /// The state of type `T` that a component published.
    pub(crate) fn state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.states.with(|states| {
            states
                .iter()
                .find_map(|state| state.clone().downcast::<T>().ok())
        })
    }
}

/// The threads that wait inside an instance, each with the process it acts for. Shared between
/// threads in every build, since an instance is killed from outside too.
pub(crate) struct Sleepers(Spin<Vec<(i32, u64)>>);

impl Sleepers {
    /// Enters a thread, until the result drops.
    pub(crate) fn enter(&self, pid: i32, token: u64) -> Sleeper<'_> {
        self.0.with(|all| all.push((pid, token)));
        Sleeper {
            sleepers: self,
            entry: (pid, token),
        }
    }

    /// Whether any thread waits.
    #[cfg(not(feature = "threads"))]
    pub(crate) fn any(&self) -> bool {
        self.0.with(|all| !all.is_empty())
    }

    /// Wakes the threads of the processes that `which` picks.
    pub(crate) fn wake(&self, which: impl Fn(i32) -> bool) {
        let tokens: Vec<u64> = self.0.with(|all| {
            let picked = all.iter().filter(|(pid, _)| which(*pid));
            picked.map(|(_, token)| *token).collect()
        });
        for token in tokens {
            host::unpark(token);
        }
    }
}

/// A thread that waits.
pub(crate) struct Sleeper<'a> {
    sleepers: &'a Sleepers,
    entry: (i32, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.sleepers.0.with(|all| {
            if let Some(at) = all.iter().position(|entry| *entry == self.entry) {
                all.swap_remove(at);
            }
        });
    }
}
