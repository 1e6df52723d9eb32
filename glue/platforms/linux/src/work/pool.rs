//! What the pool knows: kernels, what they asked for, links, threads. All under one lock, which is
//! never held across a call into a kernel.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use hypercall::{Clock, Errno, Threads, Upcall};

use super::numbered::Numbered;
use super::{Reactor, worker};
use crate::{Platform, frames::Link, threads::processors};

/// Threads beyond this number have not been seen to help.
const MOST_THREADS: usize = 4;
/// Calls in a row after which the leader looks at the links again.
const CALLS_BETWEEN_LOOKS: u32 = 16;

static POOL: Mutex<Pool> = Mutex::new(Pool::new());
/// Where followers wait.
pub(super) static FOLLOWERS: Condvar = Condvar::new();
/// Where `detach` waits for a call to end.
static CALL_ENDED: Condvar = Condvar::new();

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Ready,
    Running,
}

struct Kernel {
    run: Upcall,
    /// The earliest request since the last call began; zero if that call is due now.
    deadline: u64,
    state: State,
    /// Somebody waits for the call under way to forget the kernel then.
    leaving: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// Every thread, if there is one, is inside a kernel and will look here when it comes out.
    None,
    /// It will look here before it sleeps.
    Awake,
    Asleep {
        until: u64,
    },
}

pub(super) struct Pool {
    kernels: Numbered<Kernel>,
    links: Numbered<Arc<Link>>,
    next_handle: u64,
    timers: BTreeSet<(u64, u64)>,
    ready: VecDeque<u64>,
    calls_since_look: u32,
    pub(super) reactor: Option<Arc<Reactor>>,
    pub(super) leader: Leader,
    /// The thread that sleeps as the leader where there is no reactor to sleep in; zero if none does.
    sleeper: u64,
    /// Followers that wait and that nobody called yet.
    pub(super) idle: usize,
    /// Calls for a follower that none has followed yet.
    pub(super) called: usize,
    /// Threads of an earlier era end as soon as they notice.
    pub(super) era: u64,
    threads: Vec<JoinHandle<()>>,
}

/// A wake-up to be delivered when the pool's lock is free.
#[must_use]
pub(super) enum Wake {
    Nobody,
    Follower,
    /// Of a reactor.
    Leader(Arc<Reactor>),
    /// Of a thread.
    Sleeper(u64),
}

impl Wake {
    pub(super) fn deliver(self) {
        match self {
            Wake::Nobody => {}
            Wake::Follower => FOLLOWERS.notify_one(),
            Wake::Leader(reactor) => reactor.wake(),
            Wake::Sleeper(thread) => Platform::unpark(thread),
        }
    }
}

pub(super) fn lock() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    const fn new() -> Pool {
        Pool {
            kernels: Numbered::new(),
            links: Numbered::new(),
            next_handle: 0,
            timers: BTreeSet::new(),
            ready: VecDeque::new(),
            calls_since_look: 0,
            reactor: None,
            sleeper: 0,
            leader: Leader::None,
            idle: 0,
            called: 0,
            era: 0,
            threads: Vec::new(),
        }
    }

    fn new_handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.next_handle
    }

    pub(super) fn attach(&mut self, run: Upcall) -> u64 {
        let handle = self.new_handle();
        let kernel = Kernel {
            run,
            deadline: u64::MAX,
            state: State::Idle,
            leaving: false,
        };
        self.kernels.add(handle, kernel);
        handle
    }

    pub(super) fn request(&mut self, handle: u64, deadline: u64) -> Wake {
        let Some(kernel) = self.kernels.get_mut(handle) else {
            return Wake::Nobody;
        };
        if deadline >= kernel.deadline || kernel.leaving {
            return Wake::Nobody;
        }
        let before = std::mem::replace(&mut kernel.deadline, deadline);
        if kernel.state == State::Running {
            return Wake::Nobody;
        }
        self.timers.remove(&(before, handle));
        self.schedule(handle, deadline);
        self.summon(deadline)
    }

    /// Notes when the kernel, which is idle, is due.
    fn schedule(&mut self, handle: u64, deadline: u64) {
        match deadline {
            0 => {
                if let Some(kernel) = self.kernels.get_mut(handle) {
                    kernel.state = State::Ready;
                }
                self.ready.push_back(handle);
            }
            u64::MAX => {}
            _ => {
                self.timers.insert((deadline, handle));
            }
        }
    }

    /// Sees to it that a thread looks here by `deadline`, with as few wake-ups as possible.
    fn summon(&mut self, deadline: u64) -> Wake {
        match self.leader {
            // It will be done when what was asked for was all.
            _ if deadline == 0 && worker::is_bringer() => Wake::Nobody,
            Leader::Asleep { until } if deadline < until => self.wake_leader(),
            Leader::Asleep { .. } | Leader::Awake => Wake::Nobody,
            // A thread of the pool looks here when it comes out of the kernel it is in.
            Leader::None if worker::is_current() => Wake::Nobody,
            Leader::None if deadline == 0 || self.threads.is_empty() => self.help(),
            Leader::None => Wake::Nobody,
        }
    }

    /// Leaves what is due, now or later, to the pool's own threads.
    pub(super) fn leave_rest(&mut self) -> Wake {
        match (self.ready.is_empty(), self.timers.first()) {
            (false, _) => self.summon(0),
            (true, Some((deadline, _))) => self.summon(*deadline),
            (true, None) => Wake::Nobody,
        }
    }

    fn wake_leader(&mut self) -> Wake {
        // Nothing is earlier than zero: nobody will wake it twice.
        self.leader = Leader::Asleep { until: 0 };
        match (self.sleeper, &self.reactor) {
            (0, Some(reactor)) => Wake::Leader(reactor.clone()),
            (0, None) => Wake::Nobody,
            (sleeper, _) => Wake::Sleeper(sleeper),
        }
    }

    /// One thread more, if there may be one: a follower, or a new one.
    fn help(&mut self) -> Wake {
        if self.idle > 0 {
            self.idle -= 1;
            self.called += 1;
            return Wake::Follower;
        }
        if self.threads.len() < processors().min(MOST_THREADS) {
            self.threads.extend(worker::spawn(self.era));
        }
        Wake::Nobody
    }

    /// Takes a kernel that has something due, to be called; a wake-up for a thread to do what else is due.
    pub(super) fn next_call(&mut self) -> Option<(u64, Upcall, Wake)> {
        self.expire();
        if self.reactor.is_some()
            && self.leader == Leader::None
            && self.calls_since_look >= CALLS_BETWEEN_LOOKS
        {
            return None;
        }
        loop {
            let handle = self.ready.pop_front()?;
            // Handles of kernels that left are passed over.
            let Some(kernel) = self.kernels.get_mut(handle) else {
                continue;
            };
            kernel.state = State::Running;
            kernel.deadline = u64::MAX;
            let run = kernel.run;
            self.calls_since_look += 1;
            let wake = match self.ready.is_empty() || self.leader != Leader::None {
                true => Wake::Nobody,
                false => self.help(),
            };
            return Some((handle, run, wake));
        }
    }

    /// Moves what is due by now from the timers to the ready.
    fn expire(&mut self) {
        let Some((mut deadline, mut handle)) = self.timers.first().copied() else {
            return;
        };
        let now = Platform::monotonic();
        while deadline <= now {
            self.timers.pop_first();
            if let Some(kernel) = self.kernels.get_mut(handle) {
                kernel.deadline = 0;
                self.schedule(handle, 0);
            }
            match self.timers.first() {
                Some(next) => (deadline, handle) = *next,
                None => return,
            }
        }
    }

    /// Takes note that a call has ended; a wake-up for the leader if that sleeps past what was asked
    /// for meanwhile.
    pub(super) fn call_ended(&mut self, handle: u64) -> Wake {
        let Some(kernel) = self.kernels.get_mut(handle) else {
            return Wake::Nobody;
        };
        kernel.state = State::Idle;
        if kernel.leaving {
            CALL_ENDED.notify_all();
            return Wake::Nobody;
        }
        let deadline = kernel.deadline;
        self.schedule(handle, deadline);
        match self.leader {
            // What is due at once the thread that ended the call does itself.
            Leader::Asleep { until } if deadline != 0 && deadline < until => self.wake_leader(),
            _ => Wake::Nobody,
        }
    }

    /// The leader goes to sleep: until when, and in what.
    pub(super) fn fall_asleep(&mut self) -> (u64, Option<Arc<Reactor>>) {
        self.calls_since_look = 0;
        let until = match (self.ready.is_empty(), self.timers.first()) {
            // It only has a look.
            (false, _) => 0,
            (true, Some((deadline, _))) => *deadline,
            (true, None) => u64::MAX,
        };
        self.leader = Leader::Asleep { until };
        self.sleeper = match self.reactor {
            None => Platform::current(),
            Some(_) => 0,
        };
        (until, self.reactor.clone())
    }

    /// The links of these numbers, as far as they are still open, with what happened there.
    pub(super) fn links(&self, happened: &[(u64, u32)]) -> Vec<(Arc<Link>, u32)> {
        let link =
            |(number, events): &(u64, u32)| Some((self.links.get(*number)?.clone(), *events));
        happened.iter().filter_map(link).collect()
    }

    /// If nobody needs the pool any more, its threads, to be sent home.
    fn retire(&mut self) -> Option<Retired> {
        if !(self.kernels.is_empty() && self.links.is_empty()) {
            return None;
        }
        self.era += 1;
        (self.idle, self.called, self.calls_since_look) = (0, 0, 0);
        self.leader = Leader::None;
        self.ready.clear();
        Some(Retired {
            threads: std::mem::take(&mut self.threads),
            reactor: self.reactor.take(),
            sleeper: std::mem::take(&mut self.sleeper),
        })
    }
}

/// Threads of an era that is over.
struct Retired {
    threads: Vec<JoinHandle<()>>,
    reactor: Option<Arc<Reactor>>,
    sleeper: u64,
}

impl Retired {
    fn send_home(self) {
        if self.threads.is_empty() {
            return;
        }
        if self.sleeper != 0 {
            Platform::unpark(self.sleeper);
        }
        FOLLOWERS.notify_all();
        if let Some(reactor) = self.reactor {
            reactor.wake();
        }
        let me = std::thread::current().id();
        for thread in self.threads {
            if thread.thread().id() != me {
                // A thread of the pool that panicked is gone as well.
                let _ = thread.join();
            }
        }
    }
}

/// Forgets a kernel, after the call under way.
pub(super) fn detach(handle: u64) {
    let mut pool = lock();
    while let Some(kernel) = pool.kernels.get_mut(handle) {
        kernel.leaving = true;
        if kernel.state != State::Running {
            let deadline = kernel.deadline;
            pool.kernels.remove(handle);
            pool.timers.remove(&(deadline, handle));
            break;
        }
        pool = CALL_ENDED
            .wait(pool)
            .unwrap_or_else(PoisonError::into_inner);
    }
    let retired = pool.retire();
    drop(pool);
    if let Some(retired) = retired {
        retired.send_home();
    }
}

impl Pool {
    /// The reactor, made if there is none, and a wake-up for the leader then.
    fn reactor(&mut self) -> Result<(Arc<Reactor>, Wake), Errno> {
        if let Some(reactor) = &self.reactor {
            return Ok((reactor.clone(), Wake::Nobody));
        }
        let reactor = Arc::new(Reactor::new()?);
        let wake = match self.leader {
            // It sleeps where events do not wake it.
            Leader::Asleep { .. } => self.wake_leader(),
            Leader::Awake => Wake::Nobody,
            Leader::None if self.threads.is_empty() => self.help(),
            Leader::None => Wake::Nobody,
        };
        self.reactor = Some(reactor.clone());
        Ok((reactor, wake))
    }
}

/// What watches sockets for the leader. To be asked for while a kernel is attached.
pub(crate) fn reactor() -> Result<Arc<Reactor>, Errno> {
    let (reactor, wake) = lock().reactor()?;
    wake.deliver();
    Ok(reactor)
}

/// Makes a link, given its number and what watches it, and begins with it.
pub(crate) fn open_link(make: impl FnOnce(u64, Arc<Reactor>) -> Link) -> Result<u64, Errno> {
    let mut pool = lock();
    let (reactor, wake) = pool.reactor()?;
    let number = pool.new_handle();
    let link = Arc::new(make(number, reactor));
    let begun = link.begin();
    if begun.is_ok() {
        pool.links.add(number, link);
    }
    drop(pool);
    wake.deliver();
    begun.map(|()| number)
}

/// The link of this number. Each call on a link begins with this: it is there once.
#[inline(never)]
pub(crate) fn find_link(number: u64) -> Option<Arc<Link>> {
    lock().links.get(number).cloned()
}

/// Forgets a link, after the upcall under way.
pub(crate) fn close_link(number: u64) {
    let link = lock().links.remove(number);
    if let Some(link) = link {
        link.silence();
    }
    // Not in the condition below: the lock would be held until the threads are home.
    let retired = lock().retire();
    if let Some(retired) = retired {
        retired.send_home();
    }
}
