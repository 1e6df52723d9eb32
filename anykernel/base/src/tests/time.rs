//! Callouts and deferred work.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::{Counter, MS, kernel};
use crate::sync::Leaf;
use crate::*;

type Times = Arc<Leaf<Vec<(u32, u64)>>>;

fn noting(times: &Times, name: u32) -> Arc<Callout> {
    let times = times.clone();
    Callout::new(move |lwp| times.with(|times| times.push((name, lwp.now()))))
}

fn taken(times: &Times) -> Vec<(u32, u64)> {
    times.with(core::mem::take)
}

#[test]
fn callouts_come_in_order_never_early_and_a_tick_late_at_most() {
    let kernel = kernel();
    let times = Times::new(Leaf::new(Vec::new()));
    let start = sim::now();
    let spans = [5 * MS, 1, 700 * MS, 64 * MS, 100_000 * MS, 8 * MS];
    let callouts: Vec<_> = (0..).map(|name| noting(&times, name)).take(6).collect();
    enter(kernel.process(), |lwp| {
        for (callout, span) in callouts.iter().zip(spans) {
            callout.set(lwp, start + span);
        }
        Ok(())
    })
    .unwrap();
    assert!(sim::run_until_idle(200_000 * MS));
    let seen = taken(&times);
    let names: Vec<u32> = seen.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [1, 0, 5, 3, 2, 4]);
    for (name, at) in seen {
        let late = at - (start + spans[name as usize]);
        assert!(late < 1 << 20, "{name} is {late} ns late");
    }
}

#[test]
fn a_callout_set_again_moves_and_one_cancelled_does_not_come() {
    let kernel = kernel();
    let times = Times::new(Leaf::new(Vec::new()));
    let (moved, cancelled) = (noting(&times, 1), noting(&times, 2));
    let start = sim::now();
    enter(kernel.process(), |lwp| {
        moved.set(lwp, start + 10 * MS);
        cancelled.set(lwp, start + 20 * MS);
        moved.set(lwp, start + 30 * MS);
        cancelled.cancel(lwp);
        cancelled.cancel(lwp);
        Ok(())
    })
    .unwrap();
    sim::advance(29 * MS);
    assert_eq!(taken(&times), []);
    sim::advance(3 * MS);
    assert_eq!(taken(&times).len(), 1);
    // A time that has passed is now; the end of time is never.
    enter(kernel.process(), |lwp| {
        moved.set(lwp, 0);
        cancelled.set(lwp, u64::MAX);
        Ok(())
    })
    .unwrap();
    let before = sim::now();
    assert!(sim::run_until_idle(u64::MAX));
    assert_eq!(taken(&times), [(1, before)]);
}

#[test]
fn a_callout_may_set_and_cancel_itself_and_others() {
    let kernel = kernel();
    let count = Counter::default();
    let counting = count.clone();
    let periodic = Arc::new_cyclic(|me: &alloc::sync::Weak<Leaf<Option<Arc<Callout>>>>| {
        let me = me.clone();
        Leaf::new(Some(Callout::new(move |lwp| {
            counting.add();
            let Some(callout) = me.upgrade().and_then(|me| me.with(|c| c.clone())) else {
                return;
            };
            callout.set(lwp, lwp.now() + MS);
            if counting.get() == 100 {
                callout.cancel(lwp);
            }
        })))
    });
    let first = periodic.with(|callout| callout.clone()).unwrap();
    enter(kernel.process(), |lwp| {
        first.set(lwp, lwp.now());
        Ok(())
    })
    .unwrap();
    assert!(sim::run_until_idle(1000 * MS));
    assert_eq!(count.get(), 100);
}

#[test]
fn an_idle_kernel_asks_for_nothing() {
    let kernel = kernel();
    assert!(sim::run_until_idle(0));
    assert_eq!(kernel.poll(), None);
    let callout = Callout::new(|_| ());
    enter(kernel.process(), |lwp| {
        callout.set(lwp, lwp.now() + 10 * MS);
        callout.cancel(lwp);
        Ok(())
    })
    .unwrap();
    let start = sim::now();
    assert!(sim::run_until_idle(1000 * MS));
    // It looked once, in vain.
    assert!(sim::now() <= start + 12 * MS);
    assert_eq!(kernel.poll(), None);
}

#[test]
fn poll_does_what_is_due_and_says_when_the_next_is() {
    let kernel = kernel();
    let times = Times::new(Leaf::new(Vec::new()));
    let (early, late) = (noting(&times, 1), noting(&times, 2));
    let start = sim::now();
    enter(kernel.process(), |lwp| {
        early.set(lwp, start);
        late.set(lwp, start + 500 * MS);
        Ok(())
    })
    .unwrap();
    let begun = (start.div_ceil(1 << 20)) << 20;
    assert_eq!(kernel.poll(), Some(begun));
    sim::advance(begun - start);
    let next = kernel.poll().unwrap();
    assert!((start + 500 * MS..start + 502 * MS).contains(&next));
    assert_eq!(taken(&times).len(), 1);
}

#[test]
fn work_is_done_once_for_any_number_of_requests() {
    let kernel = kernel();
    let count = Counter::default();
    let counting = count.clone();
    let work = Work::new(kernel.instance(), move |_| counting.add());
    let (arrived, guard) = upcall(&work);
    work.schedule();
    arrived.call();
    enter(kernel.process(), |_| {
        work.schedule();
        Ok(())
    })
    .unwrap();
    assert_eq!(count.get(), 0);
    let start = sim::now();
    assert!(sim::run_until_idle(0));
    assert_eq!((count.get(), sim::now()), (1, start));
    arrived.call();
    assert_eq!(kernel.poll(), None);
    assert_eq!(count.get(), 2);
    drop(guard);
}

#[test]
fn work_that_schedules_itself_does_not_keep_others_from_being_done() {
    let kernel = kernel();
    let (rounds, done) = (Counter::default(), Counter::default());
    let (counting, instance) = (rounds.clone(), kernel.instance().clone());
    let me: Arc<Leaf<Option<Arc<Work>>>> = Arc::new(Leaf::new(None));
    let again = me.clone();
    let work = Work::new(&instance, move |_| {
        counting.add();
        if counting.get() < 1000
            && let Some(work) = again.with(|work| work.clone())
        {
            work.schedule();
        }
    });
    me.with(|place| *place = Some(work.clone()));
    let (counting, started) = (done.clone(), rounds.clone());
    let at = Arc::new(AtomicU32::new(0));
    let noted = at.clone();
    let other = Callout::new(move |_| {
        counting.add();
        noted.store(started.get(), Relaxed);
    });
    enter(kernel.process(), |lwp| {
        other.set(lwp, 0);
        work.schedule();
        Ok(())
    })
    .unwrap();
    assert!(sim::run_until_idle(0));
    assert_eq!((rounds.get(), done.get()), (1000, 1));
    assert_eq!(at.load(Relaxed), 1);
    me.with(Option::take);
}
