//! The platform that is a simulation: every group of hypercalls but threads.
//!
//! Each host thread is a world of its own: a clock that moves only when somebody waits, randomness
//! from a seed, a console that can be read, cables ([`Wire`]) and
//! disks ([`Image`]) that kernels of the world share. The
//! same seed and the same calls give the same run, to the last frame. Nothing of the operating system
//! is seen; the standard library is here for thread-local storage, unwinding, memory, and for showing
//! people what the console got.
//!
//! Unit tests of components run on it: `sim` is their dev-dependency, with feature `bind`.

mod card;
pub mod devices;
mod disks;
mod events;
mod fault;
mod host;
mod memory;
mod time;
mod url;
mod wire;
mod world;

#[cfg(feature = "bind")]
mod bind;

pub use disks::Image;
pub use host::{console, errno, set_param, stirred};
pub use time::{advance, now, run_until_idle};
pub use wire::Wire;
pub use world::reset;

/// The platform, for the generated bindings.
pub struct Platform;
