//! ISO 9660 (ECMA-119), with Rock Ridge and Joliet: what is on CDs, and in images of installers.
//!
//! Of the names that an image has those are taken that say most: Rock Ridge's, else Joliet's, else the plain ones, which
//! are shown as Linux does. `norock` and `nojoliet` are options of a mount. All is read from the medium when it is asked
//! for, and checked then. The readers that there are leave out modes, owners, times and directories that were moved
//! for their depth.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod bytes;
mod directory;
mod filesystem;
mod image;
mod names;
mod record;
mod rock_ridge;
mod susp;

use alloc::format;
use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Lwp};
use bio::Volume;
use vfs::{FileSystem, Format, MountArguments, Vfs};

use filesystem::Iso9660;
use image::{Image, Wanted};

/// The file system as a component of a kernel.
pub static COMPONENT: Component = Component::new("iso9660").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(OnDisc));
    Ok(())
}

struct OnDisc;

impl Format for OnDisc {
    fn name(&self) -> &'static str {
        "iso9660"
    }

    fn recognises(&self, lwp: &Lwp<'_>, source: &[u8]) -> bool {
        let volume = Volume::open(lwp, source, true);
        volume.is_ok_and(|volume| Image::is_on(lwp, &volume))
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        let volume = Volume::open(lwp, arguments.source, true)?;
        mount(lwp, volume, arguments.options)
    }
}

/// Mounts what is on a volume, with options separated by commas. The failure names the place on it that is wrong.
pub fn mount(
    lwp: &Lwp<'_>,
    volume: Arc<Volume>,
    options: &str,
) -> Result<Arc<dyn FileSystem>, Failure> {
    let mut wanted = Wanted {
        rock_ridge: true,
        joliet: true,
    };
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "norock" => wanted.rock_ridge = false,
            "nojoliet" => wanted.joliet = false,
            _ => {
                let message = format!("no option `{option}`: there are norock and nojoliet");
                return Err(Failure::new(Errno::EINVAL, message));
            }
        }
    }
    Ok(Arc::new(Iso9660::mount(lwp, volume, wanted)?))
}
