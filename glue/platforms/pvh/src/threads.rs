//! Threads: stackful, cooperative, on all processors.
//!
//! A thread runs until it waits, yields or ends; there are no ticks. It has one permit: see the group
//! `threads`. What is ready is in one queue that all processors take from, under one lock, which is held
//! from the decision to switch until the next one runs: nobody ever runs on a stack that is still in use.

mod deadlines;
mod scheduler;
mod thread;

use core::sync::atomic::Ordering;

use hypercall::{Errno, Upcall};

use crate::cpu::{self, Cpu};
use crate::{Platform, clock, interrupts};
use scheduler::SCHEDULER;
use thread::{EMPTY, PARKED, PERMIT};

pub(crate) use scheduler::idle;
pub(crate) use thread::Thread;

impl hypercall::Threads for Platform {
    fn current() -> u64 {
        core::ptr::from_ref(Cpu::this().current.get()).expose_provenance() as u64
    }

    fn park(deadline: u64) -> bool {
        let me = Cpu::this().current.get();
        if me.take_permit() {
            return true;
        }
        // What arrived may bring the permit.
        interrupts::take_all();
        if me.take_permit() {
            return true;
        }
        if deadline <= clock::now() {
            return false;
        }
        let mut scheduler = SCHEDULER.lock();
        let parks = me
            .state
            .compare_exchange(EMPTY, PARKED, Ordering::Acquire, Ordering::Relaxed);
        if parks.is_ok() {
            scheduler.wait(me, deadline);
            scheduler::leave(scheduler, me);
        }
        me.state.swap(EMPTY, Ordering::Acquire) == PERMIT
    }

    fn unpark(token: u64) {
        // SAFETY: the contract: a token is what `current` gave, the address of a thread; those are never
        // freed.
        let thread: &'static Thread =
            unsafe { &*core::ptr::with_exposed_provenance(token as usize) };
        if thread.state.swap(PERMIT, Ordering::AcqRel) == PARKED {
            SCHEDULER.lock().wake(thread);
        }
    }

    #[inline]
    fn cpu() -> u32 {
        match cpu::count() {
            1 => u32::MAX,
            _ => Cpu::this().index,
        }
    }

    fn relax() {
        let cpu = Cpu::this();
        if cpu.is_idle() {
            // An upcall that waits for a lock: its holder runs on another processor.
            core::hint::spin_loop();
            return;
        }
        interrupts::take_all();
        let me = cpu.current.get();
        let mut scheduler = SCHEDULER.lock();
        if scheduler.yields(me) {
            scheduler::leave(scheduler, me);
        }
    }

    fn spawn(run: Upcall) -> i64 {
        spawn(run)
    }
}

/// Starts a thread. Zero, or a negated error number.
pub(crate) fn spawn(run: Upcall) -> i64 {
    let unused = SCHEDULER.lock().unused();
    let Some(thread) = unused.or_else(Thread::new) else {
        return Errno::ENOMEM.to_answer();
    };
    let mut scheduler = SCHEDULER.lock();
    if !scheduler.reserve() {
        scheduler.forget(thread);
        return Errno::ENOMEM.to_answer();
    }
    thread.prepare(run, begin);
    scheduler.add(thread);
    0
}

/// Where a thread begins.
extern "C" fn begin() -> ! {
    // SAFETY: whoever switched here left the lock to us.
    unsafe { SCHEDULER.release() };
    let me = Cpu::this().current.get();
    if let Some(run) = me.run.take() {
        run.call();
    }
    let me = Cpu::this().current.get();
    let mut scheduler = SCHEDULER.lock();
    // Not used again before somebody else runs and releases the lock.
    scheduler.forget(me);
    scheduler::leave(scheduler, me);
    unreachable!("a thread that ended runs");
}
