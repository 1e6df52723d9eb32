//! Who runs next, and where.
//!
//! A processor without a thread waits for an interrupt. Whoever makes a thread ready wakes one such
//! processor. Of those that wait one at least has its timer set for the earliest deadline, and no more than
//! need be: an idle machine has one timer set, or none.

use core::mem;

use super::Thread;
use super::deadlines::Deadlines;
use crate::clock::{self, timer};
use crate::cpu::{self, Cpu};
use crate::interrupts::local::{Command, Local};
use crate::interrupts::{self, WAKE};
use crate::lock::{Guard, Lock};

/// Threads in a row.
struct Queue {
    ends: Option<(&'static Thread, &'static Thread)>,
}

impl Queue {
    const fn new() -> Queue {
        Queue { ends: None }
    }

    fn push(&mut self, thread: &'static Thread) {
        thread.next.set(None);
        self.ends = Some(match self.ends {
            None => (thread, thread),
            Some((first, last)) => {
                last.next.set(Some(thread));
                (first, thread)
            }
        });
    }

    fn pop(&mut self) -> Option<&'static Thread> {
        let (first, last) = self.ends?;
        self.ends = first.next.take().map(|second| (second, last));
        Some(first)
    }

    fn is_empty(&self) -> bool {
        self.ends.is_none()
    }
}

/// A processor that waits for an interrupt.
#[derive(Clone, Copy)]
struct Waiting {
    apic: u32,
    /// What its timer is set for.
    timer: u64,
}

pub(super) struct Scheduler {
    ready: Queue,
    deadlines: Deadlines<&'static Thread>,
    /// Threads that ended.
    unused: Queue,
    /// How many threads there are that have not ended.
    count: usize,
    waiting: [Option<Waiting>; cpu::MOST],
    /// How many of those there are.
    idle: usize,
}

// SAFETY: threads are shared between processors; what is in their cells is under this lock.
unsafe impl Send for Scheduler {}

pub(super) static SCHEDULER: Lock<Scheduler> = Lock::new(Scheduler {
    ready: Queue::new(),
    deadlines: Deadlines::new(),
    unused: Queue::new(),
    count: 0,
    waiting: [None; cpu::MOST],
    idle: 0,
});

impl Scheduler {
    /// Makes room for one thread more. False if there is no memory for that.
    pub(super) fn reserve(&mut self) -> bool {
        self.count += 1;
        self.deadlines.reserve(self.count)
    }

    /// A thread that ended.
    pub(super) fn unused(&mut self) -> Option<&'static Thread> {
        self.unused.pop()
    }

    /// The thread ended, or never began.
    pub(super) fn forget(&mut self, thread: &'static Thread) {
        self.count -= 1;
        self.unused.push(thread);
    }

    /// The thread, a new one, is to run.
    pub(super) fn add(&mut self, thread: &'static Thread) {
        self.ready.push(thread);
        self.find_processor();
    }

    /// The thread is to wait until somebody wakes it, or until `deadline`.
    pub(super) fn wait(&mut self, thread: &'static Thread, deadline: u64) {
        thread.waits.set(true);
        if deadline != u64::MAX {
            self.deadlines.add(deadline, thread);
        }
    }

    /// The thread is to go on if it waits.
    pub(super) fn wake(&mut self, thread: &'static Thread) {
        if thread.waits.replace(false) {
            self.deadlines.remove(thread);
            self.add(thread);
        }
    }

    /// Puts the thread behind those that are ready. False if there are none.
    pub(super) fn yields(&mut self, thread: &'static Thread) -> bool {
        self.expire();
        if self.ready.is_empty() {
            return false;
        }
        self.ready.push(thread);
        true
    }

    /// Has a processor that waits look here, if this one is busy or has enough to do.
    fn find_processor(&mut self) {
        if self.idle == 0 {
            return;
        }
        let alone = self
            .ready
            .ends
            .is_some_and(|(first, last)| core::ptr::eq(first, last));
        if !(alone && Cpu::this().is_idle()) {
            self.wake_processor();
        }
    }

    fn wake_processor(&mut self) {
        if let Some(waiting) = self.waiting.iter_mut().find_map(Option::take) {
            self.idle -= 1;
            Local.send(waiting.apic, Command::Interrupt(WAKE));
        }
    }

    /// Makes those ready whose time is up.
    fn expire(&mut self) {
        let Some((mut deadline, mut thread)) = self.deadlines.first() else {
            return;
        };
        let now = clock::now();
        while deadline <= now {
            self.wake(thread);
            match self.deadlines.first() {
                Some(next) => (deadline, thread) = next,
                None => return,
            }
        }
    }

    /// The thread to run now.
    fn next(&mut self) -> Option<&'static Thread> {
        self.expire();
        self.ready.pop()
    }

    fn earliest(&self) -> u64 {
        self.deadlines
            .first()
            .map_or(u64::MAX, |(deadline, _)| deadline)
    }

    /// Whether the earliest deadline passes with every waiting processor asleep.
    fn is_unwatched(&self) -> bool {
        let earliest = self.earliest();
        let watched = |waiting: &Waiting| waiting.timer <= earliest;
        earliest != u64::MAX && !self.waiting.iter().flatten().any(watched)
    }

    /// The processor goes to wait.
    fn begin_wait(&mut self, cpu: &Cpu) {
        let deadline = match self.is_unwatched() {
            true => self.earliest(),
            false => u64::MAX,
        };
        timer::set(deadline);
        self.idle += 1;
        self.waiting[cpu.index as usize] = Some(Waiting {
            apic: cpu.apic,
            timer: deadline,
        });
    }

    fn end_wait(&mut self, cpu: &Cpu) {
        if self.waiting[cpu.index as usize].take().is_some() {
            self.idle -= 1;
        }
    }
}

/// Goes on with another thread, or with the processor's idle loop; returns when `me`, which has been put
/// where somebody finds it, goes on.
pub(super) fn leave(mut scheduler: Guard<'_, Scheduler>, me: &'static Thread) {
    let cpu = Cpu::this();
    let next = scheduler.next().unwrap_or(cpu.idle);
    // This processor will be busy; another has to look at the clock.
    if !core::ptr::eq(next, cpu.idle) && scheduler.idle > 0 && scheduler.is_unwatched() {
        scheduler.wake_processor();
    }
    if core::ptr::eq(next, me) {
        return;
    }
    run(scheduler, cpu, me, next);
}

fn run(scheduler: Guard<'_, Scheduler>, cpu: &Cpu, me: &'static Thread, next: &'static Thread) {
    mem::forget(scheduler);
    cpu.current.set(next);
    // SAFETY: the lock is held and its guard forgotten: it goes over to whoever runs next.
    unsafe {
        me.switch_to(next);
        SCHEDULER.release();
    }
}

/// What a processor does for ever: runs threads, and waits when there are none.
pub(crate) fn idle() -> ! {
    let cpu = Cpu::this();
    loop {
        interrupts::take_all();
        let mut scheduler = SCHEDULER.lock();
        if let Some(next) = scheduler.next() {
            if scheduler.idle > 0 && scheduler.is_unwatched() {
                scheduler.wake_processor();
            }
            run(scheduler, cpu, cpu.idle, next);
            continue;
        }
        scheduler.begin_wait(cpu);
        drop(scheduler);
        let taken = cpu.wait();
        SCHEDULER.lock().end_wait(cpu);
        if let Some(vector) = taken {
            interrupts::serve(vector);
        }
    }
}
