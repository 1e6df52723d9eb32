//! The system calls of base: descriptors, transfers, readiness, processes.

use markers::syscall;
use syscall::consts::*;
use syscall::{
    EpollEventIn, EpollEvents, FcntlArg, Fd, IoctlArg, IovIn, IovOut, NewFd, PollFds, SigMask,
    Timespec, UioIn, UioOut, UserIn, UserOut,
};

use crate::epoll::Epoll;
use crate::{Blocking, Errno, Lwp, OpenFile, Wait, block, pollset};

/// The number of the calling process.
#[syscall]
pub fn getpid(lwp: &Lwp<'_>) -> Result<i32, Errno> {
    Ok(lwp.process().pid())
}

/// Reads at most `buffer`'s length of bytes.
#[syscall]
pub fn read(lwp: &Lwp<'_>, fd: Fd, buffer: UserOut<'_>) -> Result<usize, Errno> {
    lwp.process()
        .with_file(lwp, fd, |open| read_from(lwp, open, buffer.into()))
}

/// Reads into scattered buffers.
#[syscall]
pub fn readv(lwp: &Lwp<'_>, fd: Fd, buffers: IovOut<'_>) -> Result<usize, Errno> {
    lwp.process()
        .with_file(lwp, fd, |open| read_from(lwp, open, buffers.uio()?))
}

fn read_from(lwp: &Lwp<'_>, open: &OpenFile, mut to: UioOut<'_>) -> Result<usize, Errno> {
    if !open.readable() {
        return Err(Errno::EBADF);
    }
    let file = open.file();
    let how = Blocking::new(open.nonblock()).within(lwp, file.read_timeout());
    block(lwp, file.readiness(), how, || file.try_read(lwp, &mut to))
}

/// Writes at most `buffer`'s length of bytes.
#[syscall]
pub fn write(lwp: &Lwp<'_>, fd: Fd, buffer: UserIn<'_>) -> Result<usize, Errno> {
    lwp.process()
        .with_file(lwp, fd, |open| write_to(lwp, open, buffer.into()))
}

/// Writes from scattered buffers.
#[syscall]
pub fn writev(lwp: &Lwp<'_>, fd: Fd, buffers: IovIn<'_>) -> Result<usize, Errno> {
    lwp.process()
        .with_file(lwp, fd, |open| write_to(lwp, open, buffers.uio()?))
}

fn write_to(lwp: &Lwp<'_>, open: &OpenFile, mut from: UioIn<'_>) -> Result<usize, Errno> {
    if !open.writable() {
        return Err(Errno::EBADF);
    }
    let file = open.file();
    let how = Blocking::new(open.nonblock()).within(lwp, file.write_timeout());
    let whole = file.writes_all() && !open.nonblock();
    transfer(lwp, open, how, whole, &mut from, |from| {
        file.try_write(lwp, from)
    })
}

/// Writes once, or until everything is written. What was written before a failure counts.
pub fn transfer(
    lwp: &Lwp<'_>,
    open: &OpenFile,
    how: Blocking,
    whole: bool,
    from: &mut UioIn<'_>,
    mut step: impl FnMut(&mut UioIn<'_>) -> Result<usize, Wait>,
) -> Result<usize, Errno> {
    let mut done = 0;
    loop {
        match block(lwp, open.file().readiness(), how, || step(from)) {
            Ok(count) => done += count,
            Err(_) if done > 0 => return Ok(done),
            Err(errno) => return Err(errno),
        }
        if !whole || from.remaining() == 0 {
            return Ok(done);
        }
    }
}

/// Closes a descriptor.
#[syscall]
pub fn close(lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
    lwp.process().close(lwp, fd)
}

/// Another descriptor for the same open file.
#[syscall]
pub fn dup(lwp: &Lwp<'_>, fd: Fd) -> Result<NewFd, Errno> {
    lwp.process().dup(lwp, fd, 0, false)
}

/// Makes `to` another descriptor for the open file of `from`.
#[syscall]
pub fn dup2(lwp: &Lwp<'_>, from: Fd, to: Fd) -> Result<NewFd, Errno> {
    if from == to {
        return lwp.process().with_file(lwp, from, |_| Ok(NewFd(to.0)));
    }
    lwp.process().dup_to(lwp, from, to, false)
}

/// As `dup2`, but not for one and the same descriptor, and with `O_CLOEXEC`.
#[syscall]
pub fn dup3(lwp: &Lwp<'_>, from: Fd, to: Fd, flags: u32) -> Result<NewFd, Errno> {
    if from == to || flags & !O_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    lwp.process().dup_to(lwp, from, to, flags & O_CLOEXEC != 0)
}

/// Gets and sets flags of a descriptor (`F_GETFD`, `F_SETFD`) or of its open file (`F_GETFL`,
/// `F_SETFL`), or duplicates it (`F_DUPFD`, `F_DUPFD_CLOEXEC`).
#[syscall]
pub fn fcntl(
    lwp: &Lwp<'_>,
    fd: Fd,
    command: u32,
    mut argument: FcntlArg<'_>,
) -> Result<i32, Errno> {
    let process = lwp.process();
    let number = argument.as_number() as i32;
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => process
            .dup(lwp, fd, number, command == F_DUPFD_CLOEXEC)
            .map(|new| new.0),
        F_GETFD => Ok(i32::from(process.close_on_exec(lwp, fd)?)),
        F_SETFD => {
            process.set_close_on_exec(fd, number as u32 & FD_CLOEXEC != 0)?;
            Ok(0)
        }
        F_GETFL => process.with_file(lwp, fd, |open| Ok(open.flags() as i32)),
        F_SETFL => process.with_file(lwp, fd, |open| {
            open.set_nonblock(number as u32 & O_NONBLOCK != 0);
            open.set_append(number as u32 & O_APPEND != 0);
            Ok(0)
        }),
        F_GETLK | F_SETLK | F_SETLKW | F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW => {
            process.with_file(lwp, fd, |open| {
                open.file().range_lock(lwp, open, command, &mut argument)
            })?;
            Ok(0)
        }
        _ => process.with_file(lwp, fd, |_| Err(Errno::EINVAL)),
    }
}

/// Does what a file's own commands are for, and `FIONBIO`, `FIOCLEX`, `FIONCLEX` for any.
#[syscall]
pub fn ioctl(lwp: &Lwp<'_>, fd: Fd, argument: IoctlArg<'_>) -> Result<i32, Errno> {
    let process = lwp.process();
    process.with_file(lwp, fd, |open| match argument.request() {
        FIONBIO => {
            open.set_nonblock(argument.read_int()? != 0);
            Ok(0)
        }
        request @ (FIOCLEX | FIONCLEX) => {
            process.set_close_on_exec(fd, request == FIOCLEX)?;
            Ok(0)
        }
        _ => open.file().ioctl(lwp, &argument),
    })
}

/// Waits at most `timeout` milliseconds (for ever if negative) for any of the files.
#[syscall]
pub fn poll(lwp: &Lwp<'_>, files: PollFds<'_>, timeout: i32) -> Result<i32, Errno> {
    let how = within_milliseconds(lwp, timeout);
    Ok(pollset::poll(lwp, files.get()?, how)? as i32)
}

/// As `poll`, with a finer timeout. There are no signals to mask.
#[syscall]
pub fn ppoll(
    lwp: &Lwp<'_>,
    files: PollFds<'_>,
    timeout: Timespec,
    _mask: SigMask,
) -> Result<i32, Errno> {
    let span = timeout.nanoseconds()?;
    let how = Blocking::new(span == Some(0)).within(lwp, span.unwrap_or(u64::MAX));
    Ok(pollset::poll(lwp, files.get()?, how)? as i32)
}

fn within_milliseconds(lwp: &Lwp<'_>, timeout: i32) -> Blocking {
    let span = u64::try_from(timeout).map_or(u64::MAX, |ms| ms * 1_000_000);
    Blocking::new(timeout == 0).within(lwp, span)
}

/// An epoll set. Of the flags there is `EPOLL_CLOEXEC`.
#[syscall]
pub fn epoll_create1(lwp: &Lwp<'_>, flags: u32) -> Result<NewFd, Errno> {
    if flags & !EPOLL_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    lwp.process().open(lwp, Epoll::new(), O_RDWR | flags)
}

/// Adds a file to a set (`EPOLL_CTL_ADD`), changes what it is watched for (`EPOLL_CTL_MOD`) or
/// removes it (`EPOLL_CTL_DEL`).
#[syscall]
pub fn epoll_ctl(
    lwp: &Lwp<'_>,
    set: Fd,
    operation: u32,
    fd: Fd,
    event: EpollEventIn,
) -> Result<(), Errno> {
    let event = match operation {
        EPOLL_CTL_DEL => None,
        _ => Some(event.get()?),
    };
    let process = lwp.process();
    process.with_file(lwp, set, |set_open| {
        process.with_file(lwp, fd, |open| {
            if alloc::sync::Arc::ptr_eq(set_open, open) {
                return Err(Errno::EINVAL);
            }
            let set = epoll_of(set_open)?;
            match (operation, event) {
                (EPOLL_CTL_ADD, Some(event)) => set.add(lwp, fd.0, open, event),
                (EPOLL_CTL_MOD, Some(event)) => set.modify(lwp, fd.0, open, event),
                (EPOLL_CTL_DEL, _) => set.delete(lwp, fd.0, open),
                _ => Err(Errno::EINVAL),
            }
        })
    })
}

fn epoll_of(open: &OpenFile) -> Result<alloc::sync::Arc<Epoll>, Errno> {
    let file: alloc::sync::Arc<dyn core::any::Any + Send + Sync> = open.file().clone();
    file.downcast().map_err(|_| Errno::EINVAL)
}

/// Waits at most `timeout` milliseconds (for ever if negative) for events of a set.
#[syscall]
pub fn epoll_wait(
    lwp: &Lwp<'_>,
    set: Fd,
    mut events: EpollEvents<'_>,
    timeout: i32,
) -> Result<i32, Errno> {
    if events.capacity() <= 0 {
        return Err(Errno::EINVAL);
    }
    let room = events.capacity() as usize;
    let how = within_milliseconds(lwp, timeout).or(Errno::ETIMEDOUT);
    lwp.process().with_file(lwp, set, |open| {
        let epoll = open.downcast::<Epoll>().ok_or(Errno::EINVAL)?;
        let found = block(lwp, open.file().readiness(), how, || {
            epoll.try_wait(lwp, room, events.events())
        });
        match found {
            Ok(count) => Ok(count as i32),
            Err(Errno::ETIMEDOUT) => Ok(0),
            Err(errno) => Err(errno),
        }
    })
}

/// As `epoll_wait`. There are no signals to mask.
#[syscall]
pub fn epoll_pwait(
    lwp: &Lwp<'_>,
    set: Fd,
    events: EpollEvents<'_>,
    timeout: i32,
    _mask: SigMask,
) -> Result<i32, Errno> {
    epoll_wait(lwp, set, events, timeout)
}
