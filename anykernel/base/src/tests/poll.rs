//! `poll`.

use alloc::vec::Vec;

use syscall::{Fd, PollFd, PollFds, SigMask, Timespec, consts::*};

use super::{MS, Pipe, acting, after, inside};
use crate::syscalls::*;
use crate::*;

fn ask(entries: &[(Fd, u16)]) -> Vec<PollFd> {
    let entry = |&(fd, events): &(Fd, u16)| PollFd {
        fd: fd.0,
        events,
        revents: 0xffff,
    };
    entries.iter().map(entry).collect()
}

fn poll_now(lwp: &Lwp<'_>, entries: &[(Fd, u16)], timeout: i32) -> (i32, Vec<u16>) {
    let mut set = ask(entries);
    let count = poll(lwp, PollFds::new(Ok(&mut set)), timeout).unwrap();
    (count, set.iter().map(|entry| entry.revents).collect())
}

#[test]
fn says_what_there_is() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 1);
        let in_out = POLLIN | POLLOUT;
        assert_eq!(poll_now(lwp, &[(fd, in_out)], 0), (1, [POLLOUT].into()));
        assert_eq!(poll_now(lwp, &[(fd, POLLIN)], 0), (0, [0].into()));
        pipe.feed(lwp, 1);
        assert_eq!(poll_now(lwp, &[(fd, in_out)], -1), (1, [POLLIN].into()));
        let (plain, none) = ((fd, POLLRDNORM), (fd, 0));
        assert_eq!(
            poll_now(lwp, &[plain, none], -1),
            (1, [POLLRDNORM, 0].into())
        );
        let (wrong, skipped) = ((Fd(77), POLLIN), (Fd(-3), POLLIN));
        let answer = poll_now(lwp, &[wrong, skipped, (fd, POLLIN)], -1);
        assert_eq!(answer, (2, [POLLNVAL, 0, POLLIN].into()));
        pipe.hang_up(lwp);
        assert_eq!(poll_now(lwp, &[none], -1), (1, [POLLHUP].into()));
        let rdhup = (fd, POLLRDHUP);
        assert_eq!(
            poll_now(lwp, &[rdhup], -1),
            (1, [POLLHUP | POLLRDHUP].into())
        );
    });
}

#[test]
fn waits_for_the_first_of_several() {
    inside(|lwp| {
        let (_first, one) = Pipe::open(lwp, 1);
        let (second, other) = Pipe::open(lwp, 1);
        after(lwp, 30 * MS, move |lwp| second.feed(lwp, 1));
        // The same file twice, too.
        let set = [(one, POLLIN), (other, POLLIN), (other, POLLIN)];
        let start = lwp.now();
        assert_eq!(poll_now(lwp, &set, 1000), (2, [0, POLLIN, POLLIN].into()));
        assert!((30 * MS..32 * MS).contains(&(lwp.now() - start)));
    });
}

#[test]
fn times_out_exactly_and_leaves_nothing_behind() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 1);
        let start = lwp.now();
        assert_eq!(poll_now(lwp, &[(fd, POLLIN)], 25), (0, [0].into()));
        assert_eq!(lwp.now() - start, 25 * MS);
        assert_eq!(poll_now(lwp, &[], 5), (0, [].into()));
        assert_eq!(lwp.now() - start, 30 * MS);
        let mut set = ask(&[(fd, POLLIN)]);
        let span = Timespec::decode(0, 1_234_567);
        let none = ppoll(lwp, PollFds::new(Ok(&mut set)), span, SigMask);
        assert_eq!((none, lwp.now() - start), (Ok(0), 31_234_567));
        let wrong = Timespec::decode(0, 1_000_000_000);
        let wrong = ppoll(lwp, PollFds::new(Ok(&mut set)), wrong, SigMask);
        assert_eq!(wrong, Err(Errno::EINVAL));
        assert_eq!(pipe.readiness().observers(), 0);
    });
}

#[test]
fn a_file_closed_by_another_stays_open_until_the_end_of_the_wait() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 1);
        let closed = pipe.closed.clone();
        let closing = acting(lwp.process(), move |lwp| close(lwp, fd).unwrap());
        after(lwp, 10 * MS, closing);
        assert_eq!(poll_now(lwp, &[(fd, POLLIN)], 20), (0, [0].into()));
        assert_eq!(closed.get(), 1);
        assert_eq!(poll_now(lwp, &[(fd, POLLIN)], 20), (1, [POLLNVAL].into()));
    });
}
