//! The safe face of a kernel: what applications and tests in Rust use.
//!
//! A [`Kernel`] is booted from a configuration the generator made; its crate `kernel` re-exports
//! everything here and adds `boot`. What the kernel can do depends on its components: [`poll`] is
//! always there, `fs` with `vfs`, `net` with the component `inet` or `sockin`, `unix` with `local`, `netconfig` with
//! `net`, `block` and `character` with `dev`, files of the host as disks with `disk`, disks in memory with `md`, `wg`
//! with the component of that name.
//!
//! ```no_run
//! # fn kernel() -> rump::Kernel { unimplemented!() }
//! # #[cfg(feature = "net")]
//! fn main() -> rump::Result<()> {
//!     let kernel = kernel(); // kernel::boot(Config::new())
//!     let listener = rump::net::TcpListener::bind(&kernel, ([0, 0, 0, 0], 7))?;
//!     loop {
//!         let (stream, peer) = listener.accept()?;
//!         stream.write_all(format!("hello, {peer}\n").as_bytes())?;
//!     }
//! }
//! # #[cfg(not(feature = "net"))] fn main() {}
//! ```
//!
//! Everything is a thin layer of types over the system calls: an object is a descriptor of the
//! kernel's initial process and is closed when dropped. Errors are error numbers, Linux's.
//!
//! This crate does not know any platform, and does nothing that an application could not do with
//! system calls.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "dev")]
pub mod block;
#[cfg(feature = "dev")]
pub mod character;
mod descriptor;
#[cfg(feature = "fs")]
pub mod fs;
mod kernel;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "netconfig")]
pub mod netconfig;
pub mod poll;
#[cfg(any(feature = "net", feature = "unix"))]
mod socket;
#[cfg(feature = "unix")]
pub mod unix;
#[cfg(feature = "wg")]
pub mod wg;

pub use base::{BootError, Component, Config, Errno, Level, ParamKind, ParamSpec, System};
pub use descriptor::{AsDescriptor, Descriptor};
pub use kernel::Kernel;

/// What calls into a kernel return.
pub type Result<T> = core::result::Result<T, Errno>;
