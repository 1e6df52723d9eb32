//! Epoll sets, as Linux has them.

use alloc::vec::Vec;

use syscall::{EpollEvent, EpollEventIn, EpollEvents, Fd, PollFd, PollFds, consts::*};

use super::{MS, Pipe, acting, after, inside, ready};
use crate::syscalls::*;
use crate::*;

const IN: u32 = Events::IN.0;
const OUT: u32 = Events::OUT.0;
const HUP: u32 = Events::HUP.0;
const RDHUP: u32 = Events::RDHUP.0;

fn set(lwp: &Lwp<'_>) -> Fd {
    Fd(epoll_create1(lwp, EPOLL_CLOEXEC).unwrap().0)
}

fn control(lwp: &Lwp<'_>, set: Fd, operation: u32, fd: Fd, events: u32) -> Result<(), Errno> {
    let data = fd.0 as u64;
    let event = EpollEventIn::new(Ok(EpollEvent { events, data }));
    epoll_ctl(lwp, set, operation, fd, event)
}

fn add(lwp: &Lwp<'_>, set: Fd, fd: Fd, events: u32) {
    control(lwp, set, EPOLL_CTL_ADD, fd, events).unwrap();
}

fn now(lwp: &Lwp<'_>, set: Fd) -> Vec<(u32, u64)> {
    ready(lwp, set, 10, 0)
}

fn at(fd: Fd, events: u32) -> Vec<(u32, u64)> {
    [(events, fd.0 as u64)].into()
}

#[test]
fn level_is_reported_as_long_as_it_lasts() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        add(lwp, set, fd, IN);
        assert_eq!(now(lwp, set), []);
        pipe.feed(lwp, 1);
        assert_eq!(now(lwp, set), at(fd, IN));
        assert_eq!(now(lwp, set), at(fd, IN));
        pipe.drain(lwp);
        assert_eq!(now(lwp, set), []);
        pipe.hang_up(lwp);
        assert_eq!(now(lwp, set), at(fd, IN | HUP));
    });
}

#[test]
fn an_edge_is_reported_once() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        pipe.feed(lwp, 1);
        add(lwp, set, fd, IN | OUT | RDHUP | EPOLLET);
        assert_eq!(now(lwp, set), at(fd, IN | OUT));
        assert_eq!(now(lwp, set), []);
        // More of what was there already is news.
        pipe.feed(lwp, 2);
        assert_eq!(now(lwp, set), at(fd, IN | OUT));
        pipe.drain(lwp);
        assert_eq!(now(lwp, set), []);
        // An edge that is over when somebody looks is none.
        pipe.feed(lwp, 3);
        pipe.drain(lwp);
        assert_eq!(now(lwp, set), at(fd, OUT));
        pipe.hang_up(lwp);
        assert_eq!(now(lwp, set), at(fd, IN | OUT | HUP | RDHUP));
        assert_eq!(now(lwp, set), []);
    });
}

#[test]
fn a_oneshot_is_silent_until_armed_again() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        add(lwp, set, fd, IN | EPOLLONESHOT);
        pipe.feed(lwp, 1);
        assert_eq!(now(lwp, set), at(fd, IN));
        pipe.feed(lwp, 2);
        pipe.hang_up(lwp);
        assert_eq!(now(lwp, set), []);
        control(lwp, set, EPOLL_CTL_MOD, fd, OUT | EPOLLONESHOT).unwrap();
        assert_eq!(now(lwp, set), at(fd, OUT | HUP));
        assert_eq!(now(lwp, set), []);
    });
}

#[test]
fn modifying_looks_again() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        pipe.feed(lwp, 1);
        add(lwp, set, fd, IN | EPOLLET);
        assert_eq!(now(lwp, set), at(fd, IN));
        control(lwp, set, EPOLL_CTL_MOD, fd, IN | EPOLLET).unwrap();
        assert_eq!(now(lwp, set), at(fd, IN));
        control(lwp, set, EPOLL_CTL_MOD, fd, 0).unwrap();
        assert_eq!(now(lwp, set), []);
        control(lwp, set, EPOLL_CTL_DEL, fd, 0).unwrap();
        pipe.hang_up(lwp);
        assert_eq!(now(lwp, set), []);
        assert_eq!(pipe.readiness().observers(), 0);
    });
}

#[test]
fn a_wait_ends_with_news_of_any_kind_of_operation() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        let start = lwp.now();
        let adding = acting(lwp.process(), move |lwp| add(lwp, set, fd, IN));
        after(lwp, 10 * MS, adding);
        let feeding = pipe.clone();
        after(lwp, 20 * MS, move |lwp| feeding.feed(lwp, 1));
        assert_eq!(ready(lwp, set, 1, -1), at(fd, IN));
        assert!(lwp.now() - start >= 20 * MS);
        pipe.drain(lwp);
        assert_eq!(ready(lwp, set, 1, 15), []);
        let timed_out = lwp.now();
        assert_eq!(ready(lwp, set, 1, 15), []);
        assert_eq!(lwp.now() - timed_out, 15 * MS);
    });
}

#[test]
fn files_take_turns_where_there_is_no_room_for_all() {
    inside(|lwp| {
        let set = set(lwp);
        let mut fds = Vec::new();
        for _ in 0..5 {
            let (_, fd) = Pipe::open(lwp, 10);
            add(lwp, set, fd, OUT);
            fds.push(fd.0 as u64);
        }
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.extend(ready(lwp, set, 2, 0).into_iter().map(|(_, data)| data));
        }
        assert_eq!(seen, [fds.clone(), fds].concat());
    });
}

#[test]
fn a_closed_file_leaves_its_sets_and_a_duplicate_keeps_it_there() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        add(lwp, set, fd, OUT);
        let copy = Fd(dup(lwp, fd).unwrap().0);
        close(lwp, fd).unwrap();
        // As in Linux, and as surprising.
        assert_eq!(now(lwp, set), at(fd, OUT));
        let gone = control(lwp, set, EPOLL_CTL_DEL, fd, 0);
        assert_eq!(gone, Err(Errno::EBADF));
        // The key is the descriptor and the file: the copy is not in the set.
        let other = control(lwp, set, EPOLL_CTL_DEL, copy, 0);
        assert_eq!(other, Err(Errno::ENOENT));
        add(lwp, set, copy, OUT);
        assert_eq!(now(lwp, set).len(), 2);
        close(lwp, copy).unwrap();
        assert_eq!(pipe.closed.get(), 1);
        assert_eq!(now(lwp, set), []);
        assert_eq!(pipe.readiness().observers(), 0);
    });
}

#[test]
fn closing_while_waiting_keeps_the_wait() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        add(lwp, set, fd, IN);
        let closing = acting(lwp.process(), move |lwp| {
            close(lwp, fd).unwrap();
            close(lwp, set).unwrap();
        });
        after(lwp, 10 * MS, closing);
        assert_eq!(ready(lwp, set, 1, 30), []);
        assert_eq!(pipe.closed.get(), 1);
        assert_eq!(close(lwp, set), Err(Errno::EBADF));
        assert_eq!(pipe.readiness().observers(), 0);
    });
}

#[test]
fn a_set_in_a_set_is_ready_if_a_file_of_it_is() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let (inner, outer) = (set(lwp), set(lwp));
        add(lwp, outer, inner, IN);
        add(lwp, inner, fd, IN);
        assert_eq!(now(lwp, outer), []);
        let feeding = pipe.clone();
        after(lwp, MS, move |lwp| feeding.feed(lwp, 1));
        assert_eq!(ready(lwp, outer, 10, -1), at(inner, IN));
        assert_eq!(now(lwp, outer), at(inner, IN));
        // Looking at the outer one has taken nothing from the inner one.
        assert_eq!(now(lwp, inner), at(fd, IN));
        pipe.drain(lwp);
        assert_eq!(now(lwp, outer), []);
        let mut entry = [PollFd {
            fd: outer.0,
            events: POLLIN,
            revents: 0,
        }];
        assert_eq!(poll(lwp, PollFds::new(Ok(&mut entry)), 0), Ok(0));
        let feeding = pipe.clone();
        after(lwp, MS, move |lwp| feeding.feed(lwp, 1));
        assert_eq!(poll(lwp, PollFds::new(Ok(&mut entry)), -1), Ok(1));
        close(lwp, fd).unwrap();
        assert_eq!(poll(lwp, PollFds::new(Ok(&mut entry)), 0), Ok(0));
    });
}

#[test]
fn an_edge_of_a_set_in_a_set() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let (inner, outer) = (set(lwp), set(lwp));
        add(lwp, outer, inner, IN | EPOLLET);
        add(lwp, inner, fd, IN);
        pipe.feed(lwp, 1);
        assert_eq!(now(lwp, outer), at(inner, IN));
        assert_eq!(now(lwp, outer), []);
        pipe.feed(lwp, 2);
        assert_eq!(now(lwp, outer), at(inner, IN));
    });
}

#[test]
fn no_circles_and_no_more_than_five_in_one_another() {
    inside(|lwp| {
        let too_deep = Err(Errno::ELOOP);
        for upwards in [true, false] {
            let sets: Vec<Fd> = (0..6).map(|_| set(lwp)).collect();
            for (index, pair) in sets.windows(2).enumerate() {
                let (outer, inner) = if upwards {
                    (pair[1], pair[0])
                } else {
                    (pair[0], pair[1])
                };
                let result = control(lwp, outer, EPOLL_CTL_ADD, inner, IN);
                assert_eq!(result, if index < 4 { Ok(()) } else { too_deep });
            }
            // Taken out in the middle, there is room again.
            let (low, high) = if upwards { (1, 2) } else { (2, 1) };
            control(lwp, sets[high], EPOLL_CTL_DEL, sets[low], 0).unwrap();
            let (low, high) = if upwards { (4, 5) } else { (5, 4) };
            add(lwp, sets[high], sets[low], IN);
        }
        let (a, b, c) = (set(lwp), set(lwp), set(lwp));
        add(lwp, a, b, IN);
        add(lwp, b, c, IN);
        assert_eq!(control(lwp, c, EPOLL_CTL_ADD, a, IN), too_deep);
        assert_eq!(control(lwp, b, EPOLL_CTL_ADD, a, IN), too_deep);
        assert_eq!(control(lwp, a, EPOLL_CTL_ADD, b, IN), Err(Errno::EEXIST));
    });
}

#[test]
fn wrong_arguments() {
    inside(|lwp| {
        let (_, fd) = Pipe::open(lwp, 10);
        let set = set(lwp);
        let (invalid, bad) = (Err(Errno::EINVAL), Err(Errno::EBADF));
        assert_eq!(epoll_create1(lwp, 1).err(), Some(Errno::EINVAL));
        assert_eq!(control(lwp, set, EPOLL_CTL_ADD, set, IN), invalid);
        assert_eq!(control(lwp, fd, EPOLL_CTL_ADD, set, IN), invalid);
        assert_eq!(control(lwp, set, 7, fd, IN), invalid);
        assert_eq!(control(lwp, Fd(55), EPOLL_CTL_ADD, fd, IN), bad);
        assert_eq!(control(lwp, set, EPOLL_CTL_ADD, Fd(55), IN), bad);
        let absent = Err(Errno::ENOENT);
        assert_eq!(control(lwp, set, EPOLL_CTL_MOD, fd, IN), absent);
        assert_eq!(control(lwp, set, EPOLL_CTL_DEL, fd, IN), absent);
        let exclusive = IN | EPOLLEXCLUSIVE;
        assert_eq!(control(lwp, set, EPOLL_CTL_MOD, fd, exclusive), invalid);
        let wrong = exclusive | EPOLLONESHOT;
        assert_eq!(control(lwp, set, EPOLL_CTL_ADD, fd, wrong), invalid);
        add(lwp, set, fd, exclusive);
        assert_eq!(control(lwp, set, EPOLL_CTL_MOD, fd, IN), invalid);
        let twice = control(lwp, set, EPOLL_CTL_ADD, fd, IN);
        assert_eq!(twice, Err(Errno::EEXIST));
        let unreadable = EpollEventIn::new(Err(Errno::EFAULT));
        let fault = epoll_ctl(lwp, set, EPOLL_CTL_ADD, fd, unreadable);
        assert_eq!(fault, Err(Errno::EFAULT));
        let mut events = Vec::new();
        let mut wait = |fd, room| epoll_wait(lwp, fd, EpollEvents::new(&mut events, room), 0);
        assert_eq!(wait(set, 0), Err(Errno::EINVAL));
        assert_eq!(wait(set, -1), Err(Errno::EINVAL));
        assert_eq!(wait(fd, 1), Err(Errno::EINVAL));
        assert_eq!(wait(Fd(55), 1), Err(Errno::EBADF));
    });
}
