//! The state of the faction: what was found, who drives what, and the units there are.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use base::sync::Leaf;
use base::{Boot, DeviceSpec, Errno, Failure, File, Level, Lwp, Work, log};

use crate::units::Units;
use crate::watch::{Watch, Watches};
use crate::{Block, Disk};

/// What a bus hands to the driver of a device.
pub trait Handle: Any + Send {
    /// The bus's name in manifests.
    const BUS: &'static str;
}

/// A device that nobody drives yet.
struct Found {
    bus: &'static str,
    ids: Vec<u32>,
    /// What people call it.
    place: String,
    handle: Box<dyn Any + Send>,
}

/// How a driver takes a device: what it became, in a few words, or nothing worth a line.
type Attach =
    dyn Fn(&Lwp<'_>, Box<dyn Any + Send>, &str) -> Result<Option<String>, Failure> + Send + Sync;

struct Driver {
    component: &'static str,
    specs: Vec<&'static DeviceSpec>,
    attach: Box<Attach>,
}

impl Driver {
    fn wants(&self, found: &Found) -> bool {
        let mut specs = self.specs.iter();
        specs.any(|spec| spec.matches(found.bus, &found.ids))
    }

    /// Takes a device. One that does not work is said to be so, and left alone.
    fn take(&self, lwp: &Lwp<'_>, found: Found) {
        let Found { place, handle, .. } = found;
        match (self.attach)(lwp, handle, &place) {
            Ok(Some(what)) => log!(
                lwp.instance(),
                Level::Info,
                "{place}: {}: {what}",
                self.component
            ),
            Ok(None) => {}
            Err(failure) => log!(
                lwp.instance(),
                Level::Error,
                "{place}: {}: {failure}",
                self.component
            ),
        }
    }
}

/// The state of the faction.
pub struct Dev {
    found: Leaf<Vec<Found>>,
    drivers: Leaf<Vec<Arc<Driver>>>,
    blocks: Units<Block>,
    characters: Units<dyn File>,
    watches: Arc<Watches>,
}

impl Dev {
    pub(crate) fn new() -> Self {
        Dev {
            found: Leaf::new(Vec::new()),
            drivers: Leaf::new(Vec::new()),
            blocks: Units::new(),
            characters: Units::new(),
            watches: Watches::new(),
        }
    }

    // ---- buses ----

    /// Offers a device to drivers: to those that are there, and those that come. `ids` are all that the bus
    /// tells devices apart by, `place` is what people call it, such as `pci 0:2.0 8086:10d3`.
    pub fn offer<H: Handle>(&self, lwp: &Lwp<'_>, ids: &[u32], place: String, handle: H) {
        let found = Found {
            bus: H::BUS,
            ids: ids.to_vec(),
            place,
            handle: Box::new(handle),
        };
        let driver = self.drivers.with(|drivers| {
            let mut drivers = drivers.iter();
            drivers.find(|driver| driver.wants(&found)).cloned()
        });
        match driver {
            Some(driver) => driver.take(lwp, found),
            None => self.found.with(|all| all.push(found)),
        }
    }

    // ---- drivers ----

    /// Makes a driver known, at its component's start. `attach` is called for each device on a bus with
    /// handles `H` that the component's manifest names: now, and when one appears. It says what the
    /// device became, or fails with what is wrong with it, which people read in the log.
    pub fn drive<H: Handle>(
        &self,
        boot: &Boot<'_>,
        attach: impl Fn(&Lwp<'_>, H, &str) -> Result<Option<String>, Failure> + Send + Sync + 'static,
    ) {
        let driver = Arc::new(Driver {
            component: boot.component(),
            specs: boot.devices().filter(|spec| spec.bus == H::BUS).collect(),
            attach: Box::new(move |lwp, handle, place| match handle.downcast() {
                Ok(handle) => attach(lwp, *handle, place),
                Err(_) => Err(Errno::EINVAL.into()),
            }),
        });
        self.drivers.with(|drivers| drivers.push(driver.clone()));
        loop {
            let next = self.found.with(|all| {
                let at = all.iter().position(|found| driver.wants(found))?;
                Some(all.remove(at))
            });
            let Some(found) = next else { break };
            driver.take(boot.lwp(), found);
        }
    }

    /// Makes a disk a unit, named by `prefix` and the first number that is free.
    pub fn add_disk(&self, prefix: &str, disk: Arc<dyn Disk>) -> Arc<Block> {
        let unit = self
            .blocks
            .add(prefix, |name| Arc::new(Block::new(name, disk)));
        self.watches.changed();
        unit
    }

    /// Makes a disk a unit of this very name, as that of a part of another. `EEXIST` if there is one.
    pub fn add_disk_as(&self, name: &str, disk: Arc<dyn Disk>) -> Result<Arc<Block>, Errno> {
        let unit = Arc::new(Block::new(name.into(), disk));
        self.blocks.add_as(name, &unit)?;
        self.watches.changed();
        Ok(unit)
    }

    /// Takes a disk away. Who has it open gets `ENXIO` from now on.
    pub fn remove_disk(&self, block: &Arc<Block>) {
        block.remove();
        self.blocks.remove(block);
        self.watches.changed();
    }

    /// Has `work` scheduled now, and whenever a block unit comes or goes: it looks at all of them, and
    /// [says so](Watch::looked).
    pub fn watch_disks(&self, work: &Arc<Work>) -> Arc<Watch> {
        self.watches.add(work)
    }

    /// Makes a file a character unit, named by `prefix` and the first number that is free, and returns the
    /// name.
    pub fn add_character(&self, prefix: &str, file: Arc<dyn File>) -> String {
        let mut chosen = String::new();
        self.characters.add(prefix, |name| {
            chosen.clone_from(&name);
            file
        });
        chosen
    }

    /// Makes a file a character unit of this very name. `EEXIST` if there is one.
    pub fn add_character_as(&self, name: &str, file: &Arc<dyn File>) -> Result<(), Errno> {
        self.characters.add_as(name, file)
    }

    /// Takes a character unit away. Who has it open keeps the file.
    pub fn remove_character(&self, file: &Arc<dyn File>) {
        self.characters.remove(file);
    }

    // ---- everybody ----

    /// The block unit of this name. `ENXIO` if there is none.
    pub fn block(&self, name: &str) -> Result<Arc<Block>, Errno> {
        self.blocks.get(name).ok_or(Errno::ENXIO)
    }

    /// The block unit of this name. If there is none it may be a part of another that is still being looked at, so
    /// this waits for those who look. `ENXIO` if there still is none.
    pub fn find_block(&self, lwp: &Lwp<'_>, name: &str) -> Result<Arc<Block>, Errno> {
        self.block(name).or_else(|_| {
            self.watches.settle(lwp)?;
            self.block(name)
        })
    }

    /// All block units, in the order they came.
    pub fn blocks(&self) -> Vec<Arc<Block>> {
        self.blocks.all()
    }

    /// The character unit of this name. `ENXIO` if there is none.
    pub fn character(&self, name: &str) -> Result<Arc<dyn File>, Errno> {
        self.characters.get(name).ok_or(Errno::ENXIO)
    }

    /// The names of all block units, in the order they came.
    pub fn block_names(&self) -> Vec<String> {
        self.blocks.names()
    }

    /// The names of all character units, in the order they came.
    pub fn character_names(&self) -> Vec<String> {
        self.characters.names()
    }

    /// Says which devices nobody drives. (A window without a bus may well be empty.)
    pub(crate) fn report_unclaimed(&self, lwp: &Lwp<'_>) {
        let places: Vec<String> = self.found.with(|all| {
            let named = all.iter().filter(|found| !found.ids.is_empty());
            named.map(|found| found.place.clone()).collect()
        });
        for place in places {
            log!(lwp.instance(), Level::Info, "{place}: no driver");
        }
    }

    /// Gives up what refers to other components, so that nothing keeps itself alive.
    pub(crate) fn stop(&self) {
        let _dropped_outside = (
            self.found.with(core::mem::take),
            self.drivers.with(core::mem::take),
            self.watches.clear(),
        );
        self.blocks.clear();
        self.characters.clear();
    }
}
