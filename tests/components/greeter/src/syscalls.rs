//! The calls of the component.

use base::{Errno, Lwp};
use markers::{public, syscall};
use syscall::{UioOut, UserOut};

use crate::Greeter;

/// Writes a greeting, as much of it as there is room for, and returns its length.
#[syscall]
pub fn greet(lwp: &Lwp<'_>, text: UserOut<'_>) -> Result<usize, Errno> {
    let greeting = lwp.state::<Greeter>()?.greeting();
    UioOut::from(text).put(greeting.as_bytes())
}

/// How many greetings there were.
#[public(greeter)]
pub fn count(lwp: &Lwp<'_>) -> Result<u32, Errno> {
    Ok(lwp.state::<Greeter>()?.count())
}
