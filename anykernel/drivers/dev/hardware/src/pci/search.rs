//! The walk over the buses: from bus 0, through bridges.

use alloc::format;
use alloc::vec::Vec;

use base::Lwp;
use hypercall::pci;

use super::{Function, Place};
use dev::Dev;

const HEADER: u32 = 0x0c;
const BRIDGE_BUSES: u32 = 0x18;

/// Offers all functions there are.
pub(crate) fn search(lwp: &Lwp<'_>, dev: &Dev) {
    let buses = pci::buses().min(256);
    let mut ahead: Vec<u32> = (0..buses.min(1)).collect();
    let mut highest = 0;
    while let Some(bus) = ahead.pop() {
        for place in functions(bus) {
            match behind(place) {
                None => offer(lwp, dev, place),
                // Firmware numbers buses as it goes: one is entered only once.
                Some(next) if next > highest && next < buses => {
                    highest = next;
                    ahead.push(next);
                }
                Some(_) => {}
            }
        }
    }
}

/// The functions on a bus.
fn functions(bus: u32) -> impl Iterator<Item = Place> {
    (0..32).flat_map(move |device| {
        let first = Place::new(bus, device, 0);
        let several = exists(first) && first.read(HEADER) >> 23 & 1 != 0;
        let count = if several { 8 } else { 1 };
        let all = (0..count).map(move |function| Place::new(bus, device, function));
        all.filter(|place| exists(*place))
    })
}

fn exists(place: Place) -> bool {
    place.read(0) as u16 != 0xffff
}

/// The bus behind a function, if that is a bridge to one.
fn behind(place: Place) -> Option<u32> {
    let bridge = place.read(HEADER) >> 16 & 0x7f == 1;
    bridge.then(|| place.read(BRIDGE_BUSES) >> 8 & 0xff)
}

fn offer(lwp: &Lwp<'_>, dev: &Dev, place: Place) {
    let ids = place.read(0);
    let (vendor, device) = (ids & 0xffff, ids >> 16);
    let name = format!("pci {place} {vendor:04x}:{device:04x}");
    dev.offer(lwp, &[vendor, device], name, Function(place));
}
