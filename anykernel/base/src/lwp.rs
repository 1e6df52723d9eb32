//! A thread of the host inside a kernel.

use alloc::sync::Arc;
use core::cell::Cell;
use core::marker::PhantomData;

use crate::contain::contain;
use crate::{Errno, Instance, Process};

/// The proof of being inside: who acts, and in which instance. Whatever can lock, wait or check
/// rights takes it.
///
/// It stays on the thread that entered.
pub struct Lwp<'a> {
    process: &'a Arc<Process>,
    /// The thread was unwinding when it entered: its destructors close files.
    was_panicking: bool,
    /// Which of several parts it uses; chosen when it first comes to some.
    part: Cell<Option<u32>>,
    not_send: PhantomData<*const ()>,
}

impl<'a> Lwp<'a> {
    pub(crate) fn new(process: &'a Arc<Process>) -> Self {
        Lwp {
            process,
            was_panicking: hypercall::fault::panicking(),
            part: Cell::new(None),
            not_send: PhantomData,
        }
    }

    /// The instance.
    #[inline]
    pub fn instance(&self) -> &'a Arc<Instance> {
        self.process.instance()
    }

    /// The process on whose behalf the lwp acts.
    #[inline]
    pub fn process(&self) -> &'a Arc<Process> {
        self.process
    }

    /// Nanoseconds of the monotonic clock.
    #[inline]
    pub fn now(&self) -> u64 {
        hypercall::clock::monotonic()
    }

    /// The state a component published, found by its type; `ENOSYS` if no selected component has
    /// such a state. Not for hot paths: objects keep what they need.
    pub fn state<T: core::any::Any + Send + Sync>(&self) -> Result<Arc<T>, Errno> {
        self.instance().state().ok_or(Errno::ENOSYS)
    }

    /// Which of several parts it uses.
    #[inline]
    pub(crate) fn part(&self) -> u32 {
        match self.part.get() {
            Some(part) => part,
            None => {
                let part = crate::sync::here();
                self.part.set(Some(part));
                part
            }
        }
    }

    /// Leaves a dead instance.
    #[cold]
    pub(crate) fn die(&self) {
        // Destructors that run while the thread leaves must not start to leave again.
        if !self.is_panicking() {
            hypercall::fault::raise();
        }
    }

    /// Marks the instance dead if this thread is on its way out of a panic.
    #[inline]
    pub(crate) fn mark_if_panicking(&self) {
        if self.is_panicking() {
            self.instance().kill();
        }
    }

    /// Whether a panic began inside the kernel.
    #[inline]
    fn is_panicking(&self) -> bool {
        hypercall::fault::panicking() && !self.was_panicking
    }
}

/// Runs `f` inside the kernel, on behalf of `process`. `EIO` if the instance is dead, or dies of it.
#[inline]
pub fn enter<R>(
    process: &Arc<Process>,
    f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let instance = process.instance();
    instance.vcpu.acquire();
    let result = if instance.is_dead() {
        Err(Errno::EIO)
    } else {
        contain(instance, || f(&Lwp::new(process)))
    };
    instance.vcpu.release();
    result
}
