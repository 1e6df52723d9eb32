//! BSD sockets: the system calls, over whatever protocols the faction `net` has.
//!
//! A socket is a file that holds a protocol's [`net::Socket`]. Here is what all protocols have in common:
//! the order in which arguments are checked, waiting and its limits, the options that say what
//! a socket is, lingering. What a descriptor can do beside (`read`, `poll`, `dup`, …) is base's.
//!
//! Errors and their order are Linux's. There are no signals: a broken pipe is `EPIPE` and nothing
//! else.
//!
//! This crate does not know any protocol or address family, and no layout of a C structure but that of
//! option values.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod file;
mod option;
pub mod syscalls;
#[cfg(test)]
mod tests;
mod timeouts;

/// The layer as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("sockets");
