//! FAT with 12, 16 and 32 bits, and long names: what cards, sticks and boot partitions are of.
//!
//! All is written where it is on the disk, through the cache of blocks under it; what is remembered is which clusters a
//! file in use has, a few of them, where its entry is, and where names are in directories that were searched. Files are written in place. FAT has no journal: between two
//! `sync`s a loss of power leaves what its checkers put right, and a file that is renamed has one of its names.
//!
//! Times have no zone there and are taken for UTC. Everything is the superuser's, and of permissions there is whether
//! a file may be written. Short names are of code page 437.
//!
//! The crates that there are replace a file that is written in its middle, or lose clusters.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod bytes;
mod chain;
mod contents;
mod directory;
mod entry;
mod filesystem;
mod index;
mod layout;
mod make;
mod name;
mod node;
mod state;
mod table;

use alloc::format;
use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Lwp};
use bio::Volume;
use vfs::{FileSystem, Format, MakeArguments, MountArguments, Vfs};

use layout::Layout;

/// The file system as a component of a kernel.
pub static COMPONENT: Component = Component::new("fat").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(OnDisk));
    Ok(())
}

struct OnDisk;

impl Format for OnDisk {
    fn name(&self) -> &'static str {
        "fat"
    }

    fn recognises(&self, lwp: &Lwp<'_>, source: &[u8]) -> bool {
        let volume = Volume::open(lwp, source, true);
        volume.is_ok_and(|volume| Layout::read(lwp, &volume).is_ok())
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        if !arguments.options.is_empty() {
            let message = format!("fat knows no options, as `{}`", arguments.options);
            return Err(Failure::new(Errno::EINVAL, message));
        }
        mount(
            lwp,
            Volume::open(lwp, arguments.source, arguments.read_only)?,
        )
    }

    fn make(&self, lwp: &Lwp<'_>, arguments: &MakeArguments<'_>) -> Result<(), Failure> {
        let volume = Volume::open(lwp, arguments.source, false)?;
        make::make(lwp, &volume, arguments.label)
    }
}

/// Mounts what is on a volume. The failure names the place on it that is wrong.
pub fn mount(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    Ok(Arc::new(filesystem::Fat::mount(lwp, volume)?))
}
