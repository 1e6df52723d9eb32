//! The faction's state: kinds of file systems, mounts, and the pages of all.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Exclusive, Failure, File, Instance, Level, Lwp, write_log};

use crate::cache::Cache;
use crate::inotify::Watches;
use crate::ranges::Waiting;
use crate::{FileSystem, Format, Kind, MakeArguments, Mount, MountArguments, MountOptions, Vnode};

/// What a node of a device stands for.
pub enum Opened {
    /// Something with a mind of its own.
    File(Arc<dyn File>),
    /// Bytes with places, kept in pages as those of a file are.
    Contents(Arc<Vnode>),
}

/// What opens nodes of devices.
pub trait Devices: Send + Sync {
    /// What a unit is. `ENXIO` if there is none.
    fn open(&self, lwp: &Lwp<'_>, kind: Kind) -> Result<Opened, Errno>;

    /// The name of a block unit.
    fn name(&self, kind: Kind) -> Option<String>;
}

/// The faction's state.
pub struct Vfs {
    cache: Arc<Cache>,
    /// Processes that wait for locks of others.
    pub(crate) waiting: Waiting,
    watches: Arc<Watches>,
    formats: Leaf<Vec<Arc<dyn Format>>>,
    /// In the order they were mounted.
    mounts: Leaf<Vec<Arc<Mount>>>,
    root: Leaf<Option<Arc<Vnode>>>,
    devices: Leaf<Option<Arc<dyn Devices>>>,
    /// Held by whoever mounts or unmounts.
    mounting: Exclusive<()>,
    /// How many mounts there ever were.
    count: Leaf<u32>,
}

impl Vfs {
    pub(crate) fn new(instance: &Instance, cache: u64) -> Self {
        Vfs {
            cache: Arc::new(Cache::new(instance.memory(), cache)),
            waiting: Waiting::new(),
            watches: Watches::new(),
            formats: Leaf::new(Vec::new()),
            mounts: Leaf::new(Vec::new()),
            root: Leaf::new(None),
            devices: Leaf::new(None),
            mounting: Exclusive::new(()),
            count: Leaf::new(0),
        }
    }

    /// Makes a kind of file system known.
    pub fn register(&self, format: Arc<dyn Format>) {
        self.formats.with(|formats| formats.push(format));
    }

    /// Says what opens nodes of devices.
    pub fn set_devices(&self, devices: Arc<dyn Devices>) {
        drop(self.devices.with(|place| place.replace(devices)));
    }

    pub(crate) fn open_device(&self, lwp: &Lwp<'_>, kind: Kind) -> Result<Opened, Errno> {
        let devices = self.devices.with(|devices| devices.clone());
        devices.ok_or(Errno::ENXIO)?.open(lwp, kind)
    }

    /// The name of the block unit that a node is for.
    pub(crate) fn unit(&self, kind: Kind) -> Option<String> {
        self.devices.with(|devices| devices.clone())?.name(kind)
    }

    /// The names of all kinds of file systems.
    pub fn formats(&self) -> Vec<&'static str> {
        self.formats
            .with(|formats| formats.iter().map(|format| format.name()).collect())
    }

    /// The kind that recognises a source, if any does.
    pub fn recognise(&self, lwp: &Lwp<'_>, source: &[u8]) -> Option<&'static str> {
        let formats = self.formats.with(|formats| formats.clone());
        let mut formats = formats.iter();
        let found = formats.find(|format| format.recognises(lwp, source));
        found.map(|format| format.name())
    }

    /// The root of the first mount. `ENOENT` before there is one.
    pub fn root(&self, _lwp: &Lwp<'_>) -> Result<Arc<Vnode>, Errno> {
        self.root.with(|root| root.clone()).ok_or(Errno::ENOENT)
    }

    /// All mounts, in the order they were made.
    pub fn mounts(&self) -> Vec<Arc<Mount>> {
        self.mounts.with(|mounts| mounts.clone())
    }

    pub(crate) fn watches(&self) -> &Arc<Watches> {
        &self.watches
    }

    /// Bytes of files on a medium that are kept in memory.
    pub fn cached(&self) -> u64 {
        self.cache.bytes()
    }

    /// The kind of this name, or without one that which recognises the source.
    fn format(
        &self,
        lwp: &Lwp<'_>,
        name: Option<&str>,
        source: &[u8],
    ) -> Result<Arc<dyn Format>, Failure> {
        let formats = self.formats.with(|formats| formats.clone());
        let chosen = formats.iter().find(|format| match name {
            Some(name) => format.name() == name,
            None => format.recognises(lwp, source),
        });
        chosen.cloned().ok_or_else(|| {
            let there: Vec<_> = formats.iter().map(|format| format.name()).collect();
            let there = there.join(", ");
            let source = String::from_utf8_lossy(source);
            match name {
                Some(name) => Failure::new(
                    Errno::ENODEV,
                    format!("there is no file system {name}; there are: {there}"),
                ),
                None => Failure::new(
                    Errno::EINVAL,
                    format!("{source} is of no file system that is known here: {there}"),
                ),
            }
        })
    }

    /// Makes a new file system of a kind, with nothing in it, whatever there is now.
    pub fn make(
        &self,
        lwp: &Lwp<'_>,
        format: &str,
        arguments: &MakeArguments<'_>,
    ) -> Result<(), Failure> {
        let format = self.format(lwp, Some(format), arguments.source)?;
        self.mounting.with(lwp, |()| format.make(lwp, arguments))?
    }

    /// Mounts a file system on a directory, or as the root if there is none. `format` is the kind's name, or nothing if
    /// it is to be recognised.
    pub fn mount(
        &self,
        lwp: &Lwp<'_>,
        on: Option<Arc<Vnode>>,
        format: Option<&str>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<Mount>, Failure> {
        self.mounting
            .with(lwp, |()| self.mount_alone(lwp, on, format, arguments))?
    }

    fn mount_alone(
        &self,
        lwp: &Lwp<'_>,
        on: Option<Arc<Vnode>>,
        format: Option<&str>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<Mount>, Failure> {
        if let Some(on) = &on {
            on.check_directory()?;
            if on.mounted().is_some() {
                return Err(Errno::EBUSY.into());
            }
        }
        let format = self.format(lwp, format, arguments.source)?;
        let fs = format.mount(lwp, arguments)?;
        let options = MountOptions {
            format: format.name(),
            source: arguments.source.to_vec(),
            read_only: arguments.read_only,
            options: String::from(arguments.options),
        };
        let mount = self.new_mount(fs, options, on.clone());
        let root = match mount.root(lwp) {
            Ok(root) => root,
            Err(errno) => {
                // What is wrong with the root is to be told, not what the end says of it.
                let _ = mount.unmount(lwp);
                return Err(errno.into());
            }
        };
        match on {
            Some(on) => on.set_mounted(Some(mount.clone())),
            None => drop(self.root.with(|place| place.replace(root))),
        }
        self.mounts.with(|mounts| mounts.push(mount.clone()));
        Ok(mount)
    }

    fn new_mount(
        &self,
        fs: Arc<dyn FileSystem>,
        options: MountOptions,
        covered: Option<Arc<Vnode>>,
    ) -> Arc<Mount> {
        let number = self.count.with(|count| {
            *count += 1;
            *count
        });
        Mount::new(fs, options, (&self.cache, &self.watches), covered, number)
    }

    /// Mounts a file system that has no place in the tree: who has the mount reaches its inodes.
    pub fn mount_apart(&self, format: &'static str, fs: Arc<dyn FileSystem>) -> Arc<Mount> {
        let options = MountOptions {
            format,
            source: Vec::new(),
            read_only: false,
            options: String::new(),
        };
        let mount = self.new_mount(fs, options, None);
        self.mounts.with(|mounts| mounts.push(mount.clone()));
        mount
    }

    /// Mounts a kind of file system that needs no source on a path from the root, which is made if it is not there.
    pub fn mount_on(&self, lwp: &Lwp<'_>, path: &str, format: &str) -> Result<(), Failure> {
        let arguments = MountArguments {
            source: format.as_bytes(),
            read_only: false,
            options: "",
        };
        let on = crate::boot::directory(lwp, path)?;
        self.mount(lwp, Some(on), Some(format), &arguments)?;
        Ok(())
    }

    /// Unmounts: `EBUSY` while anything of it is used, `EINVAL` for what is no root of a mount. With `force` whoever
    /// uses it has `EIO` from then on, and what cannot be written is lost.
    pub fn unmount(&self, lwp: &Lwp<'_>, root: Arc<Vnode>, force: bool) -> Result<(), Errno> {
        let mount = root.mount().clone();
        if root.number() != mount.fs().root() {
            return Err(Errno::EINVAL);
        }
        drop(root);
        self.mounting.with(lwp, |()| {
            let covered = mount.covered().cloned().ok_or(Errno::EBUSY)?;
            let same = covered
                .mounted()
                .is_some_and(|other| Arc::ptr_eq(&other, &mount));
            if !same {
                return Err(Errno::EINVAL);
            }
            mount.undisturbed(lwp, || {
                // Nobody comes in from here on. Watches keep nobody from going.
                covered.set_mounted(None);
                self.watches.unmounted(lwp, &mount);
                let flushed = mount.sync(lwp);
                if !force && (flushed.is_err() || !mount.vacate(lwp)) {
                    covered.set_mounted(Some(mount.clone()));
                    return Err(flushed.err().unwrap_or(Errno::EBUSY));
                }
                self.mounts
                    .with(|mounts| mounts.retain(|other| !Arc::ptr_eq(other, &mount)));
                mount.unmount(lwp)
            })
        })?
    }

    /// Has everything survive a loss of power; the first error, after all were tried.
    pub fn sync(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let mut result = Ok(());
        for mount in self.mounts() {
            result = result.and(mount.sync(lwp));
        }
        result
    }

    /// The end: everything is written and unmounted, the last first.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        drop(self.root.with(Option::take));
        let mounts = self.mounts.with(core::mem::take);
        for mount in mounts.into_iter().rev() {
            if let Some(covered) = mount.covered() {
                covered.set_mounted(None);
            }
            let ended = mount.undisturbed(lwp, || {
                let flushed = mount.sync(lwp);
                mount.vacate(lwp);
                flushed.and(mount.unmount(lwp))
            });
            if let Err(errno) = ended {
                let options = mount.options();
                let source = String::from_utf8_lossy(&options.source);
                let line = format_args!(
                    "vfs: the end of {} from {source}: {errno}: not all that was written may be there",
                    options.format,
                );
                write_log(lwp.instance(), Level::Error, line);
            }
        }
    }
}
