//! Waiting is a step: an operation that cannot go on says what it needs, and one function waits.

use crate::{Errno, Events, Lwp, Readiness};

/// Why an operation did not succeed: it may, once the file has news, or it never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Try again when there is news of these.
    For(Events),
    /// It failed.
    Fail(Errno),
}

impl From<Errno> for Wait {
    #[inline]
    fn from(errno: Errno) -> Self {
        Wait::Fail(errno)
    }
}

/// How long a caller is willing to wait, and what it is told if that was not enough.
#[derive(Clone, Copy, Debug)]
pub struct Blocking {
    /// Not at all.
    pub nonblock: bool,
    /// Until then, in nanoseconds of the monotonic clock; `u64::MAX`: for ever.
    pub deadline: u64,
    /// The error for not waiting, or not any longer.
    pub errno: Errno,
    /// Whether a process that is interrupted stops waiting (`EINTR`). What must not be left half done goes on.
    pub interruptible: bool,
}

impl Blocking {
    /// Waits for ever, or not at all (`EAGAIN`).
    pub fn new(nonblock: bool) -> Self {
        Blocking {
            nonblock,
            deadline: u64::MAX,
            errno: Errno::EAGAIN,
            interruptible: true,
        }
    }

    /// Waits until there is an end, whoever interrupts: for devices, and for locks on what they hold.
    pub fn to_the_end() -> Self {
        Blocking {
            interruptible: false,
            ..Blocking::new(false)
        }
    }

    /// Waits at most `timeout` nanoseconds from now (`u64::MAX`: for ever).
    pub fn within(self, lwp: &Lwp<'_>, timeout: u64) -> Self {
        let deadline = if timeout == u64::MAX {
            u64::MAX
        } else {
            lwp.now().saturating_add(timeout)
        };
        Blocking { deadline, ..self }
    }

    /// The same with another error for not waiting.
    pub fn or(self, errno: Errno) -> Self {
        Blocking { errno, ..self }
    }
}

/// Tries `step` until it succeeds or fails, and waits in between. The one place where anything waits; no
/// lock is held when it is called.
#[inline]
pub fn block<T>(
    lwp: &Lwp<'_>,
    readiness: &Readiness,
    how: Blocking,
    mut step: impl FnMut() -> Result<T, Wait>,
) -> Result<T, Errno> {
    loop {
        // Read before the step: news that come during it are not missed.
        let seen = readiness.generation();
        let events = match step() {
            Ok(value) => return Ok(value),
            Err(Wait::Fail(errno)) => return Err(errno),
            Err(Wait::For(events)) => events,
        };
        if how.nonblock {
            return Err(how.errno);
        }
        match readiness.wait(lwp, events, seen, how) {
            Ok(()) => {}
            Err(Errno::ETIMEDOUT) => return Err(how.errno),
            Err(errno) => return Err(errno),
        }
    }
}
