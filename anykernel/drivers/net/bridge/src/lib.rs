//! The driver of bridges (IEEE 802.1D, without its spanning tree: who joins two interfaces that are joined already makes
//! a storm).
//!
//! A bridge is an interface of its own, which has the addresses; its members have none. Where a station is, the bridge
//! learns from what it sends; frames for stations it does not know, and for many, go to all members. Frames stay
//! as they are: a long segment that one link left whole is cut up by the next only if it has to be.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod stations;
pub mod syscalls;

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Errno, Failure, Lwp};
use net::{Batch, Frame, Interface, Link, Medium, Net, Offloads, Reason, Upper};

use stations::{Address, Stations};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("bridge").start(start).stop(stop);

/// What bridges are named.
const NAME: &str = "bridge";

/// The longest packet that they carry.
const MTU: usize = 1500;

/// The most that a member may leave whole.
const LONGEST: usize = 65535;

/// Groups whose frames concern one link only (IEEE 802.1D § 7.12.6).
const LINK_LOCAL: [u8; 5] = [0x01, 0x80, 0xc2, 0x00, 0x00];

/// The bridges of an instance.
struct Bridges(Leaf<Vec<Arc<Bridge>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Bridges(Leaf::new(Vec::new()))));
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(bridges) = lwp.state::<Bridges>() {
        for bridge in bridges.0.with(core::mem::take) {
            for member in bridge.members.with(core::mem::take) {
                member.uncover();
            }
            let _dropped_outside = bridge.interface.with(Option::take);
        }
    }
}

impl Bridges {
    /// Makes a bridge without members. `EINVAL` for what is no name of one, `EEXIST`.
    fn create(&self, net: &Net, name: &str) -> Result<Arc<Bridge>, Errno> {
        let number = name.strip_prefix(NAME).ok_or(Errno::EINVAL)?;
        number.parse::<u16>().map_err(|_| Errno::EINVAL)?;
        let bridge = Arc::new_cyclic(|this| Bridge {
            this: this.clone(),
            members: Leaf::new(Vec::new()),
            stations: Leaf::new(Stations::default()),
            interface: Leaf::new(None),
        });
        let interface = net.attach_as(name, Arc::new(OwnLink(bridge.this.clone())))?;
        bridge.interface.with(|place| *place = Some(interface));
        self.0.with(|bridges| bridges.push(bridge.clone()));
        Ok(bridge)
    }

    /// The bridge of this name; `ENXIO`.
    fn find(&self, name: &str) -> Result<Arc<Bridge>, Errno> {
        let is_it = |bridge: &&Arc<Bridge>| {
            let named =
                |own: &Option<Arc<Interface>>| own.as_ref().is_some_and(|it| it.name() == name);
            bridge.interface.with(|own| named(own))
        };
        let bridges = self.0.with(|bridges| bridges.clone());
        bridges.iter().find(is_it).cloned().ok_or(Errno::ENXIO)
    }
}

/// A bridge.
struct Bridge {
    this: Weak<Bridge>,
    members: Leaf<Vec<Arc<Interface>>>,
    stations: Leaf<Stations>,
    /// Its own interface, from when it is attached until the instance stops.
    interface: Leaf<Option<Arc<Interface>>>,
}

impl Bridge {
    /// Makes an interface a member. `EINVAL` if it is not of Ethernet or carries shorter packets than the bridge,
    /// `EBUSY` if it is in a bridge or carries VLANs.
    fn join(&self, member: &Arc<Interface>) -> Result<(), Errno> {
        let own = self.interface.with(|own| own.clone()).ok_or(Errno::ENXIO)?;
        if member.mtu() < MTU || Arc::ptr_eq(member, &own) {
            return Err(Errno::EINVAL);
        }
        let this = self.this.upgrade().ok_or(Errno::ENXIO)?;
        member.cover(this)?;
        self.members.with(|members| members.push(member.clone()));
        Ok(())
    }

    /// Lets a member go. `ENOENT` if it is none.
    fn part(&self, member: &Arc<Interface>) -> Result<(), Errno> {
        let found = self.members.with(|members| {
            let at = members.iter().position(|it| Arc::ptr_eq(it, member))?;
            Some(members.remove(at))
        });
        let member = found.ok_or(Errno::ENOENT)?;
        member.uncover();
        self.stations
            .with(|stations| stations.forget(member.index()));
        Ok(())
    }

    /// Sends a frame to the members it is for, but not to `from`, where it came in.
    fn send(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        from: Option<&Arc<Interface>>,
        frame: Frame,
        to: Address,
    ) {
        let known = match to[0] & 1 {
            0 => self.stations.with(|stations| stations.find(to, lwp.now())),
            _ => None,
        };
        let mut members = self.members.with(|members| members.clone());
        members.retain(|member| {
            from.is_none_or(|from| !Arc::ptr_eq(from, member))
                && known.is_none_or(|index| index == member.index())
        });
        let Some(last) = members.pop() else {
            return net.pool().recycle(frame);
        };
        for member in members {
            match net.pool().duplicate(&frame) {
                Ok(copy) => member.send(lwp, net, copy),
                Err(_) => member.count_dropped(Reason::NoMemory, 1),
            }
        }
        last.send(lwp, net, frame);
    }
}

impl Upper for Bridge {
    fn receive(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        member: &Arc<Interface>,
        frame: Frame,
    ) -> Option<Frame> {
        let Some((to, from)) = addresses(&frame) else {
            return Some(frame);
        };
        let own = self.interface.with(|own| own.clone());
        // Nobody sends from the address of many, and ours is not out there.
        let (Some(own), 0) = (own, from[0] & 1) else {
            return Some(frame);
        };
        if to[..5] == LINK_LOCAL && to[5] & 0xf0 == 0 {
            return Some(frame);
        }
        self.stations
            .with(|stations| stations.learn(from, member.index(), lwp.now()));
        let ours = to == own.hardware_address();
        let many = to[0] & 1 != 0;
        if ours || many {
            let copy = match ours {
                true => None,
                false => net.pool().duplicate(&frame).ok(),
            };
            net.receive(lwp, &own, &mut alloc::vec![frame]);
            if let Some(copy) = copy {
                self.send(lwp, net, Some(member), copy, to);
            }
            return None;
        }
        self.send(lwp, net, Some(member), frame, to);
        None
    }

    /// As on Linux, a bridge has a carrier if a member has.
    fn carrier(&self, lwp: &Lwp<'_>, net: &Net, member: &Arc<Interface>) {
        if !member.has_carrier() {
            self.stations
                .with(|stations| stations.forget(member.index()));
        }
        let members = self.members.with(|members| members.clone());
        if let Some(own) = self.interface.with(|own| own.clone()) {
            let carrier = members.iter().any(|member| member.has_carrier());
            net.set_carrier(lwp, &own, carrier);
        }
    }
}

/// The hardware addresses of an Ethernet frame: the receiver's, the sender's.
fn addresses(frame: &Frame) -> Option<(Address, Address)> {
    let bytes = frame.payload().first_chunk::<14>()?;
    let (to, rest) = bytes.split_first_chunk()?;
    Some((*to, *rest.first_chunk()?))
}

/// The link of the bridge's own interface.
struct OwnLink(Weak<Bridge>);

impl Link for OwnLink {
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    fn mtu(&self) -> usize {
        MTU
    }

    /// What a member's link does not do is done when the frame gets there.
    fn offloads(&self) -> Offloads {
        Offloads {
            checksum: true,
            tcp4: LONGEST,
            tcp6: LONGEST,
        }
    }

    fn transmit(&self, lwp: &Lwp<'_>, net: &Net, _: &Arc<Interface>, frames: &mut Batch) {
        let bridge = self.0.upgrade();
        for frame in frames.drain(..) {
            match (&bridge, addresses(&frame)) {
                (Some(bridge), Some((to, _))) => bridge.send(lwp, net, None, frame, to),
                _ => net.pool().recycle(frame),
            }
        }
    }
}

#[cfg(test)]
mod tests;
