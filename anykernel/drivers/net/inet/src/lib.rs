//! IPv4 and IPv6 above the network layer: TCP, UDP, ICMP and raw sockets.
//!
//! TCP's state machine is smoltcp's, one socket and one interface of it for each connection; around it
//! stands what a kernel has and smoltcp has not: a demultiplexer, ports, listeners with a backlog, the
//! ends of connections, and sockets as programs know them. Datagrams need only smoltcp's formats.
//!
//! - [`inet`]: the state, and the order in which things happen;
//! - [`input`], [`demux`], [`ports`]: whose a packet is;
//! - [`tcp`] and what is named after it: sockets; [`connection`], [`device`], [`window`],
//!   [`segment_size`], [`outgoing`], [`nagle`], [`recovery`], [`twice`], [`blind`]: smoltcp, and what it lacks;
//! - [`datagram`], [`udp`], [`raw`]: sockets for datagrams; [`multicast`]: their groups; [`icmp`]: echo, and errors both
//!   ways;
//! - [`filter`]: what filters of sockets see of packets.
//!
//! It does not know links, routes or neighbours, nor descriptors, nor who may do what.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod address;
mod backlog;
mod blind;
mod connection;
mod datagram;
mod demux;
mod device;
mod emit;
mod extension;
mod filter;
mod icmp;
mod inbox;
mod inet;
mod input;
#[cfg(feature = "multicast")]
mod multicast;
#[cfg(not(feature = "multicast"))]
#[path = "no_multicast.rs"]
mod multicast;
mod nagle;
mod options;
mod outgoing;
mod ports;
mod protocol;
mod raw;
mod recovery;
mod segment_size;
mod sequence;
mod tcp;
mod tcp_open;
mod tcp_socket;
mod tcp_turn;
#[cfg(test)]
mod tests;
mod time_wait;
mod twice;
mod udp;
mod window;

use alloc::sync::Arc;

use base::{Boot, Failure, Lwp};
use sockets::Families;

use crate::address::Family;
use crate::inet::Inet;
use crate::protocol::InetProtocol;

/// The protocols as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("inet").start(start).stop(stop);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let inet = Inet::new(boot);
    inet.net.set_receiver(inet.clone());
    let families = boot.get::<Families>();
    for family in [Family::V4, Family::V6] {
        let protocol = InetProtocol::new(inet.clone(), family);
        families.add(Arc::new(protocol));
    }
    boot.publish(inet);
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(inet) = lwp.state::<Inet>() {
        inet.stop(lwp);
    }
}

/// A random number from the host.
fn random() -> u64 {
    let mut bytes = [0; 8];
    hypercall::random::fill((&mut bytes[..]).into());
    u64::from_ne_bytes(bytes)
}
