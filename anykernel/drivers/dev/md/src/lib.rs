//! Disks in memory, `md0` and so on: those that the parameter `md` asks for by their sizes, and those that are
//! [added](MemoryDisks::add) later.
//!
//! A disk takes memory, from the kernel's account, as it fills. What was never written reads as zeros, and so does what
//! was discarded, whose memory is given back. With the kernel all of it is gone.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod memory_disk;

use alloc::format;
use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Lwp, param};
use dev::{Block, Dev};

use memory_disk::{BLOCK, MemoryDisk};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("md").start(start);

/// What units are named.
const NAME: &str = "md";

/// The maker of disks of an instance.
pub struct MemoryDisks {
    dev: Arc<Dev>,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let disks = MemoryDisks {
        dev: boot.get::<Dev>(),
    };
    let words = boot.text("md").split(',').map(str::trim);
    for word in words.filter(|word| !word.is_empty()) {
        let added = param::bytes(word)
            .ok_or(Errno::EINVAL)
            .and_then(|size| disks.add(boot.lwp(), size));
        added.map_err(|errno| {
            let way_out =
                "the parameter md is a list of sizes such as 64MiB, multiples of 512 bytes";
            Failure::new(errno, format!("{NAME}: {word}: {errno}; {way_out}"))
        })?;
    }
    boot.publish(Arc::new(disks));
    Ok(())
}

impl MemoryDisks {
    /// Makes a disk of `size` bytes a unit. `EINVAL` unless they are blocks of 512 bytes, and at least one.
    pub fn add(&self, lwp: &Lwp<'_>, size: u64) -> Result<Arc<Block>, Errno> {
        if size == 0 || !size.is_multiple_of(BLOCK.into()) {
            return Err(Errno::EINVAL);
        }
        let disk = Arc::new(MemoryDisk::new(lwp, size));
        Ok(self.dev.add_disk(NAME, disk))
    }
}

#[cfg(test)]
mod tests;
