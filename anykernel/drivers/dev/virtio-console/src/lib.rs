//! The driver of virtio's consoles (Virtual I/O Device 1.2, section 5.3): each is a character unit, and gets
//! what the kernel's console gets.
//!
//! What is read has been typed already, what is written waits here until the device takes it. Input that
//! nobody reads stays with the device. Of a device with several ports the first is used.
//!
//! The crate `virtio-drivers` has a driver of consoles, which spins for each byte it sends: so only its queues
//! are used.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod console;
mod state;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Failure, Lwp};
use dev::Dev;
use virtio::Device;

use console::Console;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("virtio-console").start(start).stop(stop);

/// The consoles of an instance.
struct Consoles(Leaf<Vec<Arc<Console>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    let consoles = Arc::new(Consoles(Leaf::new(Vec::new())));
    boot.publish(consoles.clone());
    let faction = dev.clone();
    dev.drive(boot, move |lwp, device: Device, place| {
        let (console, name) = Console::attach(lwp, &faction, device, place)?;
        consoles.0.with(|consoles| consoles.push(console));
        Ok(Some(name))
    });
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let (Ok(consoles), Ok(dev)) = (lwp.state::<Consoles>(), lwp.state::<Dev>()) {
        for console in consoles.0.with(core::mem::take) {
            console.stop(lwp, &dev);
        }
    }
}

#[cfg(test)]
mod tests;
