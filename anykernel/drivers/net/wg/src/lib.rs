//! WireGuard: interfaces whose packets go to peers over UDP, sealed with keys that only the two ends have.
//!
//! "Whitepaper" in this crate is *WireGuard: Next Generation Kernel Network Tunnel*, revision of 2020-06-01. The
//! handshake and the sealing are snow's ([`noise`], [`session`]); what the protocol has beside Noise is here.
//!
//! - [`tunnel`]: what an interface knows and does, without sockets and clocks; [`peer`], [`timers`], [`allowed`];
//! - [`device`], [`outer`]: the interface, and the UDP port of the kernel's own that its messages go over;
//! - [`message`], [`mac`], [`cookie`], [`rate`], [`replay`], [`key`], [`time`]: the parts.
//!
//! Handshakes are done by deferred work, and nothing is computed under a leaf lock. The driver knows no routes: what is
//! routed to its interface it gives to the peer whose the destination is, and sends nothing over another tunnel. It does
//! not know how keys come here, nor names of hosts.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod allowed;
mod cookie;
mod device;
mod key;
mod mac;
mod message;
mod noise;
mod outer;
mod peer;
mod rate;
mod replay;
mod session;
pub mod syscalls;
#[cfg(test)]
mod tests;
mod time;
mod timers;
mod tunnel;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Failure, Lwp};

use device::Device;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("wg").start(start).stop(stop);

/// The tunnels of an instance.
struct Devices {
    all: Leaf<Vec<Arc<Device>>>,
    /// The numbers of their interfaces, for each of them to know.
    interfaces: Arc<Leaf<Vec<u32>>>,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Devices {
        all: Leaf::new(Vec::new()),
        interfaces: Arc::new(Leaf::new(Vec::new())),
    }));
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(devices) = lwp.state::<Devices>() {
        for device in devices.all.with(core::mem::take) {
            device.stop(lwp);
        }
    }
}

/// Random bytes from the host.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    hypercall::random::fill((&mut bytes[..]).into());
    bytes
}
