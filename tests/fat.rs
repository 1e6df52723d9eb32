//! FAT in all widths, against `fsck.fat` and mtools.

mod image;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base::{Errno, Lwp};
use bio::Volume;
use tempfile::TempDir;
use vfs::{Changes, Creation, FileSystem, Ino, Kind, Place, Time};

use image::host::{Wanted, noise, plant};
use image::node::{Tree, compare, names, tree};
use image::{in_kernel, load, mounted, run};

/// Options of `mkfs.fat`, and KiB of a disk.
const KINDS: [(&[&str], u32); 4] = [
    (&["-F", "12"], 2048),
    (&["-F", "16", "-s", "1"], 16_384),
    (&["-F", "32", "-s", "1"], 40_000),
    (&["-F", "32", "-s", "8", "-f", "1"], 300_000),
];

fn make(directory: &Path, options: &[&str], kib: u32) -> std::path::PathBuf {
    let path = directory.join("image");
    let _ = std::fs::remove_file(&path);
    let mut mkfs = Command::new("mkfs.fat");
    run(mkfs.arg("-C").args(options).arg(&path).arg(kib.to_string()));
    path
}

/// What `fsck.fat` says of an image, which it finds nothing wrong with.
fn check(bytes: &[u8]) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("image");
    std::fs::write(&path, bytes).expect("it is written");
    run(Command::new("fsck.fat").arg("-n").arg(path));
}

/// Has `fsck.fat` put an image right, if only the mark that something was under way. What it puts right may show more
/// that is wrong.
fn repair(path: &Path) {
    for _ in 0..8 {
        let repaired = Command::new("fsck.fat").arg("-a").arg(path).output();
        let code = repaired.expect("it runs").status.code();
        assert!(matches!(code, Some(0 | 1)));
        if code == Some(0) {
            break;
        }
    }
    run(Command::new("fsck.fat").arg("-n").arg(path));
}

fn time(seconds: i64) -> Time {
    Time {
        seconds,
        nanoseconds: 0,
    }
}

fn new(kind: Kind) -> Creation<'static> {
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
struct Model<'a> {
    lwp: &'a Lwp<'a>,
    fs: &'a dyn FileSystem,
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl<'a> Model<'a> {
    fn new(lwp: &'a Lwp<'a>, fs: &'a dyn FileSystem) -> Self {
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

    fn find(&self, path: &str) -> Ino {
        self.with(path, |place| self.fs.lookup(self.lwp, place))
            .expect("it is there")
    }

    fn create(&mut self, path: &str, kind: Kind) -> Result<Ino, Errno> {
        let made = self.with(path, |place| self.fs.create(self.lwp, place, &new(kind)));
        let bytes = (kind == Kind::File).then(Vec::new);
        made.inspect(|_| drop(self.files.insert(path.to_owned(), bytes)))
    }

    fn write(&mut self, path: &str, offset: usize, from: &[u8]) -> Result<(), Errno> {
        let file = self.find(path);
        self.fs.write(self.lwp, file, offset as u64, from)?;
        if let Some(Some(bytes)) = self.files.get_mut(path) {
            bytes.resize(bytes.len().max(offset + from.len()), 0);
            bytes[offset..offset + from.len()].copy_from_slice(from);
        }
        Ok(())
    }

    fn resize(&mut self, path: &str, size: usize) -> Result<(), Errno> {
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

    fn remove(&mut self, path: &str) -> Result<(), Errno> {
        let inode = self.find(path);
        self.with(path, |place| self.fs.remove(self.lwp, place, inode))?;
        self.fs.forget(self.lwp, inode)?;
        self.files.remove(path);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
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

    /// Whether what is there is what ought to be.
    fn check(&self) {
        let ours = tree(self.lwp, self.fs).expect("it is read");
        let mut ours: BTreeMap<_, _> = ours
            .into_iter()
            .map(|(path, node)| {
                let bytes = (node.kind == Kind::File).then_some(node.bytes);
                (String::from_utf8(path).expect("UTF-8"), bytes)
            })
            .collect();
        assert_eq!(ours.remove(""), Some(None));
        let paths = |files: &BTreeMap<String, _>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(paths(&ours), paths(&self.files));
        for (path, bytes) in &self.files {
            assert!(ours[path] == *bytes, "{path} differs");
        }
    }
}

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) % end as u64) as usize
    }
}

/// Changes at random what is in a file system.
fn change(model: &mut Model<'_>, dice: &mut Dice, steps: usize) {
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

/// Reads an image with mtools.
fn theirs(bytes: &[u8]) -> Tree {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("image");
    std::fs::write(&path, bytes).expect("it is written");
    let to = directory.path().join("tree");
    std::fs::create_dir(&to).expect("a directory");
    let mut mcopy = Command::new("mcopy");
    mcopy.env("MTOOLS_SKIP_CHECK", "1").env("LC_ALL", "C.UTF-8");
    run(mcopy
        .args(["-s", "-n", "-m", "-i"])
        .arg(&path)
        .arg("::*")
        .arg(&to));
    image::host::tree(&to)
}

#[test]
fn what_is_changed_at_random_is_read_by_others_too() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat", "mcopy"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, kib) in KINDS {
        println!("{options:?}");
        let disk = load(&make(directory.path(), options, kib));
        let mut dice = Dice(u64::from(kib));
        let mut files = BTreeMap::new();
        for _ in 0..4 {
            files = mounted(fat::mount, &disk, false, |lwp, fs| {
                let mut model = Model::new(lwp, fs);
                model.files = files;
                model.check();
                change(&mut model, &mut dice, 150);
                model.check();
                model.files
            });
            check(&disk.bytes());
        }
        assert!(files.len() > 10);
        let theirs = theirs(&disk.bytes());
        for (path, bytes) in files {
            let node = theirs.get(path.as_bytes());
            let node = node.unwrap_or_else(|| panic!("mtools do not see {path}"));
            assert!(
                bytes.is_none_or(|bytes| bytes == node.bytes),
                "{path} differs"
            );
        }
    }
}

#[test]
fn what_others_wrote_is_read() {
    if !tests::need("fat", &["mkfs.fat", "mcopy"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir(&from).expect("a directory");
    let wanted = Wanted {
        any_names: false,
        unix: false,
        xattrs: false,
        crowd: 300,
        depth: 10,
    };
    plant(&from, wanted);
    let path = make(directory.path(), KINDS[2].0, KINDS[2].1);
    let mut mcopy = Command::new("mcopy");
    mcopy.env("TZ", "UTC").args(["-s", "-m", "-i"]).arg(&path);
    for entry in std::fs::read_dir(&from).expect("it can be read") {
        mcopy.arg(entry.expect("an entry").path());
    }
    run(mcopy.arg("::"));
    let plain = |tree: Tree| -> Tree {
        let root = tree.into_iter().filter(|(path, _)| !path.is_empty());
        let plain = root.map(|(path, mut node)| {
            (node.mode, node.links, node.owner) = (0, 0, (0, 0));
            // mtools keep no times of directories.
            if node.kind == Kind::Directory {
                node.modified = Time::default();
            }
            (path, node)
        });
        plain.collect()
    };
    let ours = mounted(fat::mount, &load(&path), true, tree).expect("it is read");
    compare(&plain(ours), &plain(image::host::tree(&from)));
}

#[test]
fn a_full_disk_loses_nothing() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, kib) in &KINDS[..3] {
        let disk = load(&make(directory.path(), options, *kib));
        mounted(fat::mount, &disk, false, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            model.create("first", Kind::File).unwrap();
            model.write("first", 0, &noise(100_000)).unwrap();
            model.create("directory", Kind::Directory).unwrap();
            model.create("large", Kind::File).unwrap();
            let before = fs.usage(lwp).unwrap();
            let free = before.free_blocks as usize * before.block_size as usize;
            assert_eq!(model.resize("large", free + 1), Err(Errno::ENOSPC));
            assert_eq!(
                model.write("first", free, &[1; 200_000]),
                Err(Errno::ENOSPC)
            );
            assert_eq!(fs.usage(lwp).unwrap(), before);
            model.resize("large", free).unwrap();
            assert_eq!(fs.usage(lwp).unwrap().free_blocks, 0);
            let none = model.create("directory/another", Kind::Directory);
            assert_eq!(none, Err(Errno::ENOSPC));
            // What fits into the directory does, and no more.
            let mut index = 0;
            while model
                .create(&format!("directory/file {index}"), Kind::File)
                .is_ok()
            {
                index += 1;
            }
            assert!(index > 3);
            model.check();
            model.remove("first").unwrap();
            model.create("last", Kind::File).unwrap();
            model.write("last", 0, &noise(90_000)).unwrap();
            model.check();
        });
        check(&disk.bytes());
    }
}

#[test]
fn a_loss_of_power_leaves_what_was_synced() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, kib) in &KINDS[..3] {
        let disk = load(&make(directory.path(), options, *kib));
        let first = mounted(fat::mount, &disk, false, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            model.create("kept", Kind::File).unwrap();
            model.write("kept", 0, &noise(30_000)).unwrap();
            fs.sync(lwp).unwrap();
            let first = disk.moments() - 1;
            let mut dice = Dice(7);
            for round in 0..6 {
                change(&mut model, &mut dice, 20);
                // A new version of a file, as editors write it.
                model.create("new version", Kind::File).unwrap();
                model
                    .write("new version", 0, &noise(30_000 + round))
                    .unwrap();
                fs.sync(lwp).unwrap();
                model.rename("new version", "kept").unwrap();
            }
            model.check();
            first
        });
        let moments = first..disk.moments();
        // With all of what was not flushed, without it, and with some.
        for (moment, seed) in moments
            .clone()
            .step_by(moments.len() / 30 + 1)
            .zip((0..4).cycle())
        {
            let path = directory.path().join("cut");
            std::fs::write(&path, disk.cut(moment, seed)).expect("it is written");
            repair(&path);
            let kept = mounted(fat::mount, &load(&path), true, |lwp, fs| {
                let model = Model::new(lwp, fs);
                let file = model.find("kept");
                let size = fs.attributes(lwp, file).unwrap().size;
                image::node::read(lwp, fs, file, size).unwrap()
            });
            let known = (0..6).any(|round| kept == noise(30_000 + round));
            assert!(known, "moment {moment}, {seed}: {} bytes", kept.len());
        }
    }
}

#[test]
fn a_disk_that_fails_once_loses_nothing_that_was_synced() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let empty = make(directory.path(), KINDS[0].0, KINDS[0].1);
    let mut failed = 0;
    for operation in 0..60 {
        let disk = load(&empty);
        in_kernel(|lwp| {
            let volume = Volume::over(lwp, image::unit(lwp, &disk), false).unwrap();
            let fs = fat::mount(lwp, volume).unwrap();
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
        let disk = image::disk(disk.bytes());
        let kept = mounted(fat::mount, &disk, true, |lwp, fs| {
            let model = Model::new(lwp, fs);
            let file = model.find("kept");
            image::node::read(lwp, fs, file, 30_000).unwrap()
        });
        assert!(kept == noise(30_000), "operation {operation}");
    }
    assert!(failed > 0);
}

#[test]
fn names_and_attributes_are_what_fat_has() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let disk = load(&make(directory.path(), KINDS[0].0, KINDS[0].1));
    mounted(fat::mount, &disk, false, |lwp, fs| {
        let mut model = Model::new(lwp, fs);
        let file = model.create("Mixed Case Name.text", Kind::File).unwrap();
        assert_eq!(model.find("MIXED case name.TEXT"), file);
        assert_eq!(model.find("mixedc~1.tex"), file);
        assert_eq!(
            model.create("mixed case NAME.text", Kind::File),
            Err(Errno::EEXIST)
        );
        model
            .rename("Mixed Case Name.text", "MIXED CASE NAME.text")
            .unwrap();
        assert_eq!(
            names(lwp, fs, fs.root()),
            Ok(vec![b"MIXED CASE NAME.text".to_vec()])
        );
        for (name, errno) in [
            ("a?", Errno::EINVAL),
            (&"x".repeat(256), Errno::ENAMETOOLONG),
        ] {
            assert_eq!(model.create(name, Kind::File), Err(errno));
        }
        assert_eq!(model.create("pipe", Kind::Fifo), Err(Errno::EPERM));
        let changes = Changes {
            mode: Some(0o444),
            modified: Some(time(1_600_000_001)),
            ..Changes::default()
        };
        fs.change(lwp, file, &changes).unwrap();
        let found = fs.attributes(lwp, file).unwrap();
        assert_eq!((found.mode, found.modified), (0o555, time(1_600_000_000)));
        assert_eq!(found.created, Some(time(1_700_000_000)));
        // A file without a name is one as long as it is used, and its place another's.
        model
            .write("MIXED CASE NAME.text", 0, b"still here")
            .unwrap();
        let place = Place {
            directory: fs.root(),
            name: b"MIXED CASE NAME.text",
        };
        fs.remove(lwp, place, file).unwrap();
        model.files.clear();
        let other = model.create("MIXED CASE NAME.text", Kind::File).unwrap();
        assert_ne!(other, file);
        let mut bytes = [0; 20];
        assert_eq!(fs.read(lwp, file, 0, &mut bytes), Ok(10));
        assert_eq!(&bytes[..10], b"still here");
        fs.write(lwp, file, 5000, b"more").unwrap();
        fs.forget(lwp, file).unwrap();
        model.check();
        // Many names that begin alike.
        for index in 0..60 {
            model
                .create(&format!("a long name, {index}"), Kind::File)
                .unwrap();
        }
        model.check();
    });
    check(&disk.bytes());
}
