//! The driver of network cards with Intel's 82574 controller (82574 GbE Controller Family Datasheet, revision
//! 3.4; section numbers here are that datasheet's).
//!
//! One ring of descriptors each way, in the legacy format, each with a buffer of its own: frames are copied.
//! One interrupt, by message or by line, for everything; while deferred work looks at the rings it is masked.
//! Checksums of what comes in are the card's to verify.
//!
//! Waiting for the card is bounded, and a card that vanishes, stops sending or does not reset is given up.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod card;
mod hardware;
mod receiver;
mod registers;
mod sender;

use alloc::sync::Arc;
use alloc::vec::Vec;

use ::hardware::pci::Function;
use base::sync::Leaf;
use base::{Boot, Component, Failure, Lwp};
use dev::Dev;
use net::Net;

use card::Card;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("e1000e").start(start).stop(stop);

/// The cards of an instance.
struct Cards(Leaf<Vec<Arc<Card>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let (dev, net) = (boot.get::<Dev>(), boot.get::<Net>());
    let cards = Arc::new(Cards(Leaf::new(Vec::new())));
    boot.publish(cards.clone());
    dev.drive(boot, move |lwp, function: Function, place| {
        let card = Card::attach(lwp, &net, function, place)?;
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
