//! Hardware: how drivers find devices that the kernel drives itself, reach them, and hear of them.
//!
//! PCI and the platform's windows of registers are searched here, and what is found is offered to drivers
//! ([`Dev::offer`]). [`Registers`], [`Interrupt`] and [`Memory`] are what a driver touches a device with. An
//! interrupt ends in deferred [`Work`](base::Work): nothing runs where it strikes.
//!
//! **A device that misbehaves is an enemy.** What it says is checked before it is used, waiting for it is
//! bounded ([`comes_true`]), and a driver that cannot go on resets the device, says so in the log, and lets
//! the boot go on.
//!
//! This crate knows no driver and no platform, and does not know what becomes of a device.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod interrupt;
mod memory;
mod patience;
pub mod pci;
mod registers;
mod window;

use base::{Boot, Component, Failure};
use dev::Dev;

pub use interrupt::Interrupt;
pub use memory::{Memory, fence};
pub use patience::comes_true;
pub use registers::Registers;
pub use window::Window;

/// The component of a kernel.
pub static COMPONENT: Component = Component::new("hardware").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    pci::search(boot.lwp(), &dev);
    window::search(boot.lwp(), &dev);
    Ok(())
}

#[cfg(test)]
mod tests;
