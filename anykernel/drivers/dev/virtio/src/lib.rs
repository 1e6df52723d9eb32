//! The virtio bus: it takes PCI functions and windows of registers that are virtio devices, and offers the
//! devices, by type, to their drivers (Virtual I/O Device 1.2; section numbers here are that standard's).
//!
//! A driver is handed a [`Device`], negotiates features, makes its [`Queue`]s and has the device start; a
//! [`Port`] is what is left of it then.
//!
//! The queues are those of the crate `virtio-drivers`, unmodified, behind a face that owns what it lends to
//! the device. Its transports and its drivers of devices are not used: they wait by spinning and believe
//! what registers say, which a device that stops answering, or lies, turns into a hang or a panic. Ours go
//! through the group `mmio` (so that devices can be models, too), and check.
//!
//! Queues are split ones, without `EVENT_IDX`: the crate's queue cannot ask for silence under that feature,
//! and a network card under load wants silence more than it wants counted notifications.
//!
//! This crate knows no type of device.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod device;
mod hal;
mod port;
mod queue;
mod wire;

use alloc::format;

use base::{Boot, Component, Failure, Lwp};
use dev::Dev;
use hardware::Window;
use hardware::pci::Function;

pub use device::Device;
pub use port::{Port, Quiet};
pub use queue::{Broken, Chain, Queue};

/// The bus as a component of a kernel.
pub static COMPONENT: Component = Component::new("virtio").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    let bus = dev.clone();
    dev.drive(boot, move |lwp, function: Function, place| {
        found(lwp, &bus, place, Device::of_function(function)?);
        Ok(None)
    });
    let bus = dev.clone();
    dev.drive(boot, move |lwp, window: Window, place| {
        if let Some(device) = Device::of_window(window)? {
            found(lwp, &bus, place, device);
        }
        Ok(None)
    });
    Ok(())
}

fn found(lwp: &Lwp<'_>, dev: &Dev, place: &str, device: Device) {
    let kind = device.kind();
    dev.offer(lwp, &[kind], format!("{place} virtio {kind}"), device);
}

#[cfg(test)]
mod tests;
