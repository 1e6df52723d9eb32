//! The base of the anykernel: what every component stands on.
//!
//! - an [`Instance`] is one kernel; [`Kernel`] is the handle of it that a host holds;
//! - an [`Lwp`] is a thread of the host inside an instance, on behalf of a [`Process`];
//! - a [`File`] is what a descriptor stands for, [`Readiness`] is how it says that it has news;
//! - [`block`] is the one place where anything waits;
//! - [`Callout`] and [`Work`] are for what nobody waits for.
//!
//! Base schedules nothing and maps nothing. It does not know which components there are, what
//! platform executes them, or what their files are.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod atomic;
mod background;
mod boot;
mod callout;
mod component;
mod contain;
mod descriptors;
mod echo;
mod epoll;
mod events;
mod exclusive;
mod file;
mod handle;
mod host;
mod instance;
mod kernel;
mod lender;
#[macro_use]
mod log;
mod lwp;
mod memory;
pub mod param;
mod patience;
mod pollset;
mod process;
#[cfg(any(feature = "threads", not(feature = "up")))]
mod rawlock;
mod readiness;
#[cfg_attr(
    feature = "up",
    expect(unreachable_pub, reason = "public as the leaf lock of the other build")
)]
mod spin;
pub mod sync;
pub mod syscalls;
#[cfg(test)]
mod tests;
mod upcall;
mod vcpu;
mod wait;
mod wakes;
mod wheel;
mod work;

pub use background::background;
pub use boot::{Boot, BootError, Config};
pub use callout::Callout;
pub use component::{Component, DeviceSpec, Failure, System};
pub use echo::Echo;
pub use events::Events;
pub use exclusive::Exclusive;
pub use file::{File, OpenFile};
pub use handle::HostHandle;
pub use instance::Instance;
pub use kernel::Kernel;
pub use lender::Lender;
pub use log::{Level, write_log};
pub use lwp::{Lwp, enter};
pub use memory::{Charge, Memory};
pub use param::{ParamKind, ParamSpec, Params};
pub use process::{OfProcess, Process};
pub use readiness::Readiness;
pub use syscall::Errno;
pub use upcall::{UpcallGuard, upcall};
pub use wait::{Blocking, Wait, block};
pub use wakes::Wakes;
pub use work::Work;

/// Base as a component of a kernel: the first to start and the last to stop.
pub static COMPONENT: Component = Component::new("base");
