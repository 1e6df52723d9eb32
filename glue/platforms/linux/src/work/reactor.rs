//! What the leader sleeps in while there is something to look after: an epoll set of links, of what others there are,
//! and of an event to wake it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use hypercall::{Clock, Errno};

use crate::{Platform, clock};

/// The number of the wake-up event; links count from zero.
const WAKE: u64 = u64::MAX;
/// The number of all that is no link's.
const OTHERS: u64 = u64::MAX - 1;
/// Events taken at once.
const BATCH: usize = 32;

/// An epoll set.
pub(crate) struct Reactor {
    epoll: OwnedFd,
    wake: OwnedFd,
    others: OnceLock<Arc<dyn Others>>,
}

/// What the leader looks after beside links.
pub(crate) trait Others: Send + Sync {
    /// Something happened.
    fn happened(&self);
}

/// Whether the system has the call that waits with nanoseconds (Linux 5.11).
static PRECISE: AtomicBool = AtomicBool::new(true);

fn owned(fd: RawFd) -> Result<OwnedFd, Errno> {
    if fd < 0 {
        return Err(Errno::from_number(crate::last_errno()));
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A new epoll set.
pub(crate) fn epoll() -> Result<OwnedFd, Errno> {
    // SAFETY: the call touches no memory.
    owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

/// Changes what an epoll set watches.
pub(crate) fn control(
    set: &OwnedFd,
    operation: i32,
    fd: RawFd,
    events: i32,
    number: u64,
) -> Result<(), Errno> {
    let mut event = libc::epoll_event {
        events: events as u32,
        u64: number,
    };
    // SAFETY: the event lives for the call.
    let answer = unsafe { libc::epoll_ctl(set.as_raw_fd(), operation, fd, &mut event) };
    match answer {
        0 => Ok(()),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

impl Reactor {
    pub(crate) fn new() -> Result<Reactor, Errno> {
        let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
        let reactor = Reactor {
            epoll: epoll()?,
            // SAFETY: the call touches no memory.
            wake: owned(unsafe { libc::eventfd(0, flags) })?,
            others: OnceLock::new(),
        };
        let wake = reactor.wake.as_raw_fd();
        reactor.control(
            libc::EPOLL_CTL_ADD,
            wake,
            libc::EPOLLIN | libc::EPOLLET,
            WAKE,
        )?;
        Ok(reactor)
    }

    fn control(&self, operation: i32, fd: RawFd, events: i32, number: u64) -> Result<(), Errno> {
        control(&self.epoll, operation, fd, events, number)
    }

    /// Looks after something else from now on: tells it when one of these can be read from.
    pub(crate) fn adopt(&self, fds: &[RawFd], others: Arc<dyn Others>) -> Result<(), Errno> {
        for fd in fds {
            self.control(libc::EPOLL_CTL_ADD, *fd, libc::EPOLLIN, OTHERS)?;
        }
        let _ = self.others.set(others);
        Ok(())
    }

    /// What it looks after beside links.
    pub(super) fn others(&self) -> Option<&Arc<dyn Others>> {
        self.others.get()
    }

    /// Watches what is a link's, under its number, for one of these events.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, number: u64, events: i32) -> Result<(), Errno> {
        let events = events | libc::EPOLLONESHOT;
        self.control(libc::EPOLL_CTL_ADD, fd.as_raw_fd(), events, number)
    }

    /// Watches for one event more. If there is cause for it already, it comes at once.
    pub(crate) fn rearm(&self, fd: BorrowedFd<'_>, number: u64, events: i32) {
        let events = events | libc::EPOLLONESHOT;
        // Fails only for what is not watched any more.
        let _ = self.control(libc::EPOLL_CTL_MOD, fd.as_raw_fd(), events, number);
    }

    /// Ends the watch.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        let _ = self.control(libc::EPOLL_CTL_DEL, fd.as_raw_fd(), 0, 0);
    }

    /// Ends the leader's sleep, or its next one.
    pub(crate) fn wake(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: reads eight bytes that are there. It fails only if 2^64 wake-ups are pending. The
        // event is edge-triggered, so nobody needs to read it.
        unsafe { libc::write(self.wake.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Sleeps until `until`, a wake-up or an event, and adds to `happened` the numbers of links with what
    /// happened there. Says whether something happened to others.
    pub(crate) fn wait(&self, until: u64, happened: &mut Vec<(u64, u32)>) -> bool {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
        let count = match until {
            0 => self.wait_milliseconds(&mut events, 0),
            u64::MAX => self.wait_milliseconds(&mut events, -1),
            _ => self.wait_span(&mut events, until.saturating_sub(Platform::monotonic())),
        };
        let events = events[..count].iter();
        let events = events.map(|event| (event.u64, event.events));
        happened.extend(events.clone().filter(|(number, _)| *number < OTHERS));
        events.clone().any(|(number, _)| number == OTHERS)
    }

    fn wait_span(&self, events: &mut [libc::epoll_event], span: u64) -> usize {
        if PRECISE.load(Relaxed) {
            let timeout = clock::timespec(span);
            // SAFETY: events and timeout live for the call; there is no signal mask.
            let count = unsafe {
                libc::syscall(
                    libc::SYS_epoll_pwait2,
                    self.epoll.as_raw_fd(),
                    events.as_mut_ptr(),
                    events.len() as i32,
                    &raw const timeout,
                    std::ptr::null::<libc::sigset_t>(),
                    0usize,
                )
            };
            match usize::try_from(count) {
                Ok(count) => return count,
                Err(_) if crate::last_errno() == libc::ENOSYS => PRECISE.store(false, Relaxed),
                Err(_) => return 0,
            }
        }
        let milliseconds = span.div_ceil(1_000_000).min(i32::MAX as u64);
        self.wait_milliseconds(events, milliseconds as i32)
    }

    fn wait_milliseconds(&self, events: &mut [libc::epoll_event], milliseconds: i32) -> usize {
        // SAFETY: events live for the call.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                events.len() as i32,
                milliseconds,
            )
        };
        // All signals are blocked in these threads, but a debugger or a stop interrupts too.
        if count < 0 {
            debug_assert_eq!(
                io::Error::last_os_error().kind(),
                io::ErrorKind::Interrupted
            );
        }
        usize::try_from(count).unwrap_or(0)
    }
}
