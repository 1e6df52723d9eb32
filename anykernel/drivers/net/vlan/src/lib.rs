//! The driver of VLANs (IEEE 802.1Q): interfaces whose frames go over another interface with a tag that says which of up
//! to 4094 networks they belong to.
//!
//! Frames without a tag stay the other interface's, and so do those with a tag of priority alone. Links do their work
//! for untagged frames only, so checksums and segments of tagged ones are made here.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

pub mod syscalls;

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use base::sync::Leaf;
use base::{Boot, Component, Errno, Failure, Lwp};
use net::{Batch, Frame, Interface, Link, Medium, Net, Reason, Upper};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("vlan").start(start).stop(stop);

/// The numbers that networks have.
const NUMBERS: RangeInclusive<u16> = 1..=4094;

/// The EtherType of a tag, and the bits of its second word that are the network's number.
const TAG: [u8; 2] = [0x81, 0x00];
const NUMBER: u16 = 0x0fff;

/// Both hardware addresses: where the tag stands.
const ADDRESSES: usize = 12;
const TAG_LEN: usize = 4;

/// The interfaces of an instance that carry VLANs.
struct Trunks(Leaf<Vec<Arc<Trunk>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Trunks(Leaf::new(Vec::new()))));
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(trunks) = lwp.state::<Trunks>() {
        for trunk in trunks.0.with(core::mem::take) {
            trunk.parent.uncover();
            let _dropped_outside = trunk.vlans.with(core::mem::take);
        }
    }
}

impl Trunks {
    /// Makes an interface for the network `number` on `parent`, named after both. `EINVAL` for a number that no network
    /// has, or a parent that is not of Ethernet; `EEXIST`; `EBUSY` if something else stands above the parent.
    fn create(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        parent: &Arc<Interface>,
        number: u16,
    ) -> Result<Arc<Interface>, Errno> {
        if !NUMBERS.contains(&number) {
            return Err(Errno::EINVAL);
        }
        let known = self.0.with(|trunks| {
            let mut all = trunks.iter();
            all.find(|trunk| Arc::ptr_eq(&trunk.parent, parent))
                .cloned()
        });
        let trunk = match known {
            Some(trunk) => trunk,
            None => {
                let trunk = Arc::new(Trunk {
                    parent: parent.clone(),
                    vlans: Leaf::new(Vec::new()),
                });
                parent.cover(trunk.clone())?;
                self.0.with(|trunks| trunks.push(trunk.clone()));
                trunk
            }
        };
        let vlan = Arc::new(Vlan {
            parent: parent.clone(),
            number,
        });
        let name = format!("{}.{number}", parent.name());
        let interface = net.attach_as(&name, vlan)?;
        trunk
            .vlans
            .with(|vlans| vlans.push((number, interface.clone())));
        trunk.carrier(lwp, net, parent);
        Ok(interface)
    }
}

/// An interface that carries VLANs.
struct Trunk {
    parent: Arc<Interface>,
    vlans: Leaf<Vec<(u16, Arc<Interface>)>>,
}

impl Upper for Trunk {
    fn receive(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        _: &Arc<Interface>,
        mut frame: Frame,
    ) -> Option<Frame> {
        let Some(number) = number(frame.payload()) else {
            return Some(frame);
        };
        if number == 0 {
            take_tag(&mut frame);
            return Some(frame);
        }
        let interface = self.vlans.with(|vlans| {
            let mut all = vlans.iter();
            all.find(|(other, _)| *other == number)
                .map(|(_, interface)| interface.clone())
        });
        // Whose VLAN is not known counts as an unknown protocol.
        let Some(interface) = interface else {
            return Some(frame);
        };
        take_tag(&mut frame);
        net.receive(lwp, &interface, &mut alloc::vec![frame]);
        None
    }

    fn carrier(&self, lwp: &Lwp<'_>, net: &Net, parent: &Arc<Interface>) {
        for (_, interface) in self.vlans.with(|vlans| vlans.clone()) {
            net.set_carrier(lwp, &interface, parent.has_carrier());
        }
    }
}

/// The network's number in a frame with a tag.
fn number(frame: &[u8]) -> Option<u16> {
    let [a, b, c, d] = *frame.get(ADDRESSES..)?.first_chunk()?;
    ([a, b] == TAG).then_some(u16::from_be_bytes([c, d]) & NUMBER)
}

fn take_tag(frame: &mut Frame) {
    frame.payload_mut().copy_within(..ADDRESSES, TAG_LEN);
    frame.trim_front(TAG_LEN);
}

fn put_tag(frame: &mut Frame, number: u16) {
    frame.prepend(TAG_LEN);
    let bytes = frame.payload_mut();
    bytes.copy_within(TAG_LEN..TAG_LEN + ADDRESSES, 0);
    bytes[ADDRESSES..ADDRESSES + 2].copy_from_slice(&TAG);
    bytes[ADDRESSES + 2..ADDRESSES + TAG_LEN].copy_from_slice(&number.to_be_bytes());
}

/// The link of one VLAN.
struct Vlan {
    parent: Arc<Interface>,
    number: u16,
}

impl Link for Vlan {
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    fn mtu(&self) -> usize {
        self.parent.mtu()
    }

    fn address(&self) -> Option<[u8; 6]> {
        Some(self.parent.hardware_address())
    }

    fn transmit(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, frames: &mut Batch) {
        for mut frame in frames.drain(..) {
            if frame.len() < ADDRESSES {
                interface.count_dropped(Reason::Malformed, 1);
                net.pool().recycle(frame);
                continue;
            }
            put_tag(&mut frame, self.number);
            self.parent.send(lwp, net, frame);
        }
    }
}

#[cfg(test)]
mod tests;
