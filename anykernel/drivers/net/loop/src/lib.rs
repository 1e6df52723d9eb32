//! The loopback driver: what the kernel sends to itself comes back at once, without a copy and
//! without a checksum.
//!
//! A frame goes from the sender's call to the receiver's queue in one piece of work of the same thread. The
//! driver has no queue and no state; what bounds the traffic is the protocols above.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

use alloc::sync::Arc;
use core::net::{Ipv4Addr, Ipv6Addr};

use base::{Boot, Component, Failure, Lwp};
use net::{Batch, Cidr, Frame, Interface, Link, Medium, Net};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("loop").start(start);

/// The longest IPv4 packet, which IPv6's without jumbo option exceeds by its header.
const MTU: usize = 65535;

struct Loop;

impl Link for Loop {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn mtu(&self) -> usize {
        MTU
    }

    fn is_loopback(&self) -> bool {
        true
    }

    fn transmit(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, frames: &mut Batch) {
        for frame in frames.drain(..) {
            let _taken = self.transmit_now(lwp, net, interface, frame);
        }
    }

    fn transmit_now(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        frame: Frame,
    ) -> Option<Frame> {
        net.receive_own(lwp, interface, frame);
        None
    }
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let (lwp, net) = (boot.lwp(), boot.get::<Net>());
    let interface = net.attach(lwp, "lo", Arc::new(Loop));
    for (address, prefix) in [
        (Ipv4Addr::LOCALHOST.into(), 8),
        (Ipv6Addr::LOCALHOST.into(), 128),
    ] {
        net.add_address(lwp, &interface, Cidr::new(address, prefix)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
