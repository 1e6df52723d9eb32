//! A host made of loom: threads that wait for a permit each, and a request for deferred work.

use hypercall::{Bytes, BytesMut, Upcall};
use loom::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Platform;

/// Loom's limit is five threads.
const THREADS: usize = 5;

/// A flag that can be waited for.
struct Permit {
    there: Mutex<bool>,
    given: Condvar,
}

impl Permit {
    fn new() -> Self {
        Permit {
            there: Mutex::new(false),
            given: Condvar::new(),
        }
    }

    fn give(&self) {
        *self.there.lock().unwrap() = true;
        self.given.notify_one();
    }

    fn take(&self) {
        let mut there = self.there.lock().unwrap();
        while !*there {
            there = self.given.wait(there).unwrap();
        }
        *there = false;
    }
}

loom::lazy_static! {
    static ref PERMITS: Vec<Permit> = (0..THREADS).map(|_| Permit::new()).collect();
    static ref TAKEN: AtomicUsize = AtomicUsize::new(0);
    static ref REQUEST: Permit = Permit::new();
    static ref ATTACHED: Mutex<Option<Upcall>> = Mutex::new(None);
}

loom::thread_local! {
    static TOKEN: Cell<usize> = Cell::new(0);
    static PROCESSOR: Cell<u32> = Cell::new(u32::MAX);
}

/// Has the thread say that it is on a processor, which it does not otherwise.
pub(crate) fn be_on(processor: u32) {
    PROCESSOR.with(|it| it.set(processor));
}

fn token() -> usize {
    TOKEN.with(|token| {
        if token.get() == 0 {
            token.set(TAKEN.fetch_add(1, Relaxed) + 1);
        }
        token.get()
    })
}

/// Waits until deferred work was asked for at once, and has it done.
pub(crate) fn run_deferred() {
    REQUEST.take();
    let run = *ATTACHED.lock().unwrap();
    if let Some(run) = run {
        run.call();
    }
}

impl hypercall::Threads for Platform {
    fn current() -> u64 {
        token() as u64
    }

    /// Deadlines do not come: whoever waits is woken, or the model fails.
    fn park(_deadline: u64) -> bool {
        PERMITS[token() - 1].take();
        true
    }

    fn unpark(token: u64) {
        PERMITS[token as usize - 1].give();
    }

    /// Usually nowhere, so that nobody spins: that only adds orders which are alike.
    fn cpu() -> u32 {
        PROCESSOR.with(Cell::get)
    }

    fn relax() {
        loom::thread::yield_now();
    }

    fn spawn(_run: Upcall) -> i64 {
        unreachable!("models make their own threads");
    }
}

impl hypercall::Work for Platform {
    fn attach(run: Upcall) -> u64 {
        *ATTACHED.lock().unwrap() = Some(run);
        1
    }

    fn request(_handle: u64, deadline: u64) {
        if deadline == 0 {
            REQUEST.give();
        }
    }

    fn detach(_handle: u64) {
        *ATTACHED.lock().unwrap() = None;
    }

    fn wait(_deadline: u64) {
        unreachable!("there are threads");
    }
}

impl hypercall::Clock for Platform {
    fn monotonic() -> u64 {
        0
    }

    fn wall() -> u64 {
        0
    }
}

impl hypercall::Fault for Platform {
    fn catch(run: Upcall) -> bool {
        run.call();
        false
    }

    fn panicking() -> bool {
        false
    }

    fn raise() -> ! {
        panic!("a model's kernel ended with somebody at a lock");
    }
}

impl hypercall::Console for Platform {
    fn write(_text: Bytes<'_>) {}
}

impl hypercall::Params for Platform {
    fn get(_name: Bytes<'_>, _value: BytesMut<'_>) -> i64 {
        -1
    }
}

impl hypercall::Memory for Platform {
    fn allocate(_size: usize, _align: usize) -> usize {
        unreachable!("models have the program's allocator")
    }

    fn allocate_zeroed(_size: usize, _align: usize) -> usize {
        unreachable!("models have the program's allocator")
    }

    fn release(_address: usize, _size: usize, _align: usize) {
        unreachable!("models have the program's allocator")
    }

    fn total() -> usize {
        usize::MAX
    }
}

hypercall::clock!(Platform);
hypercall::console!(Platform);
hypercall::fault!(Platform);
hypercall::memory!(Platform);
hypercall::params!(Platform);
hypercall::threads!(Platform);
hypercall::work!(Platform);
