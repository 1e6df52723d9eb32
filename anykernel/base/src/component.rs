//! What a component is to base: a name, a way to start it, a way to stop it.

use alloc::string::String;
use core::fmt;

use crate::{Boot, Errno, Lwp, ParamSpec};

/// A component, as each component's crate exports it.
pub struct Component {
    pub(crate) name: &'static str,
    pub(crate) start: fn(&mut Boot<'_>) -> Result<(), Failure>,
    pub(crate) stop: fn(&Lwp<'_>),
}

impl Component {
    /// A component that has nothing to start or stop.
    pub const fn new(name: &'static str) -> Self {
        Component {
            name,
            start: |_| Ok(()),
            stop: |_| (),
        }
    }

    /// How it starts. What it requires has started.
    pub const fn start(self, start: fn(&mut Boot<'_>) -> Result<(), Failure>) -> Self {
        Component { start, ..self }
    }

    /// How it stops. What requires it has stopped, and no process has an open file.
    pub const fn stop(self, stop: fn(&Lwp<'_>)) -> Self {
        Component { stop, ..self }
    }
}

/// A tailored kernel, as the generator lays it out.
pub struct System {
    /// The configuration's name.
    pub name: &'static str,
    /// The components in the order they start.
    pub components: &'static [&'static Component],
    /// The parameters that boot may set.
    pub params: &'static [ParamSpec],
}

/// Why a component could not start.
#[derive(Debug)]
pub struct Failure {
    pub(crate) errno: Errno,
    pub(crate) message: String,
}

impl Failure {
    /// A failure that names the thing, the place and the way out.
    pub fn new(errno: Errno, message: impl Into<String>) -> Self {
        Failure {
            errno,
            message: message.into(),
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Failure::new(errno, errno.description())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
