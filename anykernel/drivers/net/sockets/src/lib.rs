//! BSD sockets: the system calls, over whatever protocol families there are.
//!
//! A socket is a file that holds a protocol's [`Socket`]; protocols are made known to [`Families`]. Here is what
//! all of them have in common: the order in which arguments are checked, waiting and its limits, the options
//! that say what a socket is, lingering, open files that travel with messages. What a descriptor can do beside
//! (`read`, `poll`, `dup`, …) is base's.
//!
//! Errors and their order are Linux's. There are no signals: a broken pipe is `EPIPE` and nothing
//! else.
//!
//! This crate does not know any protocol, address family or network, and no layout of a C structure but that of
//! option values.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod families;
mod file;
mod filter;
mod option;
mod rights;
mod socket;
pub mod syscalls;
#[cfg(test)]
mod tests;
mod timeouts;

pub use families::Families;
pub use file::socket_of;
pub use filter::{Arrival, Filter, FilterOptions, FilterPlace, Origin};
pub use socket::{Incoming, Outgoing, Protocol, Socket};

/// The layer as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("sockets")
    .start(families::start)
    .stop(families::stop);
