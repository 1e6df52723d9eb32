//! Descriptors and what they stand for.

use alloc::vec::Vec;

use syscall::{FcntlArg, Fd, IoctlArg, NewFd, UserIn, UserOut, consts::*};

use super::{Pipe, inside, kernel, system};
use crate::syscalls::*;
use crate::*;

fn read_bytes(lwp: &Lwp<'_>, fd: Fd, room: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = alloc::vec![0; room];
    let count = read(lwp, fd, UserOut::from(buffer.as_mut_slice()))?;
    buffer.truncate(count);
    Ok(buffer)
}

#[test]
fn bytes_go_in_and_come_out() {
    inside(|lwp| {
        let (_, fd) = Pipe::open(lwp, 100);
        assert_eq!(write(lwp, fd, UserIn::from(b"hello".as_slice())), Ok(5));
        assert_eq!(read_bytes(lwp, fd, 3).unwrap(), b"hel");
        assert_eq!(read_bytes(lwp, fd, 30).unwrap(), b"lo");
    });
}

#[test]
fn the_lowest_free_descriptor_is_next() {
    inside(|lwp| {
        let fds: Vec<i32> = (0..100).map(|_| Pipe::open(lwp, 1).1.0).collect();
        assert_eq!(fds, (0..100).collect::<Vec<_>>());
        for fd in [70, 3, 40] {
            close(lwp, Fd(fd)).unwrap();
        }
        assert_eq!(Pipe::open(lwp, 1).1, Fd(3));
        assert_eq!(fcntl(lwp, Fd(0), F_DUPFD, FcntlArg::number(50)), Ok(70));
        assert_eq!(Pipe::open(lwp, 1).1, Fd(40));
        assert_eq!(Pipe::open(lwp, 1).1, Fd(100));
        assert_eq!(fcntl(lwp, Fd(0), F_DUPFD, FcntlArg::number(1000)), Ok(1000));
        assert_eq!(dup(lwp, Fd(0)), Ok(NewFd(101)));
    });
}

#[test]
fn a_file_closes_once_after_its_last_descriptor() {
    inside(|lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        let other = Fd(dup(lwp, fd).unwrap().0);
        assert_eq!(dup2(lwp, fd, Fd(9)), Ok(NewFd(9)));
        close(lwp, fd).unwrap();
        close(lwp, other).unwrap();
        assert_eq!(pipe.closed.get(), 0);
        pipe.feed(lwp, 1);
        assert_eq!(read_bytes(lwp, Fd(9), 1).unwrap(), [1]);
        // What a descriptor stood for is closed when it comes to stand for something else.
        let (_, new) = Pipe::open(lwp, 10);
        assert_eq!(dup2(lwp, new, Fd(9)), Ok(NewFd(9)));
        assert_eq!(pipe.closed.get(), 1);
    });
}

#[test]
fn bad_descriptors_and_flags_get_what_linux_says() {
    inside(|lwp| {
        let (_, fd) = Pipe::open(lwp, 10);
        let bad = Some(Errno::EBADF);
        for wrong in [Fd(-1), Fd(1), Fd(i32::MAX), Fd(i32::MIN)] {
            assert_eq!(close(lwp, wrong).err(), bad);
            assert_eq!(read_bytes(lwp, wrong, 1).err(), bad);
            assert_eq!(dup(lwp, wrong).err(), bad);
            assert_eq!(dup2(lwp, wrong, wrong).err(), bad);
            assert_eq!(dup2(lwp, wrong, fd).err(), bad);
            assert_eq!(fcntl(lwp, wrong, F_GETFL, FcntlArg::number(0)).err(), bad);
            assert_eq!(fcntl(lwp, wrong, 12345, FcntlArg::number(0)).err(), bad);
        }
        for beyond in [Fd(-1), Fd(1 << 20), Fd(i32::MAX)] {
            assert_eq!(dup2(lwp, fd, beyond).err(), bad);
            let number = FcntlArg::number(i64::from(beyond.0));
            assert_eq!(fcntl(lwp, fd, F_DUPFD, number).err(), Some(Errno::EINVAL));
        }
        assert_eq!(dup2(lwp, fd, fd), Ok(NewFd(0)));
        assert_eq!(dup3(lwp, fd, fd, 0).err(), Some(Errno::EINVAL));
        assert_eq!(dup3(lwp, fd, Fd(5), 1).err(), Some(Errno::EINVAL));
        assert_eq!(
            fcntl(lwp, fd, 12345, FcntlArg::number(0)).err(),
            Some(Errno::EINVAL)
        );
        // Linux's soft limit, the last descriptor below it, and none that is free.
        assert_eq!(
            fcntl(lwp, fd, F_DUPFD, FcntlArg::number((1 << 20) - 1)),
            Ok((1 << 20) - 1)
        );
        let full = fcntl(lwp, fd, F_DUPFD, FcntlArg::number((1 << 20) - 1));
        assert_eq!(full.err(), Some(Errno::EMFILE));
    });
}

#[test]
fn what_a_file_was_opened_for_is_what_it_does() {
    inside(|lwp| {
        let open = |flags| Fd(lwp.process().open(lwp, Pipe::new(9), flags).unwrap().0);
        let one = || UserIn::from([1].as_slice());
        assert_eq!(write(lwp, open(O_RDONLY), one()), Err(Errno::EBADF));
        assert_eq!(read_bytes(lwp, open(O_WRONLY), 1), Err(Errno::EBADF));
        assert_eq!(write(lwp, open(O_WRONLY), one()), Ok(1));
    });
}

#[test]
fn flags_are_the_descriptor_s_or_the_file_s() {
    inside(|lwp| {
        let (_, fd) = Pipe::open(lwp, 10);
        let other = Fd(dup(lwp, fd).unwrap().0);
        assert_eq!(fcntl(lwp, fd, F_SETFD, FcntlArg::number(1)), Ok(0));
        assert_eq!(fcntl(lwp, fd, F_GETFD, FcntlArg::number(0)), Ok(1));
        assert_eq!(fcntl(lwp, other, F_GETFD, FcntlArg::number(0)), Ok(0));
        assert_eq!(
            fcntl(lwp, fd, F_SETFL, FcntlArg::number(i64::from(O_NONBLOCK))),
            Ok(0)
        );
        let flags = (O_RDWR | O_NONBLOCK) as i32;
        assert_eq!(fcntl(lwp, other, F_GETFL, FcntlArg::number(0)), Ok(flags));
        assert_eq!(read_bytes(lwp, other, 1), Err(Errno::EAGAIN));
        let mut off = 0i32.to_ne_bytes();
        let input = off;
        let argument = IoctlArg::new(
            FIONBIO,
            UserIn::from(input.as_slice()),
            UserOut::from(off.as_mut_slice()),
        );
        assert_eq!(ioctl(lwp, fd, argument), Ok(0));
        assert_eq!(
            fcntl(lwp, fd, F_GETFL, FcntlArg::number(0)),
            Ok(O_RDWR as i32)
        );
    });
}

#[test]
fn processes_share_files_and_not_descriptors() {
    let kernel = kernel();
    let child = kernel.fork();
    let parent = kernel.process();
    let pipe = enter(parent, |lwp| {
        assert_eq!(getpid(lwp), Ok(1));
        let (pipe, _) = Pipe::open(lwp, 10);
        Ok(pipe)
    });
    let pipe = pipe.unwrap();
    enter(&child, |lwp| {
        assert_eq!(getpid(lwp), Ok(2));
        assert_eq!(close(lwp, Fd(0)), Err(Errno::EBADF));
        child.copy_files(lwp, parent)?;
        write(lwp, Fd(0), UserIn::from(b"x".as_slice()))
    })
    .unwrap();
    enter(parent, |lwp| {
        assert_eq!(read_bytes(lwp, Fd(0), 9).unwrap(), b"x");
        close(lwp, Fd(0))
    })
    .unwrap();
    assert_eq!(pipe.closed.get(), 0);
    enter(&child, |lwp| {
        child.exit(lwp);
        assert_eq!(close(lwp, Fd(0)), Err(Errno::EBADF));
        Ok(())
    })
    .unwrap();
    assert_eq!(pipe.closed.get(), 1);
}

#[test]
fn the_memory_limit_holds_for_files_tables_and_sets() {
    let config = Config::new().param("memory-limit", "64KiB");
    let kernel = Kernel::boot(system(&[&COMPONENT]), &config).unwrap();
    let memory = kernel.instance().memory().clone();
    let before = memory.used();
    enter(kernel.process(), |lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        assert_eq!(dup2(lwp, fd, Fd(100_000)).err(), Some(Errno::ENOMEM));
        let full = (0..100_000).find_map(|_| {
            let opened = lwp.process().open(lwp, pipe.clone(), O_RDWR);
            opened.err()
        });
        assert_eq!(full, Some(Errno::ENOMEM));
        assert_eq!(pipe.closed.get(), 1);
        assert!(memory.used() <= 64 << 10);
        assert_eq!(memory.charge(usize::MAX).err(), Some(Errno::ENOMEM));
        lwp.process().exit(lwp);
        assert_eq!(memory.used(), before);

        let set = Fd(epoll_create1(lwp, 0)?.0);
        let (_, fd) = Pipe::open(lwp, 10);
        let full = (2..100_000).find_map(|to| {
            dup2(lwp, fd, Fd(to)).ok()?;
            let event = syscall::EpollEventIn::new(Ok(Default::default()));
            epoll_ctl(lwp, set, EPOLL_CTL_ADD, Fd(to), event).err()
        });
        assert_eq!(full, Some(Errno::ENOMEM));
        lwp.process().exit(lwp);
        assert_eq!(memory.used(), before);

        let mut charge = memory.charge(60 << 10)?;
        assert_eq!(charge.resize(70 << 10), Err(Errno::ENOMEM));
        assert_eq!(charge.bytes(), 60 << 10);
        charge.resize(10)?;
        assert_eq!(memory.used(), before + 10);
        Ok(())
    })
    .unwrap();
    assert_eq!(memory.used(), before);
}
