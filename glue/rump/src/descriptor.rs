//! A descriptor that is closed when it is dropped.

use core::fmt;

use base::Lwp;
use base::syscalls;
use syscall::consts::{F_DUPFD_CLOEXEC, F_GETFL, F_SETFL, O_NONBLOCK};
use syscall::{FcntlArg, Fd, NewFd};

use crate::{Kernel, Result};

/// An open file of a kernel. Closed when dropped.
///
/// Sockets and the like are made of one; it is of use by itself for system calls that have no object
/// of their own here.
pub struct Descriptor {
    kernel: Kernel,
    fd: Fd,
}

/// What has a descriptor, and so can be waited for with a [`Poller`](crate::poll::Poller).
pub trait AsDescriptor {
    /// The descriptor.
    fn as_descriptor(&self) -> &Descriptor;
}

impl Descriptor {
    /// Takes over the descriptor a system call makes.
    pub fn open(kernel: &Kernel, make: impl FnOnce(&Lwp<'_>) -> Result<NewFd>) -> Result<Self> {
        let NewFd(fd) = kernel.enter(make)?;
        Ok(Descriptor {
            kernel: kernel.clone(),
            fd: Fd(fd),
        })
    }

    /// Makes a system call with it.
    #[inline]
    pub fn call<R>(&self, f: impl FnOnce(&Lwp<'_>, Fd) -> Result<R>) -> Result<R> {
        self.kernel.enter(|lwp| f(lwp, self.fd))
    }

    /// Whose descriptor it is.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Its number.
    pub fn fd(&self) -> Fd {
        self.fd
    }

    /// Reads into `buffer`: how many bytes, zero at the end.
    #[inline]
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        self.call(|lwp, fd| syscalls::read(lwp, fd, buffer.into()))
    }

    /// Writes from `buffer`: how many bytes.
    #[inline]
    pub fn write(&self, buffer: &[u8]) -> Result<usize> {
        self.call(|lwp, fd| syscalls::write(lwp, fd, buffer.into()))
    }

    /// Another descriptor for the same open file.
    pub fn try_clone(&self) -> Result<Self> {
        Descriptor::open(&self.kernel, |lwp| {
            syscalls::fcntl(lwp, self.fd, F_DUPFD_CLOEXEC, FcntlArg::number(0)).map(NewFd)
        })
    }

    /// Says whether calls fail with `EAGAIN` instead of waiting.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        self.call(|lwp, fd| {
            let flags = syscalls::fcntl(lwp, fd, F_GETFL, FcntlArg::number(0))? as u32;
            let flags = if nonblocking {
                flags | O_NONBLOCK
            } else {
                flags & !O_NONBLOCK
            };
            syscalls::fcntl(lwp, fd, F_SETFL, FcntlArg::number(flags.into())).map(drop)
        })
    }
}

impl AsDescriptor for Descriptor {
    fn as_descriptor(&self) -> &Descriptor {
        self
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // It was open; if the kernel died since, nothing is left to close.
        let _ = self.call(syscalls::close);
    }
}

impl fmt::Debug for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {:?}", self.fd, self.kernel)
    }
}
