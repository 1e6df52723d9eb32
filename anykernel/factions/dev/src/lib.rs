//! The faction of devices: how drivers find them, reach them, hear of them, and offer what they do.
//!
//! - Buses offer what they find ([`Dev::offer`]); a driver says at its start that it is there
//!   ([`Dev::drive`]) and is handed the devices that its manifest names and nobody has. PCI and the
//!   platform's windows of registers are searched here; other buses are components.
//! - [`Registers`], [`Interrupt`] and [`Memory`] are what a driver touches a device with. An interrupt ends
//!   in deferred [`Work`](base::Work): nothing runs where it strikes.
//! - A disk is a [`Disk`] and becomes a [`Block`] unit, anything read and written in order is a
//!   [`File`](base::File) and becomes a character unit. Units have names, such as `vblk0`.
//!
//! **A device that misbehaves is an enemy.** What it says is checked before it is used, waiting for it is
//! bounded ([`comes_true`]), and a driver that cannot go on resets the device, says so in the log, and lets
//! the boot go on.
//!
//! This crate knows no driver and no platform, and does not know what units are used for.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod block;
#[allow(clippy::module_inception, reason = "the faction's state")]
mod dev;
mod interrupt;
mod memory;
mod patience;
pub mod pci;
mod registers;
mod units;
mod window;

use alloc::sync::Arc;

use base::{Boot, Component, Failure, Lwp};

pub use block::{Block, Disk, Done, Geometry, Operation, Request};
pub use dev::{Dev, Handle};
pub use interrupt::Interrupt;
pub use memory::{Memory, fence};
pub use patience::comes_true;
pub use registers::Registers;
pub use window::Window;

/// The faction as a component of a kernel.
pub static COMPONENT: Component = Component::new("dev").start(start).ready(ready).stop(stop);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = Arc::new(Dev::new());
    boot.publish(dev.clone());
    pci::search(boot.lwp(), &dev);
    window::search(boot.lwp(), &dev);
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
