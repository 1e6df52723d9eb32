//! Threads, on as many processors as there are.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use core::time::Duration;

use hypercall::{clock, threads};
use rump::Kernel;

use crate::say;

/// How many threads.
const COUNT: u32 = 8;
/// How often each hands over to the next.
const ROUNDS: u64 = 500;
/// How long each computes before it lets others run, in nanoseconds.
const COMPUTE: u64 = 2_000_000;
/// How long it may take altogether.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Shared {
    /// The threads' tokens.
    tokens: [AtomicU64; COUNT as usize],
    /// Whose turn it is, counting on.
    turn: AtomicU64,
    /// Bits of the processors that somebody runs on.
    running: AtomicU64,
    /// They were as many as asked for.
    spread: AtomicBool,
    ended: AtomicU32,
}

/// Threads pass a token around, then compute side by side until they were seen on `processors` at once.
pub(crate) fn try_them(kernel: &Kernel, processors: u32) -> i32 {
    let shared = Arc::new(Shared::default());
    for index in 0..COUNT {
        let shared = shared.clone();
        if let Err(errno) = kernel.spawn(move |_| run(&shared, index, processors)) {
            say!(kernel, "threads: {errno}");
            return 1;
        }
    }
    let begin = clock::monotonic();
    while shared.ended.load(SeqCst) < COUNT {
        let _ = kernel.sleep(Duration::from_millis(5));
        if u128::from(clock::monotonic() - begin) > LONGEST.as_nanos() {
            let Shared { turn, running, .. } = &*shared;
            say!(
                kernel,
                "threads: at turn {turn:?}, on processors {running:?}, for ever"
            );
            return 1;
        }
    }
    say!(
        kernel,
        "threads: {COUNT} on {processors} processors at once"
    );
    0
}

fn run(shared: &Shared, index: u32, processors: u32) {
    let count = u64::from(COUNT);
    shared.tokens[index as usize].store(threads::current(), SeqCst);
    for round in 0..ROUNDS {
        let mine = round * count + u64::from(index);
        while shared.turn.load(SeqCst) != mine {
            // The first wake-ups are lost on threads that have not said who they are.
            threads::park(clock::monotonic() + 1_000_000);
        }
        shared.turn.store(mine + 1, SeqCst);
        let next = shared.tokens[(index as usize + 1) % COUNT as usize].load(SeqCst);
        if next != 0 {
            threads::unpark(next);
        }
    }
    while !shared.spread.load(SeqCst) {
        // With one processor its number is none.
        let here = 1 << (threads::cpu() & 63);
        let others = shared.running.fetch_or(here, SeqCst);
        if (others | here).count_ones() >= processors {
            shared.spread.store(true, SeqCst);
        }
        // Long enough for others to see it.
        let begin = clock::monotonic();
        while clock::monotonic() - begin < COMPUTE {}
        shared.running.fetch_and(!here, SeqCst);
        threads::relax();
    }
    shared.ended.fetch_add(1, SeqCst);
}
