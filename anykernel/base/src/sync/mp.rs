//! Locks between threads.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};

use crate::atomic::{AtomicU32, Ordering};
use crate::rawlock::RawLock;
use crate::sync::Parts;
use crate::{Lwp, Wakes};

/// A short critical section: see [`Leaf::with`]. May be taken under any lock, and by whoever is not
/// inside the kernel.
pub use crate::spin::Spin as Leaf;

/// A value that many look at and few change. Looking takes a leaf lock that no other processor uses at the same
/// time, changing takes all of them; for both the rules of [`Leaf::with`] hold.
pub struct ReadMostly<T> {
    locks: Locks,
    value: UnsafeCell<T>,
}

/// One for each few processors.
struct Locks(Parts<Leaf<()>>);

impl Locks {
    /// Takes all, everybody in the same order.
    #[inline(never)]
    fn acquire(&self) {
        self.0.iter().for_each(Leaf::acquire);
    }

    #[inline(never)]
    fn release(&self) {
        self.0.iter().for_each(Leaf::release);
    }
}

// SAFETY: those who look have one of the locks, who changes has all.
unsafe impl<T: Send> Send for ReadMostly<T> {}
// SAFETY: as above; several look at once.
unsafe impl<T: Send + Sync> Sync for ReadMostly<T> {}

impl<T> ReadMostly<T> {
    /// Locks around `value`.
    pub fn new(value: T) -> Self {
        ReadMostly {
            locks: Locks(Parts::new(|| Leaf::new(()))),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `f` with the value to look at.
    #[inline]
    pub fn read<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&T) -> R) -> R {
        // SAFETY: with one of the locks nobody changes it.
        self.locks
            .0
            .of(lwp)
            .with(|()| f(unsafe { &*self.value.get() }))
    }

    /// Runs `f` with the value to change.
    pub fn write<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        /// Releases also when `f` panics, as a leaf does.
        struct Release<'a>(&'a Locks);
        impl Drop for Release<'_> {
            fn drop(&mut self) {
                self.0.release();
            }
        }
        self.locks.acquire();
        let _release = Release(&self.locks);
        // SAFETY: with all of the locks nobody looks or changes.
        f(unsafe { &mut *self.value.get() })
    }

    /// The value, of which the caller is the only owner.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// A word that is written under a lock and looked at without it.
pub struct Word(AtomicU32);

impl Word {
    /// A word of this value.
    pub fn new(value: u32) -> Self {
        Word(AtomicU32::new(value))
    }

    /// The value, and all that was written before it.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Sets the value. The lock that excludes other writers is the caller's.
    #[inline]
    pub fn set(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }
}

/// A value that one lwp at a time has.
pub struct Mutex<T> {
    raw: RawLock,
    value: UnsafeCell<T>,
}

// SAFETY: a guard is the only way to the value and excludes others.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A lock around `value`.
    pub fn new(value: T) -> Self {
        Mutex {
            raw: RawLock::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock. Does not return into an instance that is dead.
    #[inline]
    pub fn lock<'a>(&'a self, lwp: &'a Lwp<'_>) -> Guard<'a, T> {
        self.raw.lock();
        self.guard(lwp)
    }

    /// Takes the lock if nobody has it.
    #[inline]
    pub fn try_lock<'a>(&'a self, lwp: &'a Lwp<'_>) -> Option<Guard<'a, T>> {
        self.raw.try_lock().then(|| self.guard(lwp))
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
        // The mark comes before the release: nobody gets in without seeing it.
        self.lwp.mark_if_panicking();
        self.mutex.raw.unlock();
        self.wakes.deliver();
    }
}
