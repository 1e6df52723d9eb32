//! The faction of devices: how drivers get the devices that are found, and how they offer what they do.
//!
//! - Buses offer what they find ([`Dev::offer`]); a driver says at its start that it is there
//!   ([`Dev::drive`]) and is handed the devices that its manifest names and nobody has.
//! - A disk is a [`Disk`] and becomes a [`Block`] unit, anything read and written in order is a
//!   [`File`](base::File) and becomes a character unit. Units have names, such as `vblk0`.
//!
//! This crate knows no driver, no bus and no platform, and does not know what units are used for.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod block;
#[allow(clippy::module_inception, reason = "the faction's state")]
mod dev;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod units;
mod watch;

use alloc::sync::Arc;

use base::{Boot, Component, Failure, Lwp};

pub use block::{Block, Claim, Disk, Done, Geometry, Operation, Request};
pub use dev::{Dev, Handle};
pub use watch::{Look, Watch};

/// The faction as a component of a kernel.
pub static COMPONENT: Component = Component::new("dev").start(start).ready(ready).stop(stop);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Dev::new()));
    Ok(())
}

fn ready(lwp: &Lwp<'_>) {
    if let Ok(dev) = lwp.state::<Dev>() {
        dev.report_unclaimed(lwp);
    }
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(dev) = lwp.state::<Dev>() {
        dev.stop();
    }
}

#[cfg(test)]
mod tests;
