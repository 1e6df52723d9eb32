//! Unix-domain sockets: streams, packets and datagrams between the processes of one kernel, and open files that
//! travel in them (`SCM_RIGHTS`).
//!
//! A stream or a socket of packets (`SOCK_SEQPACKET`) is one side of a connection, which exists from the
//! moment its first side does; a byte from one side to the other takes the connection's lock, once, and no memory. A
//! socket of datagrams has a queue of its own.
//!
//! What a program sees is Linux's (`unix(7)`): errors and their order, readiness, names, what closing does. What is not:
//!
//! - there is no file system here, so paths are names like others, compared byte by byte, and are free again when
//!   their socket is closed;
//! - everybody is root: credentials have a process, and user and group zero;
//! - a stream's buffer counts bytes and not what they take, so it holds more of small writes;
//! - a writer that waits when the other side closes with data unread hears `EPIPE`, and the reset afterwards;
//! - `SO_LINGER`, `SO_RCVLOWAT`, `SO_PEEK_OFF` and urgent data are unknown.
//!
//! This crate does not know what the files are that travel, and needs no network.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod backlog;
mod connection;
mod datagram;
mod filter;
mod in_flight;
mod local;
mod name;
mod names;
mod options;
mod queue;
mod ring;
mod stream;
#[cfg(test)]
mod tests;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Boot, Failure, Lwp};
use sockets::Families;

use crate::local::{Local, LocalProtocol};

/// Unix-domain sockets as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("local").start(start).stop(stop);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let local = Local::new(boot.instance().memory());
    boot.get::<Families>()
        .add(Arc::new(LocalProtocol(local.clone())));
    boot.publish(local);
    Ok(())
}

/// What was lost on its way is all that is left now.
fn stop(lwp: &Lwp<'_>) {
    if let Ok(local) = lwp.state::<Local>() {
        local.tidy(lwp, Vec::new());
    }
}
