//! The driver of disks of the host: files and block devices, by the group `block`.
//!
//! Each becomes a unit `disk0`, `disk1` and so on: those that the parameter `disk` names, and those that are
//! [attached](Disks::attach) later. A request is handed to the host at once, in the caller's thread. The host may do it
//! there and then, or later: then deferred work takes its end.
//!
//! The driver does not know what the host's names mean, but for advice when one cannot be opened.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod host_disk;
mod under_way;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Errno, Failure, Level, Lwp, log};
use dev::{Block, Dev};

use host_disk::HostDisk;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("disk").start(start).stop(stop);

/// What units are named.
const NAME: &str = "disk";

/// What stands behind a disk in the parameter that is not to be written.
const READ_ONLY: &str = ":ro";

/// The host's disks of an instance.
pub struct Disks {
    dev: Arc<Dev>,
    all: Leaf<Vec<(Arc<HostDisk>, Arc<Block>)>>,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let disks = Disks {
        dev: boot.get::<Dev>(),
        all: Leaf::new(Vec::new()),
    };
    let words = boot.text("disk").split(',').map(str::trim);
    for word in words.filter(|word| !word.is_empty()) {
        let (name, read_only) = match word.strip_suffix(READ_ONLY) {
            Some(name) => (name, true),
            None => (word, false),
        };
        if let Err(errno) = disks.attach(boot.lwp(), name, read_only) {
            // Of a component that did not start, nobody stops what did.
            disks.close(boot.lwp());
            return Err(Failure::new(errno, refusal(name, errno)));
        }
    }
    boot.publish(Arc::new(disks));
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(disks) = lwp.state::<Disks>() {
        disks.close(lwp);
    }
}

impl Disks {
    /// Makes what the host calls `name` a unit. Fails with the host's error: `EBUSY` if somebody else has it open and
    /// one of the two writes, `ENOENT` if there is nothing. `EINVAL` if it is no disk, or holds no block.
    pub fn attach(&self, lwp: &Lwp<'_>, name: &str, read_only: bool) -> Result<Arc<Block>, Errno> {
        let disk = HostDisk::open(lwp, name, read_only)?;
        let unit = self.dev.add_disk(NAME, disk.clone());
        log!(
            lwp.instance(),
            Level::Info,
            "{}: {name}, {}",
            unit.name(),
            disk.describe()
        );
        self.all.with(|all| all.push((disk, unit.clone())));
        Ok(unit)
    }

    /// Takes a unit away that was attached. What is under way ends first. `ENXIO` if there is none of this name.
    pub fn detach(&self, lwp: &Lwp<'_>, unit: &str) -> Result<(), Errno> {
        let found = self.all.with(|all| {
            let at = all.iter().position(|(_, other)| other.name() == unit)?;
            Some(all.remove(at))
        });
        let (disk, unit) = found.ok_or(Errno::ENXIO)?;
        self.dev.remove_disk(&unit);
        disk.close(lwp);
        Ok(())
    }

    fn close(&self, lwp: &Lwp<'_>) {
        for (disk, unit) in self.all.with(core::mem::take) {
            self.dev.remove_disk(&unit);
            disk.close(lwp);
        }
    }
}

/// Why a disk was not attached, and what to do about it.
pub fn refusal(name: &str, errno: Errno) -> String {
    let way_out = match errno {
        Errno::EBUSY => {
            format!(
                "another program has it open; close that, or have both only read it ({name}{READ_ONLY})"
            )
        }
        Errno::ENOENT => "the host has no such file; it is not made here".to_string(),
        Errno::EACCES | Errno::EPERM | Errno::EROFS => {
            format!("see who may write it, or have it only read: {name}{READ_ONLY}")
        }
        Errno::EINVAL => "it is no file and no block device, or does not hold a block".to_string(),
        Errno::ENOSYS => "this platform has no disks; boot without the parameter disk".to_string(),
        _ => "see whether the host can read it".to_string(),
    };
    format!("{NAME}: {name}: {errno}; {way_out}")
}

#[cfg(test)]
mod tests;
