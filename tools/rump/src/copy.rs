//! Copies of trees between an image and the host.

mod host;
mod into;
mod out;

use crate::output::Output;
use crate::progress::Progress;

pub(crate) use into::into_image;
pub(crate) use out::to_host;

/// Bytes read and written at once.
const PIECE: usize = 1 << 20;

/// What is copied, beside contents, permissions, times, links and the user's extended attributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// Owners, set-user-id, devices, and all extended attributes.
    pub(crate) all: bool,
}

impl Keep {
    /// The permissions of a copy.
    fn mode(self, mode: u32) -> u32 {
        mode & if self.all { 0o7777 } else { 0o777 }
    }

    /// Whether an extended attribute is copied.
    fn xattr(self, name: &[u8]) -> bool {
        self.all || name.starts_with(b"user.")
    }
}

/// A copy under way.
pub(crate) struct Copying<'a> {
    pub(crate) keep: Keep,
    pub(crate) progress: &'a Progress,
    pub(crate) output: &'a mut Output,
}
