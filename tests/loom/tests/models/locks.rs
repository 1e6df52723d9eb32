//! Mutexes and leaf locks exclude, and their waiters get them.

use std::sync::Arc;

use base::enter;
use base::sync::{Leaf, Mutex, ReadMostly};
use loom::cell::UnsafeCell;
use loom::thread;

use crate::{boot, check, platform};

/// A number that loom watches: two at it at once, or one that does not see the other's, is a fault.
struct Watched(UnsafeCell<u32>);

// The lock under test is what makes it so.
unsafe impl Send for Watched {}
// As above; `get` only looks.
unsafe impl Sync for Watched {}

impl Watched {
    fn new() -> Self {
        Watched(UnsafeCell::new(0))
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks that nobody changes it meanwhile.
        self.0.with(|number| unsafe { *number })
    }

    fn add(&mut self) -> u32 {
        self.0.with_mut(|number| {
            // SAFETY: loom checks that nobody else is here.
            unsafe {
                *number += 1;
                *number
            }
        })
    }
}

fn mutex(threads: usize, rounds: usize, preemptions: usize) {
    check(preemptions, move || {
        let kernel = boot();
        let mutex = Arc::new(Mutex::new(Watched::new()));
        let add = {
            let (process, mutex) = (kernel.process().clone(), mutex.clone());
            move || {
                for _ in 0..rounds {
                    let added = enter(&process, |lwp| Ok(mutex.lock(lwp).add()));
                    assert!(added.is_ok());
                }
            }
        };
        let others: Vec<_> = (1..threads).map(|_| thread::spawn(add.clone())).collect();
        add();
        for other in others {
            other.join().unwrap();
        }
        let last = enter(kernel.process(), |lwp| Ok(mutex.lock(lwp).add()));
        assert_eq!(last, Ok((threads * rounds) as u32 + 1));
    });
}

#[test]
fn a_mutex_between_two() {
    mutex(2, 2, 8);
}

#[test]
fn a_mutex_between_three() {
    mutex(3, 1, 4);
}

#[test]
fn a_mutex_tried() {
    check(5, || {
        let kernel = boot();
        let mutex = Arc::new(Mutex::new(Watched::new()));
        let (process, tried) = (kernel.process().clone(), mutex.clone());
        let other = thread::spawn(move || {
            let got = enter(&process, |lwp| {
                Ok(tried.try_lock(lwp).map(|mut it| it.add()))
            });
            u32::from(got.unwrap().is_some())
        });
        enter(kernel.process(), |lwp| Ok(mutex.lock(lwp).add())).unwrap();
        let got = other.join().unwrap();
        let last = enter(kernel.process(), |lwp| Ok(mutex.lock(lwp).add()));
        assert_eq!(last, Ok(got + 2));
    });
}

#[test]
fn a_leaf_between_two() {
    check(5, || {
        let kernel = boot();
        let leaf = Arc::new(Leaf::new(Watched::new()));
        let (process, shared) = (kernel.process().clone(), leaf.clone());
        let other = thread::spawn(move || enter(&process, |_| Ok(shared.with(Watched::add))));
        enter(kernel.process(), |_| Ok(leaf.with(Watched::add))).unwrap();
        other.join().unwrap().unwrap();
        let last = enter(kernel.process(), |_| Ok(leaf.with(Watched::add)));
        assert_eq!(last, Ok(3));
    });
}

/// Both look and change, on processors that do not look by the same lock.
#[test]
fn what_is_read_mostly_between_two() {
    check(5, || {
        let kernel = boot();
        let value = Arc::new(ReadMostly::new(Watched::new()));
        let both = {
            let (process, value) = (kernel.process().clone(), value.clone());
            move |processor| {
                platform::be_on(processor);
                enter(&process, |lwp| {
                    let before = value.read(lwp, Watched::get);
                    let added = value.write(Watched::add);
                    assert!(added > before);
                    Ok(())
                })
            }
        };
        let other = thread::spawn({
            let both = both.clone();
            move || both(1)
        });
        both(0).unwrap();
        other.join().unwrap().unwrap();
        let last = enter(kernel.process(), |lwp| Ok(value.read(lwp, Watched::get)));
        assert_eq!(last, Ok(2));
    });
}
