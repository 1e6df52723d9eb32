//! A file system and what ought to be in it, side by side: changed at random, on disks that fail or lose power.

use std::collections::BTreeMap;
use std::path::Path;

use base::{Errno, Lwp};
use bio::Volume;
use vfs::{Changes, Creation, FileSystem, Ino, Kind, Place, Time};

use super::host::noise;
use super::node::{read, tree};
use super::{Mount, in_kernel, load, mounted, unit};

pub(crate) fn time(seconds: i64) -> Time {
    Time {
        seconds,
        nanoseconds: 0,
    }
}

pub(crate) fn new(kind: Kind) -> Creation<'static> {
    Creation {
        kind,
        target: &[],
        mode: 0o755,
        owner: 0,
        group: 0,
        time: time(1_700_000_000),
    }
}

/// A mounted file system, and what ought to be in it: by path, without the first slash; directories have no bytes.
pub(crate) struct Model<'a> {
    lwp: &'a Lwp<'a>,
    fs: &'a dyn FileSystem,
    pub(crate) files: BTreeMap<String, Option<Vec<u8>>>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(lwp: &'a Lwp<'a>, fs: &'a dyn FileSystem) -> Self {
        Model {
            lwp,
            fs,
            files: BTreeMap::new(),
        }
    }

    /// The directory and the name of a path.
    fn place<'p>(&self, path: &'p str) -> (Ino, &'p str) {
        let mut directory = self.fs.root();
        let mut names: Vec<_> = path.split('/').collect();
        let name = names.pop().expect("a name");
        for name in names {
            let name = name.as_bytes();
            let place = Place { directory, name };
            directory = self.fs.lookup(self.lwp, place).expect("a directory");
        }
        (directory, name)
    }

    fn with<R>(&self, path: &str, f: impl FnOnce(Place<'_>) -> R) -> R {
        let (directory, name) = self.place(path);
        let name = name.as_bytes();
        f(Place { directory, name })
    }

    pub(crate) fn find(&self, path: &str) -> Ino {
        self.with(path, |place| self.fs.lookup(self.lwp, place))
            .expect("it is there")
    }

    pub(crate) fn create(&mut self, path: &str, kind: Kind) -> Result<Ino, Errno> {
        let made = self.with(path, |place| self.fs.create(self.lwp, place, &new(kind)));
        let bytes = (kind == Kind::File).then(Vec::new);
        made.inspect(|_| drop(self.files.insert(path.to_owned(), bytes)))
    }

    pub(crate) fn write(&mut self, path: &str, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let file = self.find(path);
        self.fs.write(self.lwp, file, offset as u64, from)?;
        if let Some(Some(bytes)) = self.files.get_mut(path) {
            bytes.resize(bytes.len().max(offset + from.len()), 0);
            bytes[offset..offset + from.len()].copy_from_slice(from);
        }
        Ok(())
    }

    pub(crate) fn resize(&mut self, path: &str, size: usize) -> Result<(), Errno> {
        let changes = Changes {
            size: Some(size as u64),
            ..Changes::default()
        };
        self.fs.change(self.lwp, self.find(path), &changes)?;
        if let Some(Some(bytes)) = self.files.get_mut(path) {
            bytes.resize(size, 0);
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &str) -> Result<(), Errno> {
        let inode = self.find(path);
        self.with(path, |place| self.fs.remove(self.lwp, place, inode))?;
        self.fs.forget(self.lwp, inode)?;
        self.files.remove(path);
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let inode = self.find(from);
        let replaced = self.with(to, |place| self.fs.lookup(self.lwp, place)).ok();
        let old = self.place(from);
        let (directory, name) = (old.0, old.1.as_bytes());
        let from_place = Place { directory, name };
        self.with(to, |place| {
            let fs = self.fs;
            fs.rename(self.lwp, inode, from_place, place, replaced)
        })?;
        if let Some(replaced) = replaced.filter(|replaced| *replaced != inode) {
            self.fs.forget(self.lwp, replaced)?;
        }
        let below = format!("{from}/");
        let moved: Vec<_> = self.files.keys().cloned().collect();
        for path in moved {
            if path == from || path.starts_with(&below) {
                let node = self.files.remove(&path).expect("it is there");
                self.files
                    .insert(format!("{to}{}", &path[from.len()..]), node);
            }
        }
        Ok(())
    }

    /// Holds that what is there is what ought to be.
    pub(crate) fn check(&self) {
        let ours = tree(self.lwp, self.fs).expect("it is read");
        let mut ours: BTreeMap<_, _> = ours
            .into_iter()
            .map(|(path, node)| {
                let bytes = (node.kind == Kind::File).then_some(node.bytes);
                (String::from_utf8(path).expect("UTF-8"), bytes)
            })
            .collect();
        assert_eq!(ours.remove(""), Some(None));
        // Some file systems are made with it.
        if !self.files.contains_key("lost+found") {
            ours.remove("lost+found");
        }
        let paths = |files: &BTreeMap<String, _>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&ours), paths(&self.files));
        for (path, bytes) in &self.files {
            assert!(ours[path] == *bytes, "{path} differs");
        }
    }
}

/// Numbers that are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) % end as u64) as usize
    }
}

/// Changes at random what is in a file system.
pub(crate) fn change(model: &mut Model<'_>, dice: &mut Dice, steps: usize) {
    const NAMES: [&str; 8] = [
        "SHORT.TXT",
        "lower.txt",
        "a name that is long",
        "Snow \u{2603}",
        "UPPER CASE AND LONG",
        "x",
        "a name that is long, too",
        ".hidden",
    ];
    for _ in 0..steps {
        let directories = model.files.iter().filter(|(_, bytes)| bytes.is_none());
        let mut directories: Vec<_> = directories.map(|(path, _)| format!("{path}/")).collect();
        directories.push(String::new());
        let mut path = || {
            let directory = &directories[dice.below(directories.len())];
            let name = NAMES[dice.below(NAMES.len())];
            format!("{directory}{name}{}", dice.below(3))
        };
        let (path, other) = (path(), path());
        let size = dice.below(20_000);
        let known = model.files.get(&path).cloned();
        match (dice.below(8), known) {
            (0, None) if path.matches('/').count() < 4 => {
                model.create(&path, Kind::Directory).expect("a directory");
            }
            (_, None) => {
                model.create(&path, Kind::File).expect("a file");
            }
            (0..4, Some(Some(bytes))) => {
                let offset = dice.below(bytes.len() + 3000);
                model
                    .write(&path, offset, &noise(size))
                    .expect("it is written");
            }
            (4, Some(Some(_))) => model.resize(&path, size).expect("it is resized"),
            (5, Some(_)) => {
                let both = (model.files.get(&path), model.files.get(&other));
                let fits = match both {
                    (Some(one), Some(other)) => one.is_some() == other.is_some(),
                    _ => true,
                };
                if fits && path != other && !other.starts_with(&format!("{path}/")) {
                    match model.rename(&path, &other) {
                        Ok(()) | Err(Errno::ENOTEMPTY) => {}
                        Err(errno) => panic!("{errno:?}"),
                    }
                }
            }
            (_, Some(_)) => match model.remove(&path) {
                Ok(()) | Err(Errno::ENOTEMPTY) => {}
                Err(errno) => panic!("{errno:?}"),
            },
        }
    }
}

/// Cuts the power before and after each flush of a history, and in between: once `repair` has put the image right, the file
/// that was synced is there, in the version that was synced last or a later one.
pub(crate) fn survives_cuts(mount: Mount, image: &Path, repair: impl Fn(&Path)) {
    let disk = load(image);
    let synced = mounted(mount, &disk, false, |lwp, fs| {
        let mut model = Model::new(lwp, fs);
        model.create("kept", Kind::File).unwrap();
        model.write("kept", 0, &noise(30_000)).unwrap();
        fs.sync(lwp).unwrap();
        // From which moments on which versions are there.
        let mut synced = vec![(disk.moments() - 1, 0)];
        let mut dice = Dice(7);
        for round in 0..6 {
            change(&mut model, &mut dice, 20);
            // A new version of a file, as editors write it.
            model.create("new version", Kind::File).unwrap();
            model
                .write("new version", 0, &noise(30_000 + round))
                .unwrap();
            fs.sync(lwp).unwrap();
            synced.push((disk.moments() - 1, round.saturating_sub(1)));
            model.rename("new version", "kept").unwrap();
        }
        model.check();
        synced
    });
    let moments = synced[0].0..disk.moments();
    let between = moments.clone().step_by(moments.len() / 30 + 1);
    let flushes = disk.flushes();
    let around = flushes.iter().flat_map(|flush| [*flush, flush + 1]);
    let cuts = around
        .filter(|moment| moments.contains(moment))
        .chain(between);
    // Without what was not flushed, with all of it, and then with some.
    for (moment, seed) in cuts.zip(0..) {
        let path = image.with_extension("cut");
        std::fs::write(&path, disk.cut(moment, seed)).expect("it is written");
        repair(&path);
        let kept = mounted(mount, &load(&path), true, |lwp, fs| {
            let model = Model::new(lwp, fs);
            let file = model.find("kept");
            let size = fs.attributes(lwp, file).unwrap().size;
            read(lwp, fs, file, size).unwrap()
        });
        let (_, least) = *synced
            .iter()
            .rfind(|(since, _)| *since <= moment)
            .expect("the first");
        let known = (least..6).any(|round| kept == noise(30_000 + round));
        assert!(known, "moment {moment}, {seed}: {} bytes", kept.len());
    }
}

/// Has each operation of a disk fail once: what was synced before is there.
pub(crate) fn survives_failures(mount: Mount, empty: &Path) {
    let mut failed = 0;
    for operation in 0..60 {
        let disk = load(empty);
        in_kernel(|lwp| {
            let volume = Volume::over(lwp, unit(lwp, &disk), false).unwrap();
            let fs = mount(lwp, volume).unwrap();
            let mut model = Model::new(lwp, &*fs);
            model.create("kept", Kind::File).unwrap();
            model.write("kept", 0, &noise(30_000)).unwrap();
            fs.sync(lwp).unwrap();
            disk.fail(disk.operations() + operation);
            let mut steps = || {
                model.create("other", Kind::File)?;
                model.write("other", 0, &noise(200_000))?;
                fs.sync(lwp)?;
                model.create("directory", Kind::Directory)?;
                model.rename("other", "directory/other")?;
                model.resize("directory/other", 1000)?;
                model.remove("directory/other")
            };
            match steps() {
                Ok(()) => {}
                Err(errno) => assert_eq!(errno, Errno::EIO),
            }
            // What could not be written is tried again.
            failed += usize::from(fs.unmount(lwp).is_err());
            let _ = fs.unmount(lwp);
        });
        // The disk as it is then, which does not fail.
        let disk = super::disk(disk.bytes());
        let kept = mounted(mount, &disk, true, |lwp, fs| {
            let model = Model::new(lwp, fs);
            let file = model.find("kept");
            read(lwp, fs, file, 30_000).unwrap()
        });
        assert!(kept == noise(30_000), "operation {operation}");
    }
    assert!(failed > 0);
}
