//! The pool with real threads. One test at a time: the pool is the process's.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use hypercall::{Clock, Upcall, Work};

use crate::Platform;

const MILLISECOND: u64 = 1_000_000;

/// Keeps other tests of the pool out.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A kernel that runs a closure.
pub(crate) struct Fake {
    handle: u64,
    cookie: usize,
}

type Action = Box<dyn Fn() + Sync>;

extern "C-unwind" fn run(cookie: usize) {
    // SAFETY: the address of the boxed closure below, which outlives the attachment.
    let action: &Action = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    action();
}

impl Fake {
    pub(crate) fn new(action: impl Fn() + Sync + 'static) -> Fake {
        let action: *mut Action = Box::into_raw(Box::new(Box::new(action)));
        let cookie = action.expose_provenance();
        let handle = Platform::attach(Upcall::new(run, cookie));
        Fake { handle, cookie }
    }

    fn request(&self, deadline: u64) {
        Platform::request(self.handle, deadline);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        Platform::detach(self.handle);
        // SAFETY: made by `into_raw`, and no call comes after `detach`.
        drop(unsafe {
            Box::from_raw(std::ptr::with_exposed_provenance_mut::<Action>(self.cookie))
        });
    }
}

fn count(directory: &str) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

/// Threads of the pool that there are.
fn workers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name == "rump-work\n")
        .count()
}

/// The system shows a thread for a moment longer than it can be joined.
fn no_workers() -> bool {
    (0..100).any(|_| {
        workers() == 0 || {
            thread::sleep(Duration::from_millis(1));
            false
        }
    })
}

#[test]
fn a_deadline_asked_for_during_a_call_is_kept_by_whoever_sleeps() {
    let _alone = alone();
    let (calls, started) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let slow = Fake::new(move || {
        calls.send(()).unwrap();
        // Disconnected from the second call on.
        let _ = gone.lock().unwrap().recv();
    });
    let quick = Fake::new(|| ());
    slow.request(0);
    started.recv().unwrap();
    // Whoever does this sleeps afterwards, for as long as it knows of nothing.
    quick.request(0);
    thread::sleep(Duration::from_millis(20));
    slow.request(Platform::monotonic() + 5 * MILLISECOND);
    drop(go);
    started.recv_timeout(Duration::from_secs(5)).unwrap();
}

#[test]
fn calls_when_asked_and_not_before_the_deadline() {
    let _alone = alone();
    let (send, receive) = mpsc::channel();
    let kernel = Fake::new(move || send.send(Platform::monotonic()).unwrap());
    assert_eq!(workers(), 0, "no thread before there is something to do");
    kernel.request(0);
    receive.recv().unwrap();
    let start = Platform::monotonic();
    kernel.request(start + 50 * MILLISECOND);
    kernel.request(start + 5 * MILLISECOND);
    kernel.request(start + 20 * MILLISECOND);
    assert!(receive.recv().unwrap() >= start + 5 * MILLISECOND);
    // The earliest counted, and it counted once.
    assert!(receive.recv_timeout(Duration::from_millis(100)).is_err());
    drop(kernel);
    assert!(no_workers(), "no thread when the last kernel is gone");
}

#[test]
fn a_request_during_the_call_repeats_it_and_calls_never_overlap() {
    let _alone = alone();
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    static HANDLE: AtomicU64 = AtomicU64::new(0);
    let (send, receive) = mpsc::channel();
    let kernel = Fake::new(move || {
        assert_eq!(INSIDE.fetch_add(1, SeqCst), 0);
        let call = CALLS.fetch_add(1, SeqCst);
        if call < 100 {
            Platform::request(HANDLE.load(SeqCst), 0);
        } else {
            send.send(()).unwrap();
        }
        INSIDE.fetch_sub(1, SeqCst);
    });
    HANDLE.store(kernel.handle, SeqCst);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..1000).for_each(|_| kernel.request(0)));
        }
    });
    receive.recv_timeout(Duration::from_secs(5)).unwrap();
}

#[test]
fn kernels_run_beside_each_other() {
    let _alone = alone();
    if crate::threads::processors() == 1 {
        return;
    }
    let (first_in, first) = mpsc::channel();
    let (second_in, second) = mpsc::channel::<()>();
    let second = Mutex::new(second);
    // The first call ends only when the second kernel was called.
    let a = Fake::new(move || {
        first_in.send(()).unwrap();
        let second = second.lock().unwrap();
        second.recv_timeout(Duration::from_secs(5)).unwrap();
    });
    let b = Fake::new(move || second_in.send(()).unwrap());
    a.request(0);
    first.recv().unwrap();
    b.request(0);
    drop(a);
    drop(b);
}

#[test]
fn detach_waits_for_the_call() {
    let _alone = alone();
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    let (started, receive) = mpsc::channel();
    let kernel = Fake::new(move || {
        started.send(()).unwrap();
        thread::sleep(Duration::from_millis(30));
        ENDED.store(1, SeqCst);
    });
    kernel.request(0);
    receive.recv().unwrap();
    drop(kernel);
    assert_eq!(ENDED.load(SeqCst), 1);
}

#[test]
fn nothing_is_left_after_many_lives() {
    let _alone = alone();
    let before = count("/proc/self/fd");
    for _ in 0..1000 {
        let (send, receive) = mpsc::channel();
        let kernel = Fake::new(move || send.send(()).unwrap_or(()));
        kernel.request(Platform::monotonic() + 3600 * 1000 * MILLISECOND);
        kernel.request(0);
        receive.recv().unwrap();
    }
    assert!(no_workers());
    assert_eq!(count("/proc/self/fd"), before);
}

#[test]
fn an_idle_pool_makes_no_wake_ups() {
    let _alone = alone();
    let (send, receive) = mpsc::channel();
    let kernels: Vec<_> = (0..10)
        .map(|_| {
            let send = send.clone();
            Fake::new(move || send.send(()).unwrap())
        })
        .collect();
    kernels.iter().for_each(|kernel| kernel.request(0));
    kernels.iter().for_each(|_| receive.recv().unwrap());
    let switches = || -> u64 {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
            .filter(|status| status.starts_with("Name:\trump-work\n"))
            .flat_map(|status| {
                let line = status.lines().find(|l| l.starts_with("voluntary"))?;
                line.split_whitespace().last()?.parse::<u64>().ok()
            })
            .sum()
    };
    thread::sleep(Duration::from_millis(50));
    let before = switches();
    assert!(before > 0);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(switches(), before);
}

#[test]
fn kernels_come_and_go_on_many_threads() {
    let _alone = alone();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let before = count("/proc/self/fd");
    thread::scope(|scope| {
        for seed in 1..=4u64 {
            scope.spawn(move || {
                let mut random = seed;
                for _ in 0..500 {
                    let (send, receive) = mpsc::channel();
                    let kernel = Fake::new(move || {
                        CALLS.fetch_add(1, SeqCst);
                        let _ = send.send(());
                    });
                    random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
                    let soon = (random >> 33) % 200_000;
                    match random >> 62 {
                        // Gone before it was called.
                        0 => kernel.request(0),
                        // Gone with a request to come.
                        1 => kernel.request(Platform::monotonic() + soon),
                        2 => {
                            kernel.request(Platform::monotonic() + soon);
                            receive.recv_timeout(Duration::from_secs(5)).unwrap();
                        }
                        _ => {
                            kernel.request(Platform::monotonic() + 1000 * MILLISECOND);
                            kernel.request(0);
                            receive.recv_timeout(Duration::from_secs(5)).unwrap();
                        }
                    }
                }
            });
        }
    });
    assert!(CALLS.load(SeqCst) >= 500);
    assert!(no_workers());
    assert_eq!(count("/proc/self/fd"), before);
}
