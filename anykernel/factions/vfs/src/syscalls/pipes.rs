//! The system calls that make what is read from without a name: pipes, and sets of watches.

use base::{Errno, Lwp};
use markers::syscall;
use syscall::consts::*;
use syscall::{Fd, FdPair, NewFd, Path};

use crate::Person;
use crate::calls;
use crate::inotify::Inotify;
use crate::pipe::{Ends, Pipe};

/// A pipe: an end to read, an end to write. Of the flags there are `O_NONBLOCK` and `O_CLOEXEC`.
#[syscall]
pub fn pipe2(lwp: &Lwp<'_>, mut ends: FdPair<'_>, flags: u32) -> Result<(), Errno> {
    if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    ends.require()?;
    let pipe = Pipe::new();
    let [reader, writer] = [(true, false), (false, true)]
        .map(|(reads, writes)| pipe.open(lwp, Ends { reads, writes }));
    let process = lwp.process();
    let reader = process.open(lwp, reader, O_RDONLY | flags)?;
    match process.open(lwp, writer, O_WRONLY | flags) {
        Ok(writer) => {
            ends.put([reader, writer]);
            Ok(())
        }
        Err(errno) => {
            base::syscalls::close(lwp, Fd(reader.0))?;
            Err(errno)
        }
    }
}

/// A pipe: an end to read, an end to write.
#[syscall]
pub fn pipe(lwp: &Lwp<'_>, ends: FdPair<'_>) -> Result<(), Errno> {
    pipe2(lwp, ends, 0)
}

/// A set of watches, from which what happens to files is read (`inotify(7)`). Of the flags there are `O_NONBLOCK` and
/// `O_CLOEXEC`.
#[syscall]
pub fn inotify_init1(lwp: &Lwp<'_>, flags: u32) -> Result<NewFd, Errno> {
    if flags & !(O_NONBLOCK | O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let set = Inotify::new(lwp, Person::of(lwp)?.vfs().watches());
    lwp.process().open(lwp, set, O_RDONLY | flags)
}

/// Watches what a path leads to, or changes what is heard of it: the watch's number in the set.
#[syscall]
pub fn inotify_add_watch(lwp: &Lwp<'_>, set: Fd, path: Path<'_>, mask: u32) -> Result<i32, Errno> {
    calls::watch(lwp, set, path, mask)
}

/// Ends a watch.
#[syscall]
pub fn inotify_rm_watch(lwp: &Lwp<'_>, set: Fd, watch: i32) -> Result<(), Errno> {
    calls::unwatch(lwp, set, watch)
}
