//! Requests, and what comes of them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use base::{Errno, Lwp};

/// What to do with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Fill the buffer from the disk.
    Read,
    /// Write the buffer to the disk.
    Write,
    /// Have everything written so far survive a loss of power. There is no buffer.
    Flush,
    /// Forget what so many blocks hold: nobody needs it, and what they read as from now on is anything. There is no
    /// buffer.
    Discard {
        /// How many blocks.
        count: u64,
    },
}

/// What came of a request.
pub struct Done {
    /// Whether it succeeded.
    pub result: Result<(), Errno>,
    /// The request's buffer. Empty if a broken device may still write into it: then it is never used
    /// again.
    pub buffer: Vec<u8>,
}

/// A request. Whoever has it completes it, or hands it on.
#[must_use = "a request that is dropped is never completed"]
pub struct Request {
    /// What to do.
    pub operation: Operation,
    /// The first block.
    pub first: u64,
    /// Bytes to write, or room for those to read: a multiple of the block size.
    pub buffer: Vec<u8>,
    completion: Box<Completion>,
}

/// What hears of the end.
type Completion = dyn FnOnce(&Lwp<'_>, Done) + Send;

impl Request {
    /// A request. `completion` is called once, with no lock held, and never waits.
    pub fn new(
        operation: Operation,
        first: u64,
        buffer: Vec<u8>,
        completion: impl FnOnce(&Lwp<'_>, Done) + Send + 'static,
    ) -> Self {
        Request {
            operation,
            first,
            buffer,
            completion: Box::new(completion),
        }
    }

    /// Ends it. The caller holds no lock.
    pub fn complete(self, lwp: &Lwp<'_>, result: Result<(), Errno>) {
        let buffer = self.buffer;
        (self.completion)(lwp, Done { result, buffer });
    }
}
