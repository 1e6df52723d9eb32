//! The state of a kernel as files, made up when they are read.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod kernfs;
mod state;

use alloc::sync::Arc;

use base::{Boot, Component, Failure, Level, Lwp, write_log};
use vfs::{FileSystem, Format, MountArguments, Vfs};

use crate::kernfs::Kernfs;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("kernfs").start(start).ready(ready);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(State));
    Ok(())
}

/// Mounts it on `/kern`, where that can be had.
fn ready(lwp: &Lwp<'_>) {
    let Ok(vfs) = lwp.state::<Vfs>() else { return };
    if let Err(failure) = vfs.mount_on(lwp, "/kern", "kernfs") {
        let line = format_args!("kernfs: /kern: {failure}");
        write_log(lwp.instance(), Level::Info, line);
    }
}

struct State;

impl Format for State {
    fn name(&self) -> &'static str {
        "kernfs"
    }

    fn recognises(&self, _lwp: &Lwp<'_>, _source: &[u8]) -> bool {
        false
    }

    fn mount(
        &self,
        _lwp: &Lwp<'_>,
        _arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        Ok(Arc::new(Kernfs::new()))
    }
}

#[cfg(test)]
mod tests;
