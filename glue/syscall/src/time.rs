//! Times of a caller.

use crate::Errno;

/// A span of time the caller gave; `None` where it gave a null pointer.
#[derive(Clone, Copy, Debug)]
pub struct Timespec(Result<Option<u64>, Errno>);

impl Timespec {
    /// Decodes seconds and nanoseconds; `EINVAL` if they are out of range.
    pub fn decode(seconds: i64, nanoseconds: i64) -> Self {
        if seconds < 0 || !(0..1_000_000_000).contains(&nanoseconds) {
            return Timespec(Err(Errno::EINVAL));
        }
        let span = (seconds as u64).saturating_mul(1_000_000_000);
        Timespec(Ok(Some(span.saturating_add(nanoseconds as u64))))
    }

    /// A span in nanoseconds, nothing, or why it could not be read.
    pub fn new(span: Result<Option<u64>, Errno>) -> Self {
        Timespec(span)
    }

    /// The span in nanoseconds.
    pub fn nanoseconds(&self) -> Result<Option<u64>, Errno> {
        self.0
    }
}

/// A signal mask. There are no signals inside; it is taken and has no effect.
#[derive(Clone, Copy, Debug, Default)]
pub struct SigMask;
