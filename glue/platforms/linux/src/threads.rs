//! Waiting and waking, over a futex word a thread.
//!
//! Words are leaked and used again by later threads, so that a token stays good for ever: waking a
//! thread that has ended is a wake-up without cause for some other one, which the interface allows.

use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{mem, ptr};

use hypercall::Upcall;

use crate::{Platform, clock, tls::parker};

const EMPTY: u32 = 0;
const PERMIT: u32 = 1;
/// The owner waits in the system, and nothing else can end that than a system call.
const WAITING: u32 = u32::MAX;

/// Alone on its cache line: another thread writes it while the owner reads its neighbours.
#[repr(align(64))]
struct Parker {
    state: AtomicU32,
}

static UNUSED: Mutex<Vec<&'static Parker>> = Mutex::new(Vec::new());

/// Gives a thread's word back at its end.
struct Owner(&'static Parker);

impl Drop for Owner {
    fn drop(&mut self) {
        parker::set(0);
        UNUSED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.0);
    }
}

thread_local! {
    static OWNER: std::cell::Cell<Option<Owner>> = const { std::cell::Cell::new(None) };
}

impl Parker {
    #[inline(always)]
    fn current() -> &'static Parker {
        match parker::get() {
            0 => Parker::adopt(),
            // SAFETY: the word is zero or the address of a parker, and parkers are never freed.
            address => unsafe { &*ptr::with_exposed_provenance(address) },
        }
    }

    #[cold]
    fn adopt() -> &'static Parker {
        let unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let parker = unused.unwrap_or_else(|| {
            Box::leak(Box::new(Parker {
                state: AtomicU32::new(EMPTY),
            }))
        });
        parker::set(ptr::from_ref(parker).expose_provenance());
        // In a destructor of a thread that is past this one the word is not given back.
        let _ = OWNER.try_with(|owner| owner.set(Some(Owner(parker))));
        parker
    }

    fn park(&self, deadline: u64) -> bool {
        // PERMIT -> EMPTY, EMPTY -> WAITING: only the owner parks, so these are the only cases.
        if self.state.fetch_sub(1, Acquire) == PERMIT {
            return true;
        }
        loop {
            let in_time = self.wait(deadline);
            if self
                .state
                .compare_exchange(PERMIT, EMPTY, Acquire, Relaxed)
                .is_ok()
            {
                return true;
            }
            if !in_time {
                // The permit may have come since.
                return self.state.swap(EMPTY, Acquire) == PERMIT;
            }
        }
    }

    /// Waits in the system while nobody woke. False if time was up.
    fn wait(&self, deadline: u64) -> bool {
        let timeout = clock::timespec(deadline);
        let timeout = match deadline {
            u64::MAX => ptr::null(),
            _ => ptr::from_ref(&timeout),
        };
        // SAFETY: the word lives for ever and the timeout for the call. The bitset form takes an
        // absolute time of the monotonic clock.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.state.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                WAITING,
                timeout,
                ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
        answer == 0 || crate::last_errno() != libc::ETIMEDOUT
    }

    fn unpark(&self) {
        if self.state.swap(PERMIT, Release) == WAITING {
            // SAFETY: the word lives for ever.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.state.as_ptr(),
                    libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                    1,
                );
            }
        }
    }
}

/// How many processors the process may run on, as it was when first asked.
pub(crate) fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| {
        // SAFETY: the set is plain data for which zeros are good, and the call fills it in.
        unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            match libc::sched_getaffinity(0, size_of_val(&set), &mut set) {
                0 => libc::CPU_COUNT(&set) as usize,
                // More processors than the set has room for.
                _ => usize::MAX,
            }
        }
    })
}

impl hypercall::Threads for Platform {
    #[inline]
    fn current() -> u64 {
        ptr::from_ref(Parker::current()).expose_provenance() as u64
    }

    fn park(deadline: u64) -> bool {
        Parker::current().park(deadline)
    }

    fn unpark(token: u64) {
        // SAFETY: the contract: a token is what `current` gave, the address of a parker; those are
        // never freed.
        let parker: &Parker = unsafe { &*ptr::with_exposed_provenance(token as usize) };
        parker.unpark();
    }

    #[inline]
    fn cpu() -> u32 {
        if processors() == 1 {
            return u32::MAX;
        }
        // SAFETY: no arguments. In the C library this reads a word the kernel keeps up to date.
        unsafe { libc::sched_getcpu() as u32 }
    }

    fn relax() {
        std::thread::yield_now();
    }

    fn spawn(run: Upcall) -> i64 {
        match std::thread::Builder::new().spawn(move || run.call()) {
            Ok(_) => 0,
            Err(error) => -i64::from(error.raw_os_error().unwrap_or(libc::EAGAIN)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::{Clock, Threads};
    use std::sync::atomic::AtomicU64;

    const MILLISECOND: u64 = 1_000_000;

    #[test]
    fn one_permit_is_kept_and_no_second() {
        let me = Platform::current();
        Platform::unpark(me);
        Platform::unpark(me);
        assert!(Platform::park(u64::MAX));
        let start = Platform::monotonic();
        assert!(!Platform::park(start + MILLISECOND));
        assert!(Platform::monotonic() >= start + MILLISECOND);
    }

    #[test]
    fn a_deadline_that_is_over_does_not_wait() {
        assert!(!Platform::park(0));
        Platform::unpark(Platform::current());
        assert!(Platform::park(0));
    }

    #[test]
    fn threads_hand_over_to_each_other() {
        static TURN: AtomicU64 = AtomicU64::new(0);
        const ROUNDS: u64 = 2_000;
        let first = Platform::current();
        let (send, receive) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            send.send(Platform::current()).unwrap();
            for round in 0..ROUNDS {
                while TURN.load(Acquire) != 2 * round + 1 {
                    Platform::park(u64::MAX);
                }
                TURN.store(2 * round + 2, Release);
                Platform::unpark(first);
            }
        });
        let second = receive.recv().unwrap();
        assert_ne!(first, second);
        for round in 0..ROUNDS {
            TURN.store(2 * round + 1, Release);
            Platform::unpark(second);
            while TURN.load(Acquire) != 2 * round + 2 {
                Platform::park(u64::MAX);
            }
        }
        thread.join().unwrap();
        // The token of a thread that has ended is still good.
        Platform::unpark(second);
    }
}
