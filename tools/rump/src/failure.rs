//! What goes wrong, and with which exit code the tool ends.

use std::fmt;
use std::io;

use rump::Errno;

use crate::shown::shown;

/// Something could not be done, or something is wrong with an image.
pub(crate) const PROBLEM: u8 = 1;
/// What was asked for makes no sense.
pub(crate) const USAGE: u8 = 2;

/// Why a command ends before its time.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Why, in a line or more for people.
    Problem(String),
    /// What was asked for makes no sense, and how it would.
    Usage(String),
    /// Whoever reads the output has gone away.
    NobodyReads,
    /// A signal wants an end.
    Interrupted,
}

/// What commands return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Something about a path within an image.
    pub(crate) fn at(path: &[u8], errno: Errno) -> Failure {
        Failure::Problem(format!("{}: {errno}", shown(path)))
    }

    /// Something about a file of the host.
    pub(crate) fn host(path: impl AsRef<std::path::Path>, error: impl fmt::Display) -> Failure {
        let path = path.as_ref().as_os_str();
        let path = shown(std::os::unix::ffi::OsStrExt::as_bytes(path));
        Failure::Problem(format!("{path} on the host: {error}"))
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => USAGE,
            Failure::Problem(_) | Failure::NobodyReads | Failure::Interrupted => PROBLEM,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Problem(text) | Failure::Usage(text) => f.write_str(text),
            Failure::NobodyReads => f.write_str("nobody reads the output"),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// An error of writing output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::NobodyReads,
            _ => Failure::Problem(format!("the output: {error}")),
        }
    }
}
