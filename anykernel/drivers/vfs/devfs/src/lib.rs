//! Nodes for the units of devices: `/dev/disk0`, `/dev/null`.
//!
//! The directory is what the faction of devices says at each look, so units that come and go do so here. Opening a
//! character unit's node, here or one that `mknod` made, gives the unit itself. What is on a block unit is a file of a
//! mount without a place in the tree ([`contents`]), so it goes through the same pages as any other.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod contents;
mod nodes;

use alloc::string::String;
use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Level, Lwp, write_log};
use dev::{Block, Dev};
use vfs::{Devices, FileSystem, Format, Kind, Mount, MountArguments, Opened, Vfs};

use crate::contents::Contents;
use crate::nodes::{Class, Nodes};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("devfs").start(start).ready(ready);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let vfs = boot.get::<Vfs>();
    let dev = boot.get::<Dev>();
    let nodes = Arc::new(Nodes::new(dev));
    let contents = vfs.mount_apart("blocks", Arc::new(Contents(nodes.clone())));
    let devfs = Arc::new(Devfs {
        nodes,
        blocks: contents,
    });
    vfs.set_devices(devfs.clone());
    vfs.register(devfs.clone());
    boot.publish(devfs);
    Ok(())
}

/// Mounts it on `/dev`. Where that is not to be had, as on a root that is only read and has no such directory, there
/// are no nodes.
fn ready(lwp: &Lwp<'_>) {
    let Ok(vfs) = lwp.state::<Vfs>() else { return };
    if let Err(failure) = vfs.mount_on(lwp, "/dev", "devfs") {
        let line = format_args!("devfs: /dev: {failure}");
        write_log(lwp.instance(), Level::Info, line);
    }
}

/// The nodes of a kernel.
pub struct Devfs {
    nodes: Arc<Nodes>,
    blocks: Arc<Mount>,
}

impl Devfs {
    /// What a node of a block unit is, wherever it stands.
    pub fn block(&self, unit: &Block) -> Kind {
        self.nodes.kind(Class::Block, unit.name())
    }
}

impl Format for Devfs {
    fn name(&self) -> &'static str {
        "devfs"
    }

    fn recognises(&self, _lwp: &Lwp<'_>, _source: &[u8]) -> bool {
        false
    }

    fn mount(
        &self,
        _lwp: &Lwp<'_>,
        _arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        Ok(Arc::new(nodes::Directory(self.nodes.clone())))
    }
}

impl Devices for Devfs {
    fn name(&self, kind: Kind) -> Option<String> {
        let (class, name) = self.nodes.unit(kind.device()?)?;
        (class == Class::Block && matches!(kind, Kind::Block(_))).then_some(name)
    }

    fn open(&self, lwp: &Lwp<'_>, kind: Kind) -> Result<Opened, Errno> {
        let device = kind.device().ok_or(Errno::ENXIO)?;
        let (class, name): (Class, String) = self.nodes.unit(device).ok_or(Errno::ENXIO)?;
        match (class, kind) {
            (Class::Character, Kind::Character(_)) => {
                Ok(Opened::File(self.nodes.dev().character(&name)?))
            }
            (Class::Block, Kind::Block(_)) => {
                self.nodes.dev().block(&name)?;
                let number = self.nodes.number(class, &name);
                Ok(Opened::Contents(self.blocks.vnode(lwp, number, None)?))
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

#[cfg(test)]
mod tests;
