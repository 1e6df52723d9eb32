//! Files and directories of the host under names of the kernel's, as C programs for NetBSD's rump kernel ask for them.
//!
//! A file or block device becomes a unit of `disk`, and its name a node of that; of a directory `hostfs` is mounted
//! there. This is nothing that could not be done by other calls: it is the old name for it.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod registry;
pub mod syscalls;
mod window;

use alloc::sync::Arc;

use base::{Boot, Component, Failure};

use crate::registry::Registry;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("etfs").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Registry::new()));
    Ok(())
}

#[cfg(test)]
mod tests;
