//! Locks. One interface, two files: `mp.rs` for as many processors as the host has threads, `up.rs`
//! for one virtual processor, where a lock is a plain cell. A configuration picks one; no
//! component can tell which.

#[cfg(not(feature = "up"))]
mod mp;
mod parts;
#[cfg(feature = "up")]
mod up;

#[cfg(not(feature = "up"))]
pub use mp::{Guard, Leaf, Mutex, ReadMostly, Word};
pub use parts::Parts;
pub(crate) use parts::here;
#[cfg(feature = "up")]
pub use up::{Guard, Leaf, Mutex, ReadMostly, Word};
