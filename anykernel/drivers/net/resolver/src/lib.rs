//! The driver that finds the addresses of names: a stub resolver (RFC 1034 § 5.3.1, RFC 1035, RFC 1123 § 6.1).
//!
//! It asks servers that resolve for others, over UDP and, for what does not fit into a datagram, over TCP, and
//! believes what they answer to the question asked and nothing else. Which servers those are, parameters, leases
//! of DHCP and routers say. Answers are remembered for as long as they say. `localhost` is known and
//! `invalid` known not to be (RFC 6761).
//!
//! It does not know search lists, names of other alphabets, or which sockets use the addresses.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod cache;
mod exchange;
mod hosts;
mod message;
mod name;
mod order;
mod resolver;
pub mod syscalls;

use base::{Boot, Component, Failure};
use net::Net;
use sockets::Families;

pub use resolver::{Found, Resolver};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("resolver").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let (net, families) = (boot.get::<Net>(), boot.get::<Families>());
    let servers = hosts::servers(boot.text("nameserver"))?;
    let hosts = hosts::Hosts::parse(boot.text("hosts"))?;
    boot.publish(Resolver::new(net, families, servers, hosts));
    Ok(())
}

#[cfg(test)]
mod tests;
