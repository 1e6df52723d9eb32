//! Locks of a kernel with one virtual processor.
//!
//! Whoever is inside has the processor (`vcpu.rs`), and gives it up only where it waits, which it
//! never does with a lock held. So a lock is a mark that finds mistakes, and nothing here is
//! atomic.
#![allow(unsafe_code)]

use core::cell::{Cell, UnsafeCell};
use core::ops::{Deref, DerefMut};

use crate::{Lwp, Wakes};

/// A short critical section: see [`Leaf::with`].
pub struct Leaf<T> {
    held: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: every thread that gets here has the instance's one virtual processor, which passes from
// one thread to the next by a lock; what has no processor uses `spin::Spin`.
unsafe impl<T: Send> Send for Leaf<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Leaf<T> {}

impl<T> Leaf<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Leaf {
            held: Cell::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `f` with the value. `f` must not wait, and must not come back here.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        struct Release<'a>(&'a Cell<bool>);
        impl Drop for Release<'_> {
            #[inline]
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        assert!(!self.held.replace(true), "a leaf lock is taken twice");
        let _release = Release(&self.held);
        // SAFETY: the mark is ours until `_release` drops.
        f(unsafe { &mut *self.value.get() })
    }
}

/// A value that many look at and few change.
pub struct ReadMostly<T>(Leaf<T>);

impl<T> ReadMostly<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        ReadMostly(Leaf::new(value))
    }

    /// Runs `f` with the value to look at; the rules of [`Leaf::with`] hold.
    #[inline]
    pub fn read<R>(&self, _lwp: &Lwp<'_>, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(|value| f(value))
    }

    /// Runs `f` with the value to change.
    #[inline]
    pub fn write<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(f)
    }

    /// The value, of which the caller is the only owner.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.value.get_mut()
    }
}

/// A word that is written under a lock and looked at without it.
pub struct Word(Cell<u32>);

// SAFETY: as for `Leaf`.
unsafe impl Sync for Word {}

impl Word {
    /// A word of this value.
    pub fn new(value: u32) -> Self {
        Word(Cell::new(value))
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.get()
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: u32) {
        self.0.set(value);
    }
}

/// A value that one lwp at a time has.
pub struct Mutex<T> {
    held: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: as for `Leaf`.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: as for `Leaf`.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Mutex {
            held: Cell::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock. Does not return into an instance that is dead.
    #[inline]
    pub fn lock<'a>(&'a self, lwp: &'a Lwp<'_>) -> Guard<'a, T> {
        assert!(
            !self.held.replace(true),
            "a lock is taken twice, or was held across a wait"
        );
        self.guard(lwp)
    }

    /// Takes the lock if nobody has it.
    #[inline]
    pub fn try_lock<'a>(&'a self, lwp: &'a Lwp<'_>) -> Option<Guard<'a, T>> {
        (!self.held.replace(true)).then(|| self.guard(lwp))
    }

    #[inline]
    fn guard<'a>(&'a self, lwp: &'a Lwp<'_>) -> Guard<'a, T> {
        // The holder before us may have died in the middle of a change.
        if lwp.instance().is_dead() {
            return self.leave(lwp);
        }
        Guard {
            mutex: self,
            lwp,
            wakes: Wakes::new(),
        }
    }

    /// Leaves a dead instance, with the lock released. Who is leaving already gets it.
    #[cold]
    fn leave<'a>(&'a self, lwp: &'a Lwp<'_>) -> Guard<'a, T> {
        let guard = Guard {
            mutex: self,
            lwp,
            wakes: Wakes::new(),
        };
        lwp.die();
        guard
    }

    /// The value, of which the caller is the only owner.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The right to a [`Mutex`]'s value, until it drops.
pub struct Guard<'a, T> {
    mutex: &'a Mutex<T>,
    lwp: &'a Lwp<'a>,
    wakes: Wakes,
}

impl<T> Guard<'_, T> {
    /// The value, and the list of whom to wake once the lock is released.
    #[inline]
    pub fn split(&mut self) -> (&mut T, &mut Wakes) {
        // SAFETY: the guard has the lock.
        (unsafe { &mut *self.mutex.value.get() }, &mut self.wakes)
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard has the lock.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has the lock.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lwp.mark_if_panicking();
        self.mutex.held.set(false);
        self.wakes.deliver();
    }
}
