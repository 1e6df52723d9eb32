//! The look at all disks, a step at a time: each read of a block that a table is in ends in the work that goes on.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Level, Lwp, Work, log};
use dev::{Block, Dev, Done, Operation, Request};

use crate::blocks::{Blocks, Lacking};
use crate::partition::PartitionDisk;
use crate::table::Table;

/// The disks that were seen.
#[derive(Default)]
pub(crate) struct Search {
    disks: Vec<Seen>,
}

/// A request, and of which unit.
pub(crate) type Read = (Arc<Block>, Request);

/// A disk, and how far it is known.
struct Seen {
    unit: Arc<Block>,
    reading: Option<Reading>,
    partitions: Vec<Arc<Block>>,
}

/// A table that is being read.
struct Reading {
    blocks: Blocks,
    /// What is under way.
    lacking: Option<Lacking>,
    /// Where it ends.
    end: Arc<Leaf<Option<Done>>>,
}

impl Search {
    /// Goes as far as it gets, and says what is to be read for it to get further: `work` is scheduled then. Nothing is
    /// under way or to be read once all disks are known.
    pub(crate) fn step(&mut self, lwp: &Lwp<'_>, dev: &Dev, work: &Arc<Work>) -> Vec<Read> {
        let units = dev.blocks();
        let is_there = |unit: &Arc<Block>| units.iter().any(|other| Arc::ptr_eq(other, unit));
        for gone in self.disks.extract_if(.., |disk| !is_there(&disk.unit)) {
            gone.remove(dev);
        }
        // Without the parts of those that are gone.
        for unit in dev.blocks() {
            if !self.disks.iter().any(|disk| disk.is_about(&unit)) {
                self.disks.push(Seen::new(unit));
            }
        }
        let disks = self.disks.iter_mut();
        disks.filter_map(|disk| disk.step(lwp, dev, work)).collect()
    }

    /// Whether all disks are known.
    pub(crate) fn is_done(&self) -> bool {
        self.disks.iter().all(|disk| disk.reading.is_none())
    }

    /// Takes all partitions away.
    pub(crate) fn end(&mut self, dev: &Dev) {
        for disk in self.disks.drain(..) {
            disk.remove(dev);
        }
    }
}

impl Seen {
    fn new(unit: Arc<Block>) -> Self {
        let reading = Reading {
            blocks: Blocks::new(unit.geometry()),
            lacking: None,
            end: Arc::new(Leaf::new(None)),
        };
        Seen {
            unit,
            reading: Some(reading),
            partitions: Vec::new(),
        }
    }

    /// Whether the unit is this disk or a part of it. Partitions of a partition nobody looks for.
    fn is_about(&self, unit: &Arc<Block>) -> bool {
        let mut parts = self.partitions.iter();
        Arc::ptr_eq(&self.unit, unit) || parts.any(|part| Arc::ptr_eq(part, unit))
    }

    fn step(&mut self, lwp: &Lwp<'_>, dev: &Dev, work: &Arc<Work>) -> Option<Read> {
        let reading = self.reading.as_mut()?;
        if let Some(lacking) = &reading.lacking {
            let done = reading.end.with(Option::take)?;
            reading
                .blocks
                .put(lacking, done.result.map(|()| &*done.buffer));
        }
        match Table::read(&reading.blocks) {
            Ok(table) => {
                self.reading = None;
                self.become_known(lwp, dev, &table);
                None
            }
            Err(lacking) => Some((self.unit.clone(), reading.request(lacking, work))),
        }
    }

    /// Makes units of what the table has.
    fn become_known(&mut self, lwp: &Lwp<'_>, dev: &Dev, table: &Table) {
        let name = self.unit.name();
        let mut names = String::new();
        for partition in &table.partitions {
            let disk = Arc::new(PartitionDisk {
                whole: self.unit.clone(),
                partition: partition.clone(),
            });
            let part = format!("{name}p{}", partition.number);
            match dev.add_disk_as(&part, disk) {
                Ok(unit) => self.partitions.push(unit),
                Err(errno) => log!(lwp.instance(), Level::Warning, "{part}: {errno}"),
            }
            names.push(' ');
            names.push_str(&part);
        }
        if !table.kind.is_empty() {
            log!(
                lwp.instance(),
                Level::Info,
                "{name}: {}:{names}",
                table.kind
            );
        }
        for complaint in &table.complaints {
            log!(lwp.instance(), Level::Warning, "{name}: {complaint}");
        }
    }

    fn remove(self, dev: &Dev) {
        for part in &self.partitions {
            dev.remove_disk(part);
        }
    }
}

impl Reading {
    /// What is to be read next.
    fn request(&mut self, lacking: Lacking, work: &Arc<Work>) -> Request {
        let buffer = alloc::vec![0; lacking.count as usize * self.blocks.size()];
        let first = lacking.first;
        self.lacking = Some(lacking);
        let (end, work) = (self.end.clone(), work.clone());
        Request::new(Operation::Read, first, buffer, move |_, done| {
            end.with(|end| *end = Some(done));
            work.schedule();
        })
    }
}
