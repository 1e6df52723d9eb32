//! How long a waiter spins before it parks.
//!
//! A wake-up between processors costs tens of microseconds, often more than the wait itself; spinning costs
//! the processor, and is waste if whoever would bring news wants the same one. So the budget adapts to
//! success, and is nothing where it cannot pay off.

#[cfg(all(feature = "threads", not(feature = "up")))]
mod adaptive {
    use crate::host;

    /// The spins a waiter begins with, the least it tries and the most; about 15 ns each.
    const FIRST: u32 = 200;
    const LEAST: u32 = 100;
    const MOST: u32 = 2000;

    /// What is known of the waits for one file.
    pub(crate) struct Patience {
        spins: u32,
        /// Where the last waker ran.
        waker_cpu: u32,
    }

    impl Patience {
        pub(crate) fn new() -> Self {
            Patience {
                spins: FIRST,
                waker_cpu: u32::MAX,
            }
        }

        /// The calling thread wakes somebody who parked.
        pub(crate) fn woken(&mut self) {
            self.waker_cpu = host::cpu();
        }

        /// How often to look before parking.
        pub(crate) fn budget(&self) -> u32 {
            let cpu = host::cpu();
            // Whoever wakes us from this processor cannot run while we spin on it.
            if cpu == u32::MAX || cpu == self.waker_cpu {
                0
            } else {
                self.spins
            }
        }

        /// A budget was spent, with or without success.
        pub(crate) fn spun(&mut self, success: bool) {
            self.spins = if success {
                (self.spins * 2).min(MOST)
            } else {
                (self.spins / 2).max(LEAST)
            };
        }
    }
}

/// With one virtual processor, or one thread, nobody has news while the waiter spins.
#[cfg(not(all(feature = "threads", not(feature = "up"))))]
mod adaptive {
    pub(crate) struct Patience;

    impl Patience {
        pub(crate) fn new() -> Self {
            Patience
        }

        pub(crate) fn woken(&mut self) {}

        pub(crate) fn budget(&self) -> u32 {
            0
        }

        pub(crate) fn spun(&mut self, _success: bool) {}
    }
}

pub(crate) use adaptive::Patience;

/// Looks up to `budget` times whether `done`; whether it was.
pub(crate) fn spin(budget: u32, done: impl Fn() -> bool) -> bool {
    for _ in 0..budget {
        if done() {
            return true;
        }
        crate::atomic::spin();
    }
    false
}
