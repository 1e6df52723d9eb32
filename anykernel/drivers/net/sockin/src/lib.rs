//! IPv4 and IPv6 by sockets of the host: a program's sockets are the host's, and so is its network. There are no
//! interfaces here, no addresses and no stack; nor does it take rights that an ordinary program of the host lacks.
//!
//! Streams, datagrams and raw sockets, as far as the host allows. Every call is one of the host's that does not wait;
//! who may wait does it here, as for any file, and the host says when to try again. What a program meets — errors,
//! readiness, addresses, what options do — is the host's own, with these exceptions:
//!
//! - of options only those in `options.rs` are passed on; others are unknown (`ENOPROTOOPT`);
//! - `SO_LINGER` is waited for here: the host's `close` would make whoever is in the kernel wait;
//! - a look at more than 64 KiB of a stream (`MSG_PEEK`) sees the first of it.
//!
//! This crate does not know which host it is, and keeps nothing of a socket but what it has open there.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;
#[cfg(test)]
extern crate std;

mod buffers;
mod control;
mod linger;
mod name;
mod options;
mod protocol;
mod socket;
#[cfg(test)]
mod tests;
mod transfer;

use alloc::sync::Arc;

use base::{Boot, Component, Failure, Lwp};
use sockets::Families;
use syscall::consts::{AF_INET, AF_INET6};

use protocol::{HostProtocol, Sockin};

/// The host's sockets as a component of a kernel.
pub static COMPONENT: Component = Component::new("sockin").start(start).stop(stop);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let sockin = Sockin::start(boot);
    let families = boot.get::<Families>();
    for family in [AF_INET, AF_INET6] {
        families.add(Arc::new(HostProtocol::new(&sockin, family)));
    }
    boot.publish(sockin);
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(sockin) = lwp.state::<Sockin>() {
        sockin.stop(lwp);
    }
}
