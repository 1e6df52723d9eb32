//! What the pool knows: kernels, what they asked for, and workers. Kernels are called without its lock.

use alloc::vec::Vec;

use hypercall::{Threads, Upcall};

use crate::lock::Lock;
use crate::{Platform, clock, console, cpu, threads};

struct Kernel {
    handle: u64,
    run: Upcall,
    /// The earliest request since the last call began.
    deadline: u64,
    running: bool,
    /// The thread that waits for the call under way, to forget the kernel then.
    leaving: Option<u64>,
}

/// A worker that waits.
struct Sleeper {
    token: u64,
    until: u64,
}

pub(super) struct Pool {
    /// By handle, upwards. Machines run one, or a few.
    kernels: Vec<Kernel>,
    /// Of the kernel made known last, and of the one called last.
    newest: u64,
    last: u64,
    sleepers: Vec<Sleeper>,
    workers: usize,
}

pub(super) static POOL: Lock<Pool> = Lock::new(Pool {
    kernels: Vec::new(),
    newest: 0,
    last: 0,
    sleepers: Vec::new(),
    workers: 0,
});

/// Somebody to do what is due, to be sent for when the lock is free.
#[must_use]
pub(super) enum Help {
    Nobody,
    Wake(u64),
    Start,
}

impl Help {
    pub(super) fn deliver(self) {
        match self {
            Help::Nobody => {}
            Help::Wake(token) => Platform::unpark(token),
            Help::Start if threads::spawn(Upcall::new(work, 0)) == 0 => {}
            Help::Start => {
                POOL.lock().workers -= 1;
                console::print(format_args!(
                    "pvh: no memory for a thread for timers and received frames\n"
                ));
            }
        }
    }
}

impl Pool {
    pub(super) fn attach(&mut self, run: Upcall) -> u64 {
        self.newest += 1;
        self.kernels.push(Kernel {
            handle: self.newest,
            run,
            deadline: u64::MAX,
            running: false,
            leaving: None,
        });
        self.newest
    }

    fn kernel(&mut self, handle: u64) -> Option<&mut Kernel> {
        let mut kernels = self.kernels.iter_mut();
        kernels.find(|kernel| kernel.handle == handle)
    }

    /// Notes a request. Whether it may need somebody.
    pub(super) fn request(&mut self, handle: u64, deadline: u64) -> bool {
        let Some(kernel) = self.kernel(handle) else {
            return false;
        };
        if deadline >= kernel.deadline || kernel.leaving.is_some() {
            return false;
        }
        kernel.deadline = deadline;
        // Whoever runs it looks again afterwards.
        !kernel.running
    }

    /// Forgets a kernel; false if the caller has to wait for the call under way first.
    pub(super) fn detach(&mut self, handle: u64, caller: u64) -> bool {
        match self.kernel(handle) {
            Some(kernel) if kernel.running => {
                kernel.leaving = Some(caller);
                false
            }
            _ => {
                self.kernels.retain(|kernel| kernel.handle != handle);
                true
            }
        }
    }

    /// When the first of the kernels that are not being run wants to be called.
    fn earliest(&self) -> u64 {
        let idle = self.kernels.iter().filter(|kernel| !kernel.running);
        idle.map(|kernel| kernel.deadline).min().unwrap_or(u64::MAX)
    }

    /// Who has to come so that nothing is late.
    pub(super) fn help(&mut self) -> Help {
        let earliest = self.earliest();
        let watched = self
            .sleepers
            .iter()
            .any(|sleeper| sleeper.until <= earliest);
        if earliest == u64::MAX || (watched && earliest > clock::now()) {
            return Help::Nobody;
        }
        if let Some(sleeper) = self.sleepers.pop() {
            return Help::Wake(sleeper.token);
        }
        let most = self.kernels.len().min(cpu::count() as usize);
        if self.workers < most {
            self.workers += 1;
            return Help::Start;
        }
        // A worker looks here when it comes out of the kernel it is in.
        Help::Nobody
    }

    /// Takes a kernel that is due, to be called: the next one after the last that was.
    fn take(&mut self) -> Option<(u64, Upcall)> {
        let earliest = self.earliest();
        if earliest == u64::MAX || earliest > clock::now() {
            return None;
        }
        let now = clock::now();
        let last = self.last;
        let due = |kernel: &&mut Kernel| !kernel.running && kernel.deadline <= now;
        let middle = self.kernels.partition_point(|kernel| kernel.handle <= last);
        let (before, after) = self.kernels.split_at_mut(middle);
        let kernel = after.iter_mut().chain(before).find(due)?;
        kernel.running = true;
        kernel.deadline = u64::MAX;
        self.last = kernel.handle;
        Some((kernel.handle, kernel.run))
    }

    /// A call ended; who waits for that.
    fn ended(&mut self, handle: u64) -> Option<u64> {
        let kernel = self.kernel(handle)?;
        kernel.running = false;
        kernel.leaving.take()
    }

    /// A worker goes to wait; until when.
    fn sleep(&mut self, token: u64) -> u64 {
        let earliest = self.earliest();
        let watched = self
            .sleepers
            .iter()
            .any(|sleeper| sleeper.until <= earliest);
        let until = if watched { u64::MAX } else { earliest };
        self.sleepers.push(Sleeper { token, until });
        until
    }

    fn awake(&mut self, token: u64) {
        self.sleepers.retain(|sleeper| sleeper.token != token);
    }
}

/// What a worker does, for ever.
extern "C-unwind" fn work(_: usize) {
    let me = Platform::current();
    loop {
        let mut pool = POOL.lock();
        let Some((handle, run)) = pool.take() else {
            let until = pool.sleep(me);
            drop(pool);
            Platform::park(until);
            POOL.lock().awake(me);
            continue;
        };
        let help = pool.help();
        drop(pool);
        help.deliver();
        run.call();
        let leaving = POOL.lock().ended(handle);
        if let Some(token) = leaving {
            Platform::unpark(token);
        }
    }
}
