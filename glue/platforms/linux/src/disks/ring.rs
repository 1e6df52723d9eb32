//! Reads that wait for a device, many at a time by one thread, where the system has `io_uring` and lets us.
//!
//! A ring's operations belong to the thread that handed them over: the system interrupts it to end them, and gives them up
//! when it ends. So programs' threads, which are not ours to interrupt, leave them to one of the disks' own. What the ring
//! does not do as a whole, the threads that wait do again, and theirs is the last word.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io_uring::types::Fd;
use io_uring::{IoUring, opcode, squeue};

use super::{Operation, Waiting, workers};
use crate::{rings, work};

/// Reads under way at a time: with the bell they fill the ring.
const MOST: usize = 63;
/// The bell among the numbers of reads.
const BELL: u64 = MOST as u64;
/// The most bytes that one operation reads.
const LARGEST: usize = 1 << 30;

static RING: Mutex<State> = Mutex::new(State::Untried);

thread_local! {
    /// The ring that this thread serves.
    static SERVED: RefCell<Option<Arc<Ring>>> = const { RefCell::new(None) };
}

enum State {
    Untried,
    /// The system has none for us.
    Refused,
    There(Arc<Ring>),
}

struct Ring {
    queue: Mutex<Queue>,
    /// An event that wakes the thread (`eventfd(2)`).
    bell: File,
    /// What the ring's thread has while it looks after the ring: not while it is in a kernel.
    server: Mutex<Option<Server>>,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    /// The thread will look here before it sleeps.
    awake: bool,
    /// No disk is open any more.
    ends: bool,
}

struct Server {
    uring: IoUring,
    under_way: [Option<Waiting>; MOST],
    /// Reads that ended, with what the system says of them.
    ended: VecDeque<(Waiting, i32)>,
    listens: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a read done, or gives it back where there is no ring.
pub(super) fn begin(waiting: Waiting) -> Result<(), Waiting> {
    let mut state = lock(&RING);
    if matches!(*state, State::Untried) {
        *state = Ring::start().map_or(State::Refused, State::There);
    }
    let State::There(ring) = &*state else {
        return Err(waiting);
    };
    let ring = ring.clone();
    let mut queue = lock(&ring.queue);
    queue.waiting.push_back(waiting);
    drop(state);
    ring.wake(queue);
    Ok(())
}

/// The last disk is closed, and nothing is under way: the thread ends, which nobody waits for.
pub(super) fn end() {
    let mut state = lock(&RING);
    if let State::There(ring) = &*state {
        let ring = ring.clone();
        *state = State::Untried;
        drop(state);
        let mut queue = lock(&ring.queue);
        queue.ends = true;
        ring.wake(queue);
    }
}

/// The calling thread is about to wait for reads: if it is the ring's, another has to serve that.
pub(super) fn leave() {
    if let Some(ring) = SERVED.take() {
        spawn(&ring);
    }
}

fn spawn(ring: &Arc<Ring>) -> bool {
    let ring = ring.clone();
    work::spawn("rump-disk-ring", Box::new(move || serve(&ring))).is_ok()
}

impl Ring {
    /// A ring with its thread, if the system gives both.
    fn start() -> Option<Arc<Ring>> {
        let uring = IoUring::new(MOST as u32 + 1).ok()?;
        // SAFETY: no memory is touched; the descriptor is checked before it is taken.
        let bell = unsafe {
            let bell = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            (bell >= 0).then(|| File::from_raw_fd(bell))?
        };
        let ring = Arc::new(Ring {
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                awake: true,
                ends: false,
            }),
            bell,
            server: Mutex::new(Some(Server {
                uring,
                under_way: [const { None }; MOST],
                ended: VecDeque::new(),
                listens: false,
            })),
        });
        spawn(&ring).then_some(ring)
    }

    /// Has the thread look at the queue.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        let asleep = !queue.awake;
        queue.awake = true;
        drop(queue);
        if asleep {
            // Fails only if 2^64 wake-ups are pending.
            let _ = (&self.bell).write(&1_u64.to_ne_bytes());
        }
    }
}

/// A thread's life, until it leaves the ring to another or no disk is open.
fn serve(ring: &Arc<Ring>) {
    SERVED.set(Some(ring.clone()));
    while SERVED.with_borrow(Option::is_some) {
        let Some(mut server) = lock(&ring.server).take() else {
            return;
        };
        let Some((waiting, result)) = server.next(ring) else {
            return;
        };
        *lock(&ring.server) = Some(server);
        settle(waiting, result);
    }
}

/// Tells what came of a read, if all of it is there.
fn settle(waiting: Waiting, result: i32) {
    let Operation::Read { offset, memory } = waiting.operation else {
        unreachable!("only reads go into a ring");
    };
    let done = usize::try_from(result).unwrap_or(0);
    let Some(memory) = memory.after(done) else {
        return waiting.end(Ok(()));
    };
    let offset = offset + done as u64;
    let rest = Waiting {
        operation: Operation::Read { offset, memory },
        ..waiting
    };
    if let Err((_, rest)) = workers::run(rest) {
        rest.finish();
    }
}

impl Server {
    /// Waits for the next read that ends. None if there will not be any.
    fn next(&mut self, ring: &Ring) -> Option<(Waiting, i32)> {
        while self.ended.is_empty() {
            if !self.take(ring) {
                return None;
            }
            rings::submit_and_wait(&self.uring, 1);
            lock(&ring.queue).awake = true;
            self.collect(ring);
        }
        self.ended.pop_front()
    }

    /// Takes what waits, as far as there is room, and says whether there is anything to wait for.
    fn take(&mut self, ring: &Ring) -> bool {
        let mut queue = lock(&ring.queue);
        for number in 0..MOST {
            if self.under_way[number].is_none() {
                let Some(waiting) = queue.waiting.pop_front() else {
                    break;
                };
                self.put(&read(&waiting).user_data(number as u64));
                self.under_way[number] = Some(waiting);
            }
        }
        if queue.ends && self.under_way.iter().all(Option::is_none) {
            return false;
        }
        queue.awake = false;
        drop(queue);
        if !self.listens {
            let listen = opcode::PollAdd::new(Fd(ring.bell.as_raw_fd()), libc::POLLIN as u32);
            self.put(&listen.build().user_data(BELL));
            self.listens = true;
        }
        true
    }

    fn put(&mut self, entry: &squeue::Entry) {
        // SAFETY: a poll has no memory. A read's is the ring's until it has ended, and its file stays open so long:
        // both are in `under_way`, which is emptied by ends only.
        let put = unsafe { self.uring.submission().push(entry) };
        debug_assert!(put.is_ok(), "there are no more than fit the ring");
    }

    /// Takes note of what ended.
    fn collect(&mut self, ring: &Ring) {
        for done in self.uring.completion() {
            if done.user_data() == BELL {
                // It is asked for again with the next reads.
                let _ = (&ring.bell).read(&mut [0; 8]);
                self.listens = false;
            } else if let Some(waiting) = self.under_way[done.user_data() as usize].take() {
                self.ended.push_back((waiting, done.result()));
            }
        }
    }
}

fn read(waiting: &Waiting) -> squeue::Entry {
    let Operation::Read { offset, memory } = waiting.operation else {
        unreachable!("only reads go into a ring");
    };
    let len = memory.len.min(LARGEST) as u32;
    let fd = Fd(waiting.file.raw());
    opcode::Read::new(fd, memory.pointer().cast(), len)
        .offset(offset)
        .build()
}
