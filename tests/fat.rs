//! FAT in all widths, against `fsck.fat` and mtools.

mod image;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base::Errno;
use tempfile::TempDir;
use vfs::{Changes, Kind, Place, Time};

use image::host::{Wanted, noise, plant};
use image::model::{Dice, Model, change, survives_cuts, survives_failures, time};
use image::node::{Tree, compare, names, tree};
use image::{load, mounted, run};

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
        let image = make(directory.path(), options, *kib);
        survives_cuts(fat::mount, &image, repair);
    }
}

#[test]
fn a_disk_that_fails_once_loses_nothing_that_was_synced() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let empty = make(directory.path(), KINDS[0].0, KINDS[0].1);
    survives_failures(fat::mount, &empty);
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

#[test]
fn what_has_a_name_twice_is_found_one_after_the_other() {
    if !tests::need("fat", &["mkfs.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let disk = load(&make(directory.path(), KINDS[0].0, KINDS[0].1));
    let new_files = ["one.txt", "two.txt", "a long name.text", "b long name.text"];
    mounted(fat::mount, &disk, false, |lwp, fs| {
        let mut model = Model::new(lwp, fs);
        for name in new_files {
            model.create(name, Kind::File).unwrap();
        }
    });
    let mut bytes = disk.bytes();
    let mut replace = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|some| some == from);
        let at = at.expect("it is on the disk");
        bytes[at..at + to.len()].copy_from_slice(to);
    };
    // The same names, and the same but for capitals.
    replace(b"TWO     TXT", b"ONE     TXT");
    replace(b"t\0w\0o\0.\0", b"o\0n\0e\0.\0");
    replace(b"b\0 \0l\0o\0n\0", b"A\0 \0L\0o\0n\0");
    // The pieces of a long name have a sum of the short one with them.
    let sum = |short: &[u8]| {
        let add = |sum: u8, byte: &u8| sum.rotate_right(1).wrapping_add(*byte);
        short.iter().fold(0, add)
    };
    let long = bytes
        .chunks_exact_mut(32)
        .filter(|entry| entry[11] == 0x0f && entry[13] == sum(b"TWO     TXT"));
    for entry in long {
        entry[13] = sum(b"ONE     TXT");
    }
    mounted(fat::mount, &image::disk(bytes), false, |lwp, fs| {
        let listed = names(lwp, fs, fs.root()).unwrap();
        let listed: Vec<_> = listed
            .iter()
            .map(|name| String::from_utf8_lossy(name))
            .collect();
        assert_eq!(
            listed,
            ["one.txt", "one.txt", "a long name.text", "A Long name.text"]
        );
        for name in ["one.txt", "ONE.TXT", "a long name.text", "A LONG NAME.TEXT"] {
            let mut model = Model::new(lwp, fs);
            assert_eq!(model.create(name, Kind::File), Err(Errno::EEXIST));
        }
        for (one, other) in [
            ("ONE.txt", "one.TXT"),
            ("a long NAME.text", "A long name.TEXT"),
        ] {
            let mut model = Model::new(lwp, fs);
            let first = model.find(one);
            assert_eq!(model.find(other), first);
            model.remove(one).unwrap();
            let second = model.find(other);
            assert_ne!(second, first);
            model.remove(other).unwrap();
            model.create(one, Kind::File).unwrap();
        }
    });
}

#[test]
fn a_directory_with_many_names_stays_what_it_is_while_they_change() {
    if !tests::need("fat", &["mkfs.fat", "fsck.fat"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, kib) in [KINDS[1], KINDS[2]] {
        let disk = load(&make(directory.path(), options, kib));
        let mut dice = Dice(11);
        let mut there = BTreeMap::new();
        mounted(fat::mount, &disk, false, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            model.create("many", Kind::Directory).unwrap();
            for step in 0..6000 {
                let number = dice.below(1500);
                // Of one entry, of two, of five.
                let name = match number % 3 {
                    0 => format!("many/N{number}"),
                    1 => format!("many/a name, {number}"),
                    _ => format!("many/{}{number}", "quite a long name ".repeat(3)),
                };
                let other = format!("many/renamed {}", number / 10);
                match model.files.contains_key(&name) {
                    false => drop(model.create(&name, Kind::File).unwrap()),
                    true if step % 3 == 0 => model.rename(&name, &other).unwrap(),
                    true => model.remove(&name).unwrap(),
                }
            }
            model.check();
            there = model.files;
        });
        check(&disk.bytes());
        mounted(fat::mount, &disk, true, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            model.files = there;
            model.check();
        });
    }
}
