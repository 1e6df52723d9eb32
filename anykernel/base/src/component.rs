//! What a component is to base: a name, a way to start it, a way to stop it.

use alloc::string::String;
use core::fmt;

use crate::{Boot, Errno, Lwp, ParamSpec};

/// A component, as each component's crate exports it.
pub struct Component {
    pub(crate) name: &'static str,
    pub(crate) start: fn(&mut Boot<'_>) -> Result<(), Failure>,
    pub(crate) ready: fn(&Lwp<'_>),
    pub(crate) stop: fn(&Lwp<'_>),
}

impl Component {
    /// A component that has nothing to start or stop.
    pub const fn new(name: &'static str) -> Self {
        Component {
            name,
            start: |_| Ok(()),
            ready: |_| (),
            stop: |_| (),
        }
    }

    /// How it starts. What it requires has started.
    pub const fn start(self, start: fn(&mut Boot<'_>) -> Result<(), Failure>) -> Self {
        Component { start, ..self }
    }

    /// What it does once all components have started: time to say what was expected and did not come.
    pub const fn ready(self, ready: fn(&Lwp<'_>)) -> Self {
        Component { ready, ..self }
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
    /// The devices that the components drive, in the same order.
    pub devices: &'static [DeviceSpec],
}

/// Devices that a component drives, as the generator lays it out from the manifests.
#[derive(Debug)]
pub struct DeviceSpec {
    /// The component.
    pub component: &'static str,
    /// The kind of bus they are on.
    pub bus: &'static str,
    /// What the bus tells devices apart by, in the order the bus's owner declares it; what is left out
    /// at the end may be anything.
    pub ids: &'static [u32],
}

impl DeviceSpec {
    /// Whether a device with these ids, all that its bus has, is meant.
    pub fn matches(&self, bus: &str, ids: &[u32]) -> bool {
        self.bus == bus && ids.starts_with(self.ids)
    }
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

    /// The error number nearest to the reason.
    pub fn errno(&self) -> Errno {
        self.errno
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
