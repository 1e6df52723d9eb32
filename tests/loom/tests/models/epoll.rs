//! No news get lost between a file and whoever waits for a set it is in.

use std::sync::Arc;

use base::syscalls::{epoll_create1, epoll_ctl, epoll_wait};
use base::{Errno, Events, File, Kernel, Lwp, Readiness, enter};
use loom::thread;
use syscall::consts::{EPOLL_CTL_ADD, EPOLLET, O_RDWR};
use syscall::{EpollEvent, EpollEventIn, EpollEvents, Fd};

use crate::waits::Queue;
use crate::{boot, check};

struct Shared(Arc<Queue>);

impl File for Shared {
    fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }
}

/// A kernel with a file in a set.
fn set(queue: &Arc<Queue>, events: u32) -> (Kernel, Fd) {
    let kernel = boot();
    let set = enter(kernel.process(), |lwp| {
        let set = Fd(epoll_create1(lwp, 0)?.0);
        let file = Arc::new(Shared(queue.clone()));
        let fd = Fd(lwp.process().open(lwp, file, O_RDWR)?.0);
        let event = EpollEventIn::new(Ok(EpollEvent { events, data: 0 }));
        epoll_ctl(lwp, set, EPOLL_CTL_ADD, fd, event)?;
        Ok(set)
    });
    (kernel, set.unwrap())
}

fn wait(lwp: &Lwp<'_>, set: Fd) -> Result<i32, Errno> {
    let mut events = Vec::new();
    epoll_wait(lwp, set, EpollEvents::new(&mut events, 1), -1)
}

fn one_waits(flags: u32) {
    check(7, move || {
        let queue = Queue::new();
        let (kernel, set) = set(&queue, Events::IN.0 | flags);
        let (process, source) = (kernel.process().clone(), queue.clone());
        let putting = thread::spawn(move || {
            enter(&process, |lwp| {
                source.put(lwp);
                Ok(())
            })
        });
        let taken = enter(kernel.process(), |lwp| {
            wait(lwp, set)?;
            Ok(queue.try_take(lwp).is_ok())
        });
        assert_eq!(taken, Ok(true));
        putting.join().unwrap().unwrap();
    });
}

#[test]
fn one_waits_for_a_level() {
    one_waits(0);
}

#[test]
fn one_waits_for_an_edge() {
    one_waits(EPOLLET);
}

/// Whoever looks has the file in hand for a moment, in which the other finds an empty list.
#[test]
fn two_see_one_level() {
    check(7, || {
        let queue = Queue::new();
        let (kernel, set) = set(&queue, Events::IN.0);
        enter(kernel.process(), |lwp| {
            queue.put(lwp);
            Ok(())
        })
        .unwrap();
        let process = kernel.process().clone();
        let other = thread::spawn(move || enter(&process, |lwp| wait(lwp, set)));
        assert_eq!(enter(kernel.process(), |lwp| wait(lwp, set)), Ok(1));
        assert_eq!(other.join().unwrap(), Ok(1));
    });
}

/// The same with a third that has the news. The atomic steps of three threads give too many orders for more.
#[test]
fn two_wait_for_one_level() {
    let preemptions = if cfg!(feature = "up") { 3 } else { 1 };
    check(preemptions, || {
        let queue = Queue::new();
        let (kernel, set) = set(&queue, Events::IN.0);
        let waiters = [(); 2].map(|()| {
            let process = kernel.process().clone();
            thread::spawn(move || enter(&process, |lwp| wait(lwp, set)))
        });
        enter(kernel.process(), |lwp| {
            queue.put(lwp);
            Ok(())
        })
        .unwrap();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(1));
        }
    });
}
