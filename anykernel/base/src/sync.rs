//! Locks. One interface, two files: `mp.rs` for as many processors as the host has threads, `up.rs`
//! for one virtual processor, where a lock is a plain cell. A configuration picks one; no
//! component can tell which.

#[cfg(not(feature = "up"))]
mod mp;
#[cfg(feature = "up")]
mod up;

#[cfg(not(feature = "up"))]
pub use mp::{Guard, Leaf, Mutex, Word};
#[cfg(feature = "up")]
pub use up::{Guard, Leaf, Mutex, Word};
