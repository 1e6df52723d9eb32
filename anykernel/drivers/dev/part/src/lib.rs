//! Partitions: what a disk is divided into, by GPT or MBR, becomes units of its own, such as `vblk0p1`.
//!
//! Each block unit is looked at when it appears, in deferred work: no read of a table is waited for. A partition is a
//! [`Disk`](dev::Disk) over the unit it is on, whose completions end its requests, and goes when that goes.
//!
//! **A table is written by who knows whom.** What it says is held against the disk, chains and counts are bounded, and
//! what makes no sense is named in the log and left out.
//!
//! Of upstream crates, `hadris-part` follows no chains of logical partitions, refuses a table whose copy is damaged, and
//! reads while its caller waits; `gpt_disk_io` knows no MBR. So the tables are read here.
//!
//! This crate does not know what is in a partition.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod blocks;
mod gpt;
mod mbr;
mod partition;
mod search;
mod table;

use alloc::sync::{Arc, Weak};

use base::sync::{Leaf, Mutex};
use base::{Boot, Component, Failure, Lwp, Work};
use dev::{Dev, Watch};

use search::Search;

/// The component of a kernel.
pub static COMPONENT: Component = Component::new("part").start(start).stop(stop);

/// What looks at the disks of an instance.
struct Partitions {
    dev: Arc<Dev>,
    work: Arc<Work>,
    watch: Arc<Watch>,
    /// None once it has stopped.
    search: Mutex<Option<Search>>,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    // Work may be asked for before there is something for it to find.
    let found: Arc<Leaf<Weak<Partitions>>> = Arc::new(Leaf::new(Weak::new()));
    let of_work = found.clone();
    let work = Work::new(boot.instance(), move |lwp| {
        if let Some(partitions) = of_work.with(|place| place.upgrade()) {
            partitions.look(lwp);
        }
    });
    let partitions = Arc::new(Partitions {
        watch: dev.watch_disks(&work),
        dev,
        work: work.clone(),
        search: Mutex::new(Some(Search::default())),
    });
    found.with(|place| *place = Arc::downgrade(&partitions));
    // It may have run already, and found nothing to look with.
    work.schedule();
    boot.publish(partitions);
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(partitions) = lwp.state::<Partitions>()
        && let Some(mut search) = partitions.search.lock(lwp).take()
    {
        search.end(&partitions.dev);
    }
}

impl Partitions {
    fn look(&self, lwp: &Lwp<'_>) {
        let look = self.watch.look();
        let (reads, done) = {
            let mut search = self.search.lock(lwp);
            let Some(search) = &mut *search else { return };
            (search.step(lwp, &self.dev, &self.work), search.is_done())
        };
        for (unit, request) in reads {
            unit.submit(lwp, request);
        }
        if done {
            self.watch.looked(lwp, look);
        }
    }
}

#[cfg(test)]
mod tests;
