//! Boot: the components start, in order, each timed.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;

use crate::{DeviceSpec, Failure, Instance, Lwp, System};

/// What a boot may set.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) params: Vec<(String, String)>,
}

impl Config {
    /// Everything as the configuration and the host say.
    pub fn new() -> Self {
        Config::default()
    }

    /// Sets a parameter. The last one of a name counts.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_string(), value.to_string()));
        self
    }
}

/// What a component has at its start.
pub struct Boot<'a> {
    lwp: &'a Lwp<'a>,
    system: &'static System,
    component: &'static str,
}

impl<'a> Boot<'a> {
    pub(crate) fn new(lwp: &'a Lwp<'a>, system: &'static System, component: &'static str) -> Self {
        Boot {
            lwp,
            system,
            component,
        }
    }

    /// The component that starts.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// The devices that the component's manifest says it drives.
    pub fn devices(&self) -> impl Iterator<Item = &'static DeviceSpec> + use<> {
        let component = self.component;
        let all = self.system.devices.iter();
        all.filter(move |spec| spec.component == component)
    }

    /// The lwp that boots.
    pub fn lwp(&self) -> &'a Lwp<'a> {
        self.lwp
    }

    /// The instance that boots.
    pub fn instance(&self) -> &'a Arc<Instance> {
        self.lwp.instance()
    }

    /// Publishes the component's state, for others to find by its type.
    pub fn publish<T: Any + Send + Sync>(&mut self, state: Arc<T>) {
        self.instance().states.with(|states| states.push(state));
    }

    /// The state of a component that this one requires. Panics if it was not started before, which
    /// the order of the generator's table excludes.
    pub fn get<T: Any + Send + Sync>(&self) -> Arc<T> {
        self.instance().state().unwrap_or_else(|| {
            panic!(
                "{} asks for {}, which no component before it published",
                self.component,
                core::any::type_name::<T>()
            )
        })
    }

    /// The value of a parameter that is a number, a size in bytes, a time in nanoseconds, a flag (0 or 1)
    /// or a choice (its index). Panics if the manifest of the component declares no such parameter.
    pub fn number(&self, name: &str) -> u64 {
        self.instance()
            .params
            .number(name)
            .unwrap_or_else(|| self.undeclared(name))
    }

    /// The value of a flag.
    pub fn flag(&self, name: &str) -> bool {
        self.number(name) != 0
    }

    /// The value of a parameter that is text.
    pub fn text(&self, name: &str) -> &'a str {
        self.instance()
            .params
            .text(name)
            .unwrap_or_else(|| self.undeclared(name))
    }

    fn undeclared(&self, name: &str) -> ! {
        panic!(
            "{} reads the parameter {name}, which no manifest declares",
            self.component
        )
    }
}

/// Why a kernel did not boot.
#[derive(Debug)]
pub struct BootError {
    component: Option<&'static str>,
    failure: Failure,
}

impl BootError {
    pub(crate) fn config(message: String) -> Self {
        BootError {
            component: None,
            failure: Failure::new(crate::Errno::EINVAL, message),
        }
    }

    pub(crate) fn component(name: &'static str, failure: Failure) -> Self {
        BootError {
            component: Some(name),
            failure,
        }
    }

    /// The error number nearest to the reason.
    pub fn errno(&self) -> crate::Errno {
        self.failure.errno
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.component {
            Some(name) => write!(f, "{name} did not start: {}", self.failure),
            None => write!(f, "{}", self.failure),
        }
    }
}

impl core::error::Error for BootError {}
