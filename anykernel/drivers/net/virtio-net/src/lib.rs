//! The driver of virtio's network cards (Virtual I/O Device 1.2, section 5.1; section numbers here are that
//! standard's).
//!
//! Frames go in and out in the buffers that the network has them in: a header in front says what the device
//! does for a frame, or has done. Long TCP segments are left to the device, in both directions; received ones
//! come in several buffers and are joined.
//!
//! The first received frame interrupts; from then on deferred work looks for more, without interrupts, in
//! batches, until it finds none. Sent frames never interrupt unless the queue is full: their buffers are
//! taken back on the way.
//!
//! The driver uses one pair of queues, and neither the control queue nor filters.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod card;
mod features;
mod header;
mod receiver;
mod sender;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Failure, Lwp};
use dev::Dev;
use net::Net;
use virtio::Device;

use card::Card;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("virtio-net").start(start).stop(stop);

/// The cards of an instance.
struct Cards(Leaf<Vec<Arc<Card>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let (dev, net) = (boot.get::<Dev>(), boot.get::<Net>());
    let cards = Arc::new(Cards(Leaf::new(Vec::new())));
    boot.publish(cards.clone());
    dev.drive(boot, move |lwp, device: Device, place| {
        let card = Card::attach(lwp, &net, device, place)?;
        let what = card.describe();
        cards.0.with(|cards| cards.push(card));
        Ok(Some(what))
    });
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(cards) = lwp.state::<Cards>() {
        for card in cards.0.with(core::mem::take) {
            card.stop(lwp);
        }
    }
}

#[cfg(test)]
mod tests;
