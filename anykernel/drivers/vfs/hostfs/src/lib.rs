//! Directories of the host, by the group `hostfs`: what is in them is in the kernel, and nothing else of the host is.
//!
//! Nothing is kept of contents, names and attributes: the host is asked each time, so what others change there is seen
//! at once. What is kept is which inode has which number, and handles of those used last ([`inodes`]).
//!
//! Rights are checked twice: by the faction, for whoever acts in the kernel, and by the host, for the process that the
//! kernel is in. A call takes as long as the host does, and keeps its thread for that time.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod convert;
mod hostfs;
mod inodes;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Lwp};
use vfs::{FileSystem, Format, MountArguments, Vfs};

use crate::hostfs::HostFs;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("hostfs").start(start);

/// The name of this kind of file system.
pub const NAME: &str = "hostfs";

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(Directories));
    Ok(())
}

struct Directories;

impl Format for Directories {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Any path might be one of the host's: who wants that says so.
    fn recognises(&self, _lwp: &Lwp<'_>, _source: &[u8]) -> bool {
        false
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        let path = String::from_utf8_lossy(arguments.source);
        if !arguments.options.is_empty() {
            let message = format!("hostfs: {path}: there is no option {}", arguments.options);
            return Err(Failure::new(Errno::EINVAL, message));
        }
        match HostFs::attach(lwp, arguments.source, arguments.read_only) {
            Ok(fs) => Ok(Arc::new(fs)),
            Err(errno) => {
                let message = format!("hostfs: {path}: {errno}; {}", way_out(errno));
                Err(Failure::new(errno, message))
            }
        }
    }
}

/// What to do where a directory cannot be had.
fn way_out(errno: Errno) -> &'static str {
    match errno {
        Errno::ENOENT => "the host has no such directory; it is not made here",
        Errno::ENOTDIR => {
            "it is no directory of the host; a file with an image is attached as a disk"
        }
        Errno::EOPNOTSUPP => "the host opens no files by their descriptors: mount /proc",
        Errno::EMFILE | Errno::ENFILE => "let the process have more open files",
        _ => "see whether the host lets this process look into it",
    }
}

#[cfg(test)]
mod tests;
