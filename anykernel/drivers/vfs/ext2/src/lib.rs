//! The file system ext2, in its revisions 0 and 1; and ext3 that was unmounted in order, whose journal stays empty.
//!
//! The source is D. Poirier, "The Second Extended File System: Internal Layout". All is written where it is on the disk,
//! through the cache of blocks under it; what is remembered is what groups have of free things, and which inodes have no
//! name. There is no journal. Between two `sync`s a loss of power leaves what e2fsck puts right, and no block that has
//! contents of a removed file is another's before the name is gone on the disk.
//!
//! Directories are searched from their beginning. One with an index loses it with the first change, as by Linux's driver
//! of this name. What has extents, checksums or a journal to be replayed is `ext4`'s.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod bytes;
mod change;
mod contents;
mod directory;
mod disk;
mod features;
mod filesystem;
mod group;
mod inode;
mod layout;
mod map;
mod names;
mod space;
mod xattr;
mod xattrs;

use alloc::format;
use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Lwp};
use bio::Volume;
use vfs::{FileSystem, Format, MountArguments, Vfs};

/// The file system as a component of a kernel.
pub static COMPONENT: Component = Component::new("ext2").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(OnDisk));
    Ok(())
}

struct OnDisk;

impl Format for OnDisk {
    fn name(&self) -> &'static str {
        "ext2"
    }

    /// Not what can be read only: that may be more to another driver.
    fn recognises(&self, lwp: &Lwp<'_>, source: &[u8]) -> bool {
        let volume = Volume::open(lwp, source, true);
        volume.is_ok_and(|volume| {
            let superblock = layout::read(lwp, &volume);
            superblock.is_ok_and(|superblock| features::check(&superblock, false).is_ok())
        })
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        if !arguments.options.is_empty() {
            let message = format!("ext2 knows no options, as `{}`", arguments.options);
            return Err(Failure::new(Errno::EINVAL, message));
        }
        mount(
            lwp,
            Volume::open(lwp, arguments.source, arguments.read_only)?,
        )
    }
}

/// Mounts what is on a volume. The failure names the place on it that is wrong.
pub fn mount(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    Ok(Arc::new(filesystem::Ext2::mount(lwp, volume)?))
}
