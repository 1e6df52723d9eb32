//! Disks for file systems: a block unit as bytes, through a cache of its blocks.
//!
//! A file system reads and writes a [`Volume`] wherever it likes, in whatever sizes. What is small comes to stay for a
//! while, since file systems come back to the same few blocks again and again; what is large, and so most likely the
//! contents of a file, passes by blocks that are not there already. What is written waits until there is much of it or
//! until a [`flush`](Volume::flush), and goes to the disk in long pieces. A flush is the only order there is.
//!
//! Nothing here knows what the bytes mean, and nobody's are lost: a block that could not be written stays until it can.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod cache;
mod volume;

use alloc::sync::Arc;

use base::{Boot, Component, Failure};

pub use volume::Volume;

/// The cache as a component of a kernel.
pub static COMPONENT: Component = Component::new("bio").start(start);

/// What volumes of an instance are like.
struct Bio {
    /// Bytes that each may keep.
    bytes: usize,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let bytes = boot.number("buffer-cache");
    boot.publish(Arc::new(Bio {
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
    }));
    Ok(())
}

#[cfg(test)]
mod tests;
