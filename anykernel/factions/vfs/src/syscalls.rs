//! The system calls on files.

mod attributes;
mod contents;
mod mounts;
mod names;
mod pipes;
mod places;
mod xattrs;

use syscall::Fd;
use syscall::consts::AT_FDCWD;

pub use attributes::*;
pub use contents::*;
pub use mounts::*;
pub use names::*;
pub use pipes::*;
pub use places::*;
pub use xattrs::*;

/// Where a path begins that is not said to begin elsewhere.
const HERE: Fd = Fd(AT_FDCWD);
