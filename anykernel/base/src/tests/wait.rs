//! Steps and waits, to the nanosecond.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use syscall::{Fd, UioOut, UserIn, UserOut, consts::*};

use super::{Counter, MS, Pipe, acting, after, inside, kernel};
use crate::syscalls::*;
use crate::*;

fn read_byte(lwp: &Lwp<'_>, fd: Fd) -> Result<u8, Errno> {
    let mut byte = [0];
    match read(lwp, fd, UserOut::from(byte.as_mut_slice()))? {
        0 => Err(Errno::EPIPE),
        _ => Ok(byte[0]),
    }
}

#[test]
fn a_read_waits_for_news() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let start = lwp.now();
        after(lwp, 50 * MS, move |lwp| pipe.feed(lwp, 7));
        assert_eq!(read_byte(lwp, fd), Ok(7));
        let took = lwp.now() - start;
        assert!((50 * MS..52 * MS).contains(&took), "{took}");
    });
}

#[test]
fn a_write_goes_on_until_all_is_written() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 4);
        for round in 1..=2 {
            let pipe = pipe.clone();
            after(lwp, round * 10 * MS, move |lwp| pipe.drain(lwp));
        }
        assert_eq!(write(lwp, fd, UserIn::from([0; 10].as_slice())), Ok(10));
        // Nobody drains the rest: without waiting, what fits counts.
        fcntl(
            lwp,
            fd,
            F_SETFL,
            syscall::FcntlArg::number(i64::from(O_NONBLOCK)),
        )
        .unwrap();
        assert_eq!(write(lwp, fd, UserIn::from([0; 10].as_slice())), Ok(2));
        let full = write(lwp, fd, UserIn::from([0; 10].as_slice()));
        assert_eq!(full, Err(Errno::EAGAIN));
    });
}

#[test]
fn other_news_do_not_end_a_wait_and_the_end_of_the_file_does() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let start = lwp.now();
        let (drained, hung_up) = (pipe.clone(), pipe);
        after(lwp, 10 * MS, move |lwp| drained.drain(lwp));
        after(lwp, 20 * MS, move |lwp| hung_up.hang_up(lwp));
        assert_eq!(read_byte(lwp, fd), Err(Errno::EPIPE));
        assert!(lwp.now() - start >= 20 * MS);
    });
}

struct Never {
    readiness: Readiness,
    timeout: AtomicU64,
}

impl File for Never {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn try_read(&self, _lwp: &Lwp<'_>, _to: &mut UioOut<'_>) -> Result<usize, Wait> {
        Err(Wait::For(Events::IN))
    }

    fn read_timeout(&self) -> u64 {
        self.timeout.load(Relaxed)
    }
}

#[test]
fn a_wait_ends_at_its_deadline_exactly() {
    inside(|lwp| {
        let file = Never {
            readiness: Readiness::new(Events::NONE),
            timeout: AtomicU64::new(123_456_789),
        };
        let fd = lwp.process().open(lwp, alloc::sync::Arc::new(file), 0);
        let start = lwp.now();
        assert_eq!(read_byte(lwp, Fd(fd.unwrap().0)), Err(Errno::EAGAIN));
        assert_eq!(lwp.now() - start, 123_456_789);
        // Deadlines at the end of time are none, and those that have passed are over at once.
        let readiness = Readiness::new(Events::NONE);
        let forever = Blocking::new(false).within(lwp, u64::MAX - 1);
        assert_eq!(forever.deadline, u64::MAX);
        let over = Blocking {
            deadline: 0,
            ..forever
        };
        let never = || Err::<(), _>(Wait::For(Events::IN));
        assert_eq!(block(lwp, &readiness, over, never), Err(Errno::EAGAIN));
    });
}

#[test]
fn an_interrupted_process_waits_no_more() {
    let kernel = kernel();
    let process = kernel.fork();
    enter(&process, |lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let interrupting = acting(&process, |lwp| lwp.process().interrupt());
        after(lwp, 5 * MS, interrupting);
        let start = lwp.now();
        assert_eq!(read_byte(lwp, fd), Err(Errno::EINTR));
        assert!(lwp.now() - start < 7 * MS);
        assert_eq!(read_byte(lwp, fd), Err(Errno::EINTR));
        let mut events = alloc::vec::Vec::new();
        let set = Fd(epoll_create1(lwp, 0)?.0);
        let room = syscall::EpollEvents::new(&mut events, 1);
        assert_eq!(epoll_wait(lwp, set, room, -1), Err(Errno::EINTR));
        // What need not wait goes on.
        pipe.feed(lwp, 1);
        assert_eq!(read_byte(lwp, fd), Ok(1));
        process.exit(lwp);
        Ok(())
    })
    .unwrap();
    // Others are not meant.
    enter(kernel.process(), |lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        after(lwp, 5 * MS, move |lwp| pipe.feed(lwp, 2));
        assert_eq!(read_byte(lwp, fd), Ok(2));
        Ok(())
    })
    .unwrap();
}

#[test]
fn news_during_a_step_are_not_missed() {
    inside(|lwp| {
        let readiness = Readiness::new(Events::NONE);
        let tries = Counter::default();
        let how = Blocking::new(false);
        let result = block(lwp, &readiness, how, || {
            tries.add();
            if tries.get() == 1 {
                Wakes::deliver_after(lwp, |wakes| {
                    readiness.update(Events::IN, Events::NONE, wakes);
                });
                return Err(Wait::For(Events::IN));
            }
            Ok(tries.get())
        });
        assert_eq!(result, Ok(2));
    });
}
