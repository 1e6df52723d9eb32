//! Base on real threads, a few hundred thousand times.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base::sync::{Leaf, Mutex};
use base::syscalls::{close, epoll_create1, epoll_ctl, epoll_wait, read, write};
use base::{Callout, Errno, Events, Kernel, Lwp, Process, Work, enter};
use base_threads::{Queue, SOON, kernel};
use syscall::consts::{EPOLL_CTL_ADD, EPOLLET};
use syscall::{EpollEvent, EpollEventIn, EpollEvents, Fd, UserIn, UserOut};

/// A thread of the host inside the kernel.
fn spawn<R: Send + 'static>(
    process: &Arc<Process>,
    f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno> + Send + 'static,
) -> JoinHandle<Result<R, Errno>> {
    let process = process.clone();
    thread::spawn(move || enter(&process, f))
}

/// A thread that enters the kernel until that fails.
fn spawn_again_and_again(
    process: &Arc<Process>,
    f: impl Fn(&Lwp<'_>) -> Result<(), Errno> + Send + 'static,
) -> JoinHandle<Errno> {
    let process = process.clone();
    thread::spawn(move || {
        loop {
            if let Err(errno) = enter(&process, &f) {
                return errno;
            }
        }
    })
}

fn join<R>(threads: Vec<JoinHandle<R>>) -> Vec<R> {
    let results = threads.into_iter().map(|thread| thread.join().unwrap());
    results.collect()
}

fn read_number(lwp: &Lwp<'_>, fd: Fd) -> Result<u64, Errno> {
    let mut number = [0; 8];
    read(lwp, fd, UserOut::from(number.as_mut_slice()))?;
    Ok(u64::from_ne_bytes(number))
}

/// The median counts: the machine has other things to do.
fn soon(mut spans: Vec<Duration>) {
    spans.sort();
    assert!(spans[spans.len() / 2] < SOON, "{spans:?}");
}

/// Waits until the threads just started wait.
fn until_asleep() {
    thread::sleep(Duration::from_millis(30));
}

#[test]
fn a_mutex_loses_no_count() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 100_000;
    let kernel = kernel();
    let counts = Arc::new((Mutex::new(0u64), Leaf::new(0u64)));
    let threads = (0..THREADS).map(|_| {
        let (process, counts) = (kernel.process().clone(), counts.clone());
        thread::spawn(move || {
            for round in 0..ROUNDS {
                let counted = enter(&process, |lwp| {
                    match counts.0.try_lock(lwp) {
                        Some(mut count) if round % 2 == 0 => *count += 1,
                        tried => {
                            drop(tried);
                            *counts.0.lock(lwp) += 1;
                        }
                    }
                    counts.1.with(|count| *count += 1);
                    Ok(())
                });
                counted.unwrap();
            }
        })
    });
    join(threads.collect());
    enter(kernel.process(), |lwp| {
        assert_eq!(*counts.0.lock(lwp), THREADS * ROUNDS);
        assert_eq!(counts.1.with(|count| *count), THREADS * ROUNDS);
        Ok(())
    })
    .unwrap();
}

#[test]
fn numbers_go_to_and_fro() {
    const ROUNDS: u64 = 20_000;
    let kernel = kernel();
    let (there, back) = (Queue::new(1), Queue::new(1));
    let (from, to) = (there.clone(), back.clone());
    let other = spawn(kernel.process(), move |lwp| {
        for round in 0..ROUNDS {
            assert_eq!(from.take(lwp)?, round);
            to.put(lwp, round)?;
        }
        Ok(())
    });
    enter(kernel.process(), |lwp| {
        for round in 0..ROUNDS {
            there.put(lwp, round)?;
            assert_eq!(back.take(lwp)?, round);
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(other.join().unwrap(), Ok(()));
}

/// Many writers, a queue each in one set, and several threads that wait for it.
fn set_of_many(flags: u32) {
    const WRITERS: u64 = 8;
    const WAITERS: usize = 3;
    const EACH: u64 = 3_000;
    let kernel = kernel();
    let queues: Arc<Vec<_>> = Arc::new((0..WRITERS).map(|_| Queue::new(16)).collect());
    let set = enter(kernel.process(), |lwp| {
        let set = Fd(epoll_create1(lwp, 0)?.0);
        for (index, queue) in queues.iter().enumerate() {
            let event = EpollEventIn::new(Ok(EpollEvent {
                events: Events::IN.0 | flags,
                data: index as u64,
            }));
            epoll_ctl(lwp, set, EPOLL_CTL_ADD, queue.open(lwp)?, event)?;
        }
        Ok(set)
    });
    let set = set.unwrap();
    let (taken, sum) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let waiters: Vec<_> = (0..WAITERS)
        .map(|_| {
            let (queues, taken, sum) = (queues.clone(), taken.clone(), sum.clone());
            spawn(kernel.process(), move |lwp| {
                while taken.load(SeqCst) < WRITERS * EACH {
                    let mut events = Vec::new();
                    // The others learn that all is done by their timeout.
                    epoll_wait(lwp, set, EpollEvents::new(&mut events, 4), 200)?;
                    for event in events {
                        while let Ok(number) = queues[event.data as usize].try_take(lwp) {
                            sum.fetch_add(number, SeqCst);
                            taken.fetch_add(1, SeqCst);
                        }
                    }
                }
                Ok(())
            })
        })
        .collect();
    let start = Instant::now();
    let writers = (0..WRITERS as usize).map(|index| {
        let queue = queues[index].clone();
        spawn(kernel.process(), move |lwp| {
            (0..EACH).try_for_each(|number| queue.put(lwp, number))
        })
    });
    join(writers.collect());
    join(waiters);
    // Lost wake-ups would show as timeouts.
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(taken.load(SeqCst), WRITERS * EACH);
    assert_eq!(sum.load(SeqCst), WRITERS * EACH * (EACH - 1) / 2);
}

#[test]
fn a_set_of_many_by_level() {
    set_of_many(0);
}

#[test]
fn a_set_of_many_by_edge() {
    set_of_many(EPOLLET);
}

#[test]
fn a_file_closed_while_somebody_waits_for_it_stays_until_then() {
    let kernel = kernel();
    for round in 0..300 {
        let queue = Queue::new(1);
        let fd = enter(kernel.process(), |lwp| queue.open(lwp)).unwrap();
        let (send, started) = mpsc::channel();
        let reader = spawn(kernel.process(), move |lwp| {
            send.send(()).unwrap();
            read_number(lwp, fd)
        });
        started.recv().unwrap();
        if round % 2 == 0 {
            thread::yield_now();
        }
        enter(kernel.process(), |lwp| {
            close(lwp, fd)?;
            queue.put(lwp, 5)
        })
        .unwrap();
        // It had the file, or came too late.
        let result = reader.join().unwrap();
        assert!(matches!(result, Ok(5) | Err(Errno::EBADF)), "{result:?}");
        assert_eq!(Arc::strong_count(&queue), 1);
    }
}

#[test]
fn opening_closing_and_watching_at_once() {
    const ROUNDS: u64 = 3_000;
    let kernel = kernel();
    let set = enter(kernel.process(), |lwp| Ok(Fd(epoll_create1(lwp, 0)?.0))).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let ending = done.clone();
    let waiter = spawn(kernel.process(), move |lwp| {
        while !ending.load(SeqCst) {
            let mut events = Vec::new();
            epoll_wait(lwp, set, EpollEvents::new(&mut events, 4), 1)?;
        }
        Ok(())
    });
    let churn = (0..3).map(|_| {
        spawn(kernel.process(), move |lwp| {
            let queue = Queue::new(2);
            for round in 0..ROUNDS {
                let fd = queue.open(lwp)?;
                let event = EpollEventIn::new(Ok(EpollEvent {
                    events: Events::IN.0,
                    data: round,
                }));
                epoll_ctl(lwp, set, EPOLL_CTL_ADD, fd, event)?;
                write(lwp, fd, UserIn::from(round.to_ne_bytes().as_slice()))?;
                assert_eq!(read_number(lwp, fd), Ok(round));
                close(lwp, fd)?;
            }
            Ok(queue)
        })
    });
    let churn: Vec<_> = churn.collect();
    let queues = join(churn);
    done.store(true, SeqCst);
    assert_eq!(waiter.join().unwrap(), Ok(()));
    // Whoever waited may have been the last to have a file in hand.
    for queue in queues {
        assert_eq!(queue.map(|queue| Arc::strong_count(&queue)), Ok(1));
    }
}

/// Threads that wait in each of the ways there are.
fn sleepers(kernel: &Kernel, count: usize) -> Vec<JoinHandle<Result<u64, Errno>>> {
    let threads = (0..count).map(|index| {
        let process = kernel.fork();
        spawn(&process, move |lwp| {
            let queue = Queue::new(1);
            let fd = queue.open(lwp)?;
            match index % 2 {
                0 => read_number(lwp, fd),
                _ => {
                    let set = Fd(epoll_create1(lwp, 0)?.0);
                    let event = EpollEventIn::new(Ok(EpollEvent {
                        events: Events::IN.0,
                        data: 0,
                    }));
                    epoll_ctl(lwp, set, EPOLL_CTL_ADD, fd, event)?;
                    let mut events = Vec::new();
                    epoll_wait(lwp, set, EpollEvents::new(&mut events, 1), -1)?;
                    Ok(0)
                }
            }
        })
    });
    let threads = threads.collect();
    until_asleep();
    threads
}

#[test]
fn a_panic_frees_all_who_wait_and_who_come_for_the_lock() {
    let mut spans = Vec::new();
    for _ in 0..10 {
        let (kernel, other) = (kernel(), kernel());
        let waiting = sleepers(&kernel, 16);
        let lock = Arc::new(Mutex::new(0));
        let start = Instant::now();
        let breaking = lock.clone();
        let broken = spawn(kernel.process(), move |lwp| -> Result<(), Errno> {
            let _guard = breaking.lock(lwp);
            panic!("a fault with a lock held");
        });
        let late = (0..4).map(|_| {
            let lock = lock.clone();
            spawn_again_and_again(kernel.process(), move |lwp| {
                *lock.lock(lwp) += 1u64;
                Ok(())
            })
        });
        assert!(join(late.collect()).iter().all(|end| *end == Errno::EIO));
        assert!(join(waiting).iter().all(|r| *r == Err(Errno::EIO)));
        assert_eq!(broken.join().unwrap(), Err(Errno::EIO));
        spans.push(start.elapsed());
        assert!(kernel.instance().is_killed() && !other.is_dead());
        enter(other.process(), |lwp| Queue::new(1).put(lwp, 1)).unwrap();
    }
    soon(spans);
}

#[test]
fn shutdown_frees_all_who_wait_and_leaves_nothing() {
    let mut spans = Vec::new();
    for _ in 0..10 {
        let kernel = kernel();
        let instance = Arc::downgrade(kernel.instance());
        let waiting = sleepers(&kernel, 16);
        let start = Instant::now();
        kernel.shutdown();
        for result in join(waiting) {
            assert!(
                matches!(result, Err(Errno::EINTR | Errno::EIO)),
                "{result:?}"
            );
        }
        spans.push(start.elapsed());
        assert!(!kernel.instance().is_killed());
        drop(kernel);
        assert!(instance.upgrade().is_none());
    }
    soon(spans);
}

#[test]
fn shutdown_in_the_middle_of_everything() {
    for _ in 0..50 {
        let kernel = kernel();
        let instance = Arc::downgrade(kernel.instance());
        let busy = (0..3).map(|_| {
            let process = kernel.fork();
            let work = Work::new(kernel.instance(), |_| ());
            let (queue, callout) = (Queue::new(1), Callout::new(|_| ()));
            spawn_again_and_again(&process, move |lwp| {
                let fd = queue.open(lwp)?;
                callout.set(lwp, lwp.now() + 1_000);
                work.schedule();
                write(lwp, fd, UserIn::from([0; 8].as_slice()))?;
                read_number(lwp, fd)?;
                close(lwp, fd)
            })
        });
        let busy: Vec<_> = busy.collect();
        thread::sleep(Duration::from_millis(2));
        kernel.shutdown();
        for end in join(busy) {
            // Its files may have been closed between two of its steps.
            assert!(matches!(end, Errno::EIO | Errno::EINTR | Errno::EBADF));
        }
        assert!(!kernel.instance().is_killed());
        drop(kernel);
        assert!(instance.upgrade().is_none());
    }
}

#[test]
fn work_and_callouts_are_done_by_the_pool() {
    let kernel = kernel();
    let (send, receive) = mpsc::channel();
    let told = send.clone();
    let work = Work::new(kernel.instance(), move |lwp| told.send(lwp.now()).unwrap());
    for _ in 0..2_000 {
        work.schedule();
        receive.recv_timeout(Duration::from_secs(10)).unwrap();
    }
    let callout = Callout::new(move |lwp| send.send(lwp.now()).unwrap());
    for _ in 0..20 {
        let at = enter(kernel.process(), |lwp| {
            let at = lwp.now() + 3_000_000;
            callout.set(lwp, at);
            Ok(at)
        });
        let called = receive.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(called >= at.unwrap());
    }
}

#[test]
fn a_thread_of_the_kernel_s_has_a_handle_of_it() {
    let kernel = kernel();
    let queue = Queue::new(1);
    let there = queue.clone();
    let spawned = kernel.spawn(move |kernel| {
        enter(kernel.process(), |lwp| there.put(lwp, 7)).unwrap();
    });
    spawned.unwrap();
    assert_eq!(enter(kernel.process(), |lwp| queue.take(lwp)), Ok(7));
}
