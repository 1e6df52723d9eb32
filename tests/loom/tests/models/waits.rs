//! No news get lost between a step and its wait.

use std::sync::Arc;

use base::sync::Mutex;
use base::{Blocking, Errno, Events, Kernel, Lwp, Readiness, Wait, block, enter};
use loom::thread;

use crate::{boot, check};

/// What a socket or a pipe comes down to.
pub(crate) struct Queue {
    pub(crate) readiness: Readiness,
    filled: Mutex<u32>,
}

impl Queue {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Queue {
            readiness: Readiness::new(Events::NONE),
            filled: Mutex::new(0),
        })
    }

    pub(crate) fn put(&self, lwp: &Lwp<'_>) {
        let mut guard = self.filled.lock(lwp);
        let (filled, wakes) = guard.split();
        *filled += 1;
        self.readiness.update(Events::IN, Events::IN, wakes);
    }

    pub(crate) fn try_take(&self, lwp: &Lwp<'_>) -> Result<(), Wait> {
        let mut guard = self.filled.lock(lwp);
        let (filled, wakes) = guard.split();
        *filled = filled.checked_sub(1).ok_or(Wait::For(Events::IN))?;
        let level = Events::IN.when(*filled != 0);
        self.readiness.update(level, Events::NONE, wakes);
        Ok(())
    }

    fn take(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let forever = Blocking::new(false);
        block(lwp, &self.readiness, forever, || self.try_take(lwp))
    }
}

fn spawn(
    kernel: &Kernel,
    queue: &Arc<Queue>,
    f: fn(&Queue, &Lwp<'_>) -> Result<(), Errno>,
) -> thread::JoinHandle<Result<(), Errno>> {
    let (process, queue) = (kernel.process().clone(), queue.clone());
    thread::spawn(move || enter(&process, |lwp| f(&queue, lwp)))
}

fn put(queue: &Queue, lwp: &Lwp<'_>) -> Result<(), Errno> {
    queue.put(lwp);
    Ok(())
}

#[test]
fn one_waits_for_another() {
    check(8, || {
        let (kernel, queue) = (boot(), Queue::new());
        let putting = spawn(&kernel, &queue, put);
        enter(kernel.process(), |lwp| queue.take(lwp)).unwrap();
        putting.join().unwrap().unwrap();
    });
}

#[test]
fn two_wait_for_a_third() {
    check(2, || {
        let (kernel, queue) = (boot(), Queue::new());
        let takers = [
            spawn(&kernel, &queue, Queue::take),
            spawn(&kernel, &queue, Queue::take),
        ];
        enter(kernel.process(), |lwp| {
            queue.put(lwp);
            queue.put(lwp);
            Ok(())
        })
        .unwrap();
        for taker in takers {
            taker.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_wait_ends_when_the_kernel_does() {
    check(7, || {
        let kernel = boot();
        let process = kernel.fork();
        let waiting = thread::spawn(move || {
            let readiness = Readiness::new(Events::NONE);
            let never = || Err::<(), _>(Wait::For(Events::IN));
            enter(&process, |lwp| {
                block(lwp, &readiness, Blocking::new(false), never)
            })
        });
        kernel.shutdown();
        let result = waiting.join().unwrap();
        assert!(matches!(result, Err(Errno::EINTR | Errno::EIO)));
    });
}
