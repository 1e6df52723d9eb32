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

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Errno, Failure};

pub use volume::Volume;

/// The cache as a component of a kernel.
pub static COMPONENT: Component = Component::new("bio").start(start);

/// The volumes of an instance.
struct Bio {
    /// Bytes that each may keep.
    bytes: usize,
    open: Leaf<Vec<Weak<Volume>>>,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let bytes = boot.number("buffer-cache");
    boot.publish(Arc::new(Bio {
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        open: Leaf::new(Vec::new()),
    }));
    Ok(())
}

impl Bio {
    /// Notes a volume. `EBUSY` if there is another over the same unit, and either can be written: they know nothing of
    /// each other.
    fn add(&self, volume: &Arc<Volume>) -> Result<(), Errno> {
        self.open.with(|open| {
            open.retain(|other| other.strong_count() > 0);
            let mut others = open.iter().filter_map(Weak::upgrade);
            match others.any(|other| other.excludes(volume)) {
                true => Err(Errno::EBUSY),
                false => {
                    open.push(Arc::downgrade(volume));
                    Ok(())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
