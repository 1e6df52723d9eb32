//! The driver that filters packets and translates their addresses, with states (RFC 2663, RFC 4787, RFC 5382; rules in the manner of
//! the packet filters of the BSDs).
//!
//! A packet of a flow that has a state passes. Of any other, the rules decide: where it comes in, `rdr` may first give it another
//! destination; where it leaves, `nat` at last another source; between the two, the first of the rules `pass`,
//! `block`, `reject` that fits counts, and sees the addresses of the inside. What no rule fits passes. A flow that passes gets a
//! state on each interface it goes over, so its answers need no rule.
//!
//! Without rules the filter is not in the way. It does not know routes, nor the contents of what is
//! carried; addresses that protocols speak of inside their data are not translated.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod flow;
mod judge;
mod parse;
mod reset;
mod rewrite;
mod rule;
mod state;
pub mod syscalls;

use alloc::format;

use base::{Boot, Component, Failure, Lwp};
use net::Net;

use judge::PacketFilter;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("filter").start(start).stop(stop);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let most = usize::try_from(boot.number("filter-states")).unwrap_or(usize::MAX);
    let filter = PacketFilter::new(most);
    let net = boot.get::<Net>();
    filter
        .set_rules(&net, boot.text("filter"))
        .map_err(|message| {
            Failure::new(base::Errno::EINVAL, format!("parameter filter: {message}"))
        })?;
    boot.publish(filter);
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(filter) = lwp.state::<PacketFilter>() {
        filter.stop(lwp);
    }
}

#[cfg(test)]
mod tests;
