//! Squashfs 4.0: trees that are compressed and read only, as `mksquashfs` makes them.
//!
//! What is read is what stands on the medium, with nothing remembered but a few decompressed blocks; all of it is
//! checked where it is used. The compressors are crates; the format around them is here, since readers of it that there
//! are leave out modes, owners, times, devices and attributes.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod bytes;
mod cache;
mod compressor;
mod contents;
mod directory;
mod filesystem;
mod image;
mod inode;
mod searches;
mod superblock;
mod xattr;
mod xz;

use alloc::sync::Arc;

use base::{Boot, Component, Failure, Lwp};
use bio::Volume;
use vfs::{FileSystem, Format, MountArguments, Vfs};

use filesystem::Squashfs;
use superblock::Superblock;

/// The file system as a component of a kernel.
pub static COMPONENT: Component = Component::new("squashfs").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(Compressed));
    Ok(())
}

struct Compressed;

impl Format for Compressed {
    fn name(&self) -> &'static str {
        "squashfs"
    }

    fn recognises(&self, lwp: &Lwp<'_>, source: &[u8]) -> bool {
        let volume = Volume::open(lwp, source, true);
        volume.is_ok_and(|volume| Superblock::is_on(lwp, &volume))
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        mount(lwp, Volume::open(lwp, arguments.source, true)?)
    }
}

/// Mounts what is on a volume. The failure names the place on it that is wrong.
pub fn mount(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    Ok(Arc::new(Squashfs::mount(lwp, volume)?))
}
