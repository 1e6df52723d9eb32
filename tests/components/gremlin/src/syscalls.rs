//! What makes it panic.

use alloc::sync::Arc;

use base::{Errno, Lwp};
use markers::{public, syscall};
use net::Net;
use syscall::NewFd;

use crate::Gremlin;
use crate::faults::{FaultyFile, FaultyReceiver};

/// Takes the lock, keeps it for that long, and panics.
#[public(gremlin)]
pub fn hold(lwp: &Lwp<'_>, milliseconds: u32) -> Result<(), Errno> {
    let gremlin = lwp.state::<Gremlin>()?;
    let mut held = gremlin.lock.lock(lwp);
    let end = lwp.now() + u64::from(milliseconds) * 1_000_000;
    while lwp.now() < end {
        *held = held.wrapping_add(1);
    }
    panic!("gremlin: holding a lock");
}

/// Takes the lock and gives it back.
#[public(gremlin)]
pub fn touch(lwp: &Lwp<'_>) -> Result<(), Errno> {
    *lwp.state::<Gremlin>()?.lock.lock(lwp) += 1;
    Ok(())
}

/// Panics that much later, when nobody is in a call.
#[public(gremlin)]
pub fn later(lwp: &Lwp<'_>, milliseconds: u32) -> Result<(), Errno> {
    let at = lwp.now() + u64::from(milliseconds) * 1_000_000;
    lwp.state::<Gremlin>()?.callout.set(lwp, at);
    Ok(())
}

/// Panics when the next packet is received.
#[public(gremlin)]
pub fn receive(lwp: &Lwp<'_>) -> Result<(), Errno> {
    lwp.state::<Net>()?.set_receiver(Arc::new(FaultyReceiver));
    Ok(())
}

/// A file that panics when it is dropped.
#[syscall]
pub fn gremlin(lwp: &Lwp<'_>) -> Result<NewFd, Errno> {
    lwp.process().open(lwp, FaultyFile::new(), 0)
}
