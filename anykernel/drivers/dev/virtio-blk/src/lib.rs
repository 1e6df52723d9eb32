//! The driver of virtio's disks (Virtual I/O Device 1.2, section 5.2; section numbers here are that
//! standard's).
//!
//! As many requests are at the device as its queue has room for; others wait here. Each ends by interrupt, in
//! any order. A disk that completes nothing for a while is reset and given up, and so is one that lies; its
//! requests end with an error then.
//!
//! The crate `virtio-drivers` has a driver of disks, whose flush waits by spinning, with nothing else under
//! way: so only its queues are used.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod disk;
mod layout;
mod transfer;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Failure, Lwp};
use dev::Dev;
use virtio::Device;

use disk::Attached;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("virtio-blk").start(start).stop(stop);

/// The disks of an instance.
struct Disks(Leaf<Vec<Attached>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    let disks = Arc::new(Disks(Leaf::new(Vec::new())));
    boot.publish(disks.clone());
    let faction = dev.clone();
    dev.drive(boot, move |lwp, device: Device, place| {
        let disk = Attached::new(lwp, &faction, device, place)?;
        let what = disk.describe();
        disks.0.with(|disks| disks.push(disk));
        Ok(Some(what))
    });
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(disks) = lwp.state::<Disks>() {
        for disk in disks.0.with(core::mem::take) {
            disk.stop(lwp);
        }
    }
}

#[cfg(test)]
mod tests;
