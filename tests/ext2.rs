//! Ext2 and ext3 against e2fsprogs.

mod image;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base::{Errno, Lwp};
use bio::Volume;
use dev::testing::RecordingDisk;
use tempfile::TempDir;
use vfs::{Changes, Creation, Existence, FileSystem, Ino, Kind, Place};

use image::host::{Wanted, noise, plant};
use image::model::{Dice, Model, change, survives_cuts, survives_failures, time};
use image::node::{Tree, compare, tree};
use image::{in_kernel, load, mounted, run, unit};

const PROGRAMS: &[&str] = &["mke2fs", "e2fsck", "debugfs"];

/// Options of mke2fs, and MiB of a disk.
const KINDS: [(&[&str], u32); 6] = [
    (&["-t", "ext2", "-b", "1024", "-I", "128", "-g", "1024"], 24),
    (&["-t", "ext2", "-r", "0", "-b", "1024", "-O", "none"], 24),
    (&["-t", "ext3", "-b", "2048", "-J", "size=4"], 32),
    (&["-t", "ext2", "-b", "4096", "-I", "256"], 32),
    (
        &[
            "-t",
            "ext2",
            "-b",
            "1024",
            "-I",
            "512",
            "-O",
            "^filetype,^dir_index,^resize_inode",
        ],
        24,
    ),
    (&["-t", "ext2", "-b", "65536"], 128),
];

fn make(directory: &Path, options: &[&str], mib: u32, more: &[&str]) -> PathBuf {
    let path = directory.join("image");
    let file = std::fs::File::create(&path).expect("an image");
    file.set_len(u64::from(mib) << 20).expect("room");
    let mut mke2fs = Command::new("mke2fs");
    run(mke2fs
        .args(["-q", "-F", "-N", "3000"])
        .args(options)
        .args(more)
        .arg(&path));
    path
}

/// Has e2fsck find nothing wrong with an image.
fn check(path: &Path) {
    run(Command::new("e2fsck").arg("-fn").arg(path));
}

/// The same of a disk, which becomes the image.
fn save(disk: &Arc<RecordingDisk>, path: &Path) {
    std::fs::write(path, disk.bytes()).expect("it is written");
    check(path);
}

/// Has e2fsck put an image right.
fn repair(path: &Path) {
    let repaired = Command::new("e2fsck").arg("-fy").arg(path).output();
    let code = repaired.expect("it runs").status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    check(path);
}

fn debugfs(path: &Path, command: &str) -> String {
    run(Command::new("debugfs")
        .args(["-w", "-R", command])
        .arg(path))
}

/// What debugfs reads: of links no times, and no more than 32 bits of those; nothing special, and no attributes.
fn dumped(path: &Path) -> Tree {
    let to = TempDir::new().expect("a directory");
    debugfs(path, &format!("rdump / {}", to.path().display()));
    as_dumped(image::host::tree(to.path()))
}

fn as_dumped(mut tree: Tree) -> Tree {
    tree.retain(|_, node| matches!(node.kind, Kind::File | Kind::Directory | Kind::Symlink));
    for node in tree.values_mut() {
        (node.mode, node.links) = (node.mode & 0o777, 1);
        node.xattrs.clear();
        if node.kind == Kind::Symlink {
            node.modified = time(0);
        }
    }
    plain(tree)
}

/// Without what differs for other reasons: the directory that only file systems have, the root.
fn plain(mut tree: Tree) -> Tree {
    tree.remove(&b"lost+found"[..]);
    tree.remove(&b""[..]);
    tree
}

fn planted(xattrs: bool) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let wanted = Wanted {
        any_names: true,
        unix: true,
        xattrs,
        crowd: 500,
        depth: 12,
    };
    plant(directory.path(), wanted);
    directory
}

#[test]
fn what_mke2fs_made_is_read() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (index, (options, mib)) in KINDS.into_iter().enumerate() {
        println!("{options:?}");
        // Attributes of 3000 bytes need blocks of 4 KiB.
        let from = planted(index == 3 || index == 5);
        let more = ["-d", from.path().to_str().expect("UTF-8")];
        let path = make(directory.path(), options, mib, &more);
        if index < 4 {
            repair_with_index(&path);
        }
        let before = std::fs::read(&path).expect("an image");
        let disk = load(&path);
        let ours = mounted(ext2::mount, &disk, true, tree).expect("it is read");
        compare(&plain(ours), &plain(image::host::tree(from.path())));
        assert!(disk.bytes() == before, "a mount to read only wrote");
    }
}

/// Has large directories get an index.
fn repair_with_index(path: &Path) {
    let repaired = Command::new("e2fsck").arg("-fyD").arg(path).output();
    let code = repaired.expect("it runs").status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
}

#[test]
fn what_is_changed_at_random_is_read_by_others_too() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, mib) in KINDS {
        println!("{options:?}");
        let path = make(directory.path(), options, mib, &[]);
        let disk = load(&path);
        let mut dice = Dice(u64::from(mib));
        let mut files = BTreeMap::from([("lost+found".to_owned(), None)]);
        for _ in 0..3 {
            files = mounted(ext2::mount, &disk, false, |lwp, fs| {
                let mut model = Model::new(lwp, fs);
                model.files = files;
                model.check();
                change(&mut model, &mut dice, 150);
                model.check();
                model.files
            });
            save(&disk, &path);
        }
        assert!(files.len() > 10);
        let theirs = dumped(&path);
        for (path, bytes) in files {
            let node = theirs.get(path.as_bytes());
            let same = node.is_none_or(|node| bytes.is_none_or(|bytes| bytes == node.bytes));
            assert!(
                same && (node.is_some() || path.starts_with("lost+found")),
                "{path} differs"
            );
        }
    }
}

/// Makes all of a tree.
fn copy(lwp: &Lwp<'_>, fs: &dyn FileSystem, tree: &Tree) {
    let mut made: BTreeMap<&[u8], Ino> = BTreeMap::from([(&b""[..], fs.root())]);
    for (path, node) in tree {
        let split = path.iter().rposition(|byte| *byte == b'/');
        let (directory, name) =
            split.map_or((&b""[..], &path[..]), |at| (&path[..at], &path[at + 1..]));
        let new = Creation {
            kind: node.kind,
            target: if node.kind == Kind::Symlink {
                &node.bytes
            } else {
                &[]
            },
            mode: node.mode,
            owner: node.owner.0 + 70_000,
            group: node.owner.1 + 80_000,
            time: time(1),
        };
        let place = Place {
            directory: made[directory],
            name,
        };
        let number = fs.create(lwp, place, &new).expect("it is made");
        if node.kind == Kind::File {
            for (index, piece) in node.bytes.chunks(70_000).enumerate() {
                fs.write(lwp, number, index as u64 * 70_000, piece)
                    .expect("it is written");
            }
        }
        for (name, value) in &node.xattrs {
            fs.set_xattr(lwp, number, name, Some(value), Existence::New)
                .expect("it is set");
        }
        made.insert(path, number);
    }
    for (path, node) in tree {
        let modified = Some(node.modified);
        let changes = Changes {
            modified,
            ..Changes::default()
        };
        fs.change(lwp, made[&path[..]], &changes).expect("a time");
    }
}

#[test]
fn what_is_written_others_read() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (index, (options, mib)) in KINDS.into_iter().enumerate() {
        println!("{options:?}");
        let from = planted(index == 3 || index == 5);
        let mut wanted = plain(image::host::tree(from.path()));
        let path = make(directory.path(), options, mib, &[]);
        let disk = load(&path);
        mounted(ext2::mount, &disk, false, |lwp, fs| copy(lwp, fs, &wanted));
        save(&disk, &path);
        for node in wanted.values_mut() {
            node.owner = (node.owner.0 + 70_000, node.owner.1 + 80_000);
            if node.kind != Kind::Directory {
                node.links = 1;
            }
        }
        let ours = mounted(ext2::mount, &disk, true, tree).expect("it is read");
        compare(&plain(ours), &wanted);
        if index % 3 == 0 {
            let mut theirs = dumped(&path);
            let mut wanted = as_dumped(wanted);
            for node in theirs.values_mut().chain(wanted.values_mut()) {
                node.owner = (0, 0);
            }
            compare(&theirs, &wanted);
        }
    }
}

#[test]
fn attributes_are_in_the_inode_or_in_a_block_that_is_shared_no_more() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, mib) in [KINDS[0], KINDS[3]] {
        let path = make(directory.path(), options, mib, &[]);
        let disk = load(&path);
        mounted(ext2::mount, &disk, false, |lwp, fs| {
            let free = fs.usage(lwp).unwrap();
            let mut model = Model::new(lwp, fs);
            let file = model.create("file", Kind::File).unwrap();
            let set = |name: &[u8], value: Option<&[u8]>, existence| {
                fs.set_xattr(lwp, file, name, value, existence)
            };
            set(b"user.a", Some(b"one"), Existence::New).unwrap();
            assert_eq!(
                set(b"user.a", Some(b"two"), Existence::New),
                Err(Errno::EEXIST)
            );
            assert_eq!(
                set(b"user.b", Some(b"two"), Existence::Old),
                Err(Errno::ENODATA)
            );
            assert_eq!(
                set(b"other.b", Some(b"two"), Existence::Any),
                Err(Errno::EOPNOTSUPP)
            );
            assert_eq!(
                set(b"user.b", Some(&[1; 70_000]), Existence::Any),
                Err(Errno::ENOSPC)
            );
            set(b"user.long", Some(&[7; 700]), Existence::Any).unwrap();
            set(b"user.a", Some(&[8; 200]), Existence::Old).unwrap();
            set(b"security.none", Some(b""), Existence::Any).unwrap();
            assert_eq!(fs.xattr(lwp, file, b"user.a"), Ok(vec![8; 200]));
            assert_eq!(fs.xattr(lwp, file, b"user.long"), Ok(vec![7; 700]));
            assert_eq!(fs.xattrs(lwp, file).unwrap().len(), 3);
            set(b"user.a", None, Existence::Any).unwrap();
            assert_eq!(set(b"user.a", None, Existence::Any), Err(Errno::ENODATA));
            fs.sync(lwp).unwrap();
            model.remove("file").unwrap();
            assert_eq!(fs.usage(lwp).unwrap(), free);
            let file = model.create("file", Kind::File).unwrap();
            fs.set_xattr(lwp, file, b"user.long", Some(&[7; 700]), Existence::Any)
                .unwrap();
        });
        save(&disk, &path);
        let said = debugfs(&path, "ea_list file");
        assert!(said.contains("user.long (700)"), "{said}");
    }
}

#[test]
fn the_largest_files_are_reached_and_cut() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, mib) in [KINDS[0], KINDS[2]] {
        let path = make(directory.path(), options, mib, &[]);
        let disk = load(&path);
        // In each of the trees, and at both ends of it.
        let places = [
            0,
            11 << 10,
            12 << 10,
            267 << 10,
            268 << 10,
            65_803 << 10,
            65_804 << 10,
            70_000_123,
            5 << 30,
        ];
        let size = mounted(ext2::mount, &disk, false, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            let file = model.create("sparse", Kind::File).unwrap();
            let free = fs.usage(lwp).unwrap();
            let read = |place| {
                let mut bytes = [9; 6];
                fs.read(lwp, file, place, &mut bytes)
                    .map(|len| bytes[..len].to_vec())
            };
            for place in places {
                fs.write(lwp, file, place, b"bytes").unwrap();
            }
            for place in places {
                assert_eq!(read(place).unwrap()[..5], *b"bytes");
                let data = fs.seek(lwp, file, place, false);
                assert_eq!(data, Ok(place));
            }
            assert_eq!(fs.seek(lwp, file, 1 << 30, false), Ok(5 << 30));
            assert_eq!(fs.seek(lwp, file, 5 << 30, true), Ok((5 << 30) + 5));
            assert_eq!(fs.seek(lwp, file, 100 << 10, true), Ok(100 << 10));
            let most = fs.properties().largest_file;
            assert_eq!(fs.write(lwp, file, most - 2, b"bytes"), Err(Errno::EFBIG));
            fs.write(lwp, file, most - 5, b"bytes").unwrap();
            for size in [
                (5 << 30) + 2,
                70_000_123,
                (65_803 << 10) + 2,
                268 << 10,
                12 << 10,
            ] {
                let changes = Changes {
                    size: Some(size),
                    ..Changes::default()
                };
                fs.change(lwp, file, &changes).unwrap();
                assert_eq!(read(size), Ok(Vec::new()));
                fs.write(lwp, file, size + 10, b"x").unwrap();
                assert_eq!(read(size), Ok(vec![0; 6]));
            }
            let changes = Changes {
                size: Some(0),
                ..Changes::default()
            };
            fs.change(lwp, file, &changes).unwrap();
            assert_eq!(fs.usage(lwp).unwrap(), free);
            fs.write(lwp, file, 5 << 30, b"end").unwrap();
            fs.attributes(lwp, file).unwrap().size
        });
        assert_eq!(size, (5 << 30) + 3);
        save(&disk, &path);
    }
    // Revision 0 cannot say that there are such files.
    let disk = load(&make(directory.path(), KINDS[1].0, KINDS[1].1, &[]));
    mounted(ext2::mount, &disk, false, |lwp, fs| {
        let mut model = Model::new(lwp, fs);
        let file = model.create("file", Kind::File).unwrap();
        assert_eq!(fs.write(lwp, file, (1 << 31) - 1, b"x"), Err(Errno::EFBIG));
    });
}

#[test]
fn links_names_and_moves_are_counted() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, mib) in [KINDS[0], KINDS[1], KINDS[4]] {
        let path = make(directory.path(), options, mib, &[]);
        let disk = load(&path);
        mounted(ext2::mount, &disk, false, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            model.files.insert("lost+found".to_owned(), None);
            let root = fs.root();
            let links = |inode| fs.attributes(lwp, inode).unwrap().links;
            let one = model.create("one", Kind::Directory).unwrap();
            let two = model.create("two", Kind::Directory).unwrap();
            assert_eq!((links(root), links(one)), (5, 2));
            let file = model.create("one/file", Kind::File).unwrap();
            let inner = model.create("two/inner", Kind::Directory).unwrap();
            let place = |directory, name: &'static str| Place {
                directory,
                name: name.as_bytes(),
            };
            assert_eq!(fs.link(lwp, file, place(one, "file")), Err(Errno::EEXIST));
            fs.link(lwp, file, place(two, "again")).unwrap();
            assert_eq!(links(file), 2);
            // A directory and a file, in each other's place.
            fs.exchange(lwp, place(one, "file"), place(two, "inner"))
                .unwrap();
            assert_eq!(
                (links(one), links(two), fs.lookup(lwp, place(inner, ".."))),
                (3, 2, Ok(one))
            );
            fs.remove(lwp, place(two, "inner"), file).unwrap();
            fs.remove(lwp, place(two, "again"), file).unwrap();
            assert_eq!(links(file), 0);
            // It is there as long as somebody uses it, and its number nobody's.
            fs.write(lwp, file, 3000, b"still here").unwrap();
            fs.sync(lwp).unwrap();
            assert_eq!(fs.attributes(lwp, file).unwrap().size, 3010);
            let other = model.create("two/other", Kind::File).unwrap();
            assert_ne!(other, file);
            fs.forget(lwp, file).unwrap();
            model.rename("two/other", "two/another").unwrap();
            fs.rename(lwp, inner, place(one, "file"), place(root, "inner"), None)
                .unwrap();
            assert_eq!((links(one), links(root)), (2, 6));
            model.files = BTreeMap::from([
                ("lost+found".to_owned(), None),
                ("one".to_owned(), None),
                ("two".to_owned(), None),
                ("inner".to_owned(), None),
                ("two/another".to_owned(), Some(Vec::new())),
            ]);
            model.check();
            assert_eq!(
                model.create(&"x".repeat(256), Kind::File),
                Err(Errno::ENAMETOOLONG)
            );
            // One that is used to the end.
            let last = model.create("last", Kind::File).unwrap();
            fs.write(lwp, last, 0, &noise(50_000)).unwrap();
            fs.remove(lwp, place(root, "last"), last).unwrap();
        });
        save(&disk, &path);
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, mib) in [(KINDS[0].0, 4), (KINDS[3].0, 4)] {
        let path = make(directory.path(), options, mib, &["-N", "128"]);
        let disk = load(&path);
        mounted(ext2::mount, &disk, false, |lwp, fs| {
            let mut model = Model::new(lwp, fs);
            model.files.insert("lost+found".to_owned(), None);
            model.create("first", Kind::File).unwrap();
            model.write("first", 0, &noise(100_000)).unwrap();
            model.create("large", Kind::File).unwrap();
            let before = fs.usage(lwp).unwrap();
            let free = before.free_blocks as usize * before.block_size as usize;
            assert_eq!(
                model.write("large", 0, &noise(free + 1)),
                Err(Errno::ENOSPC)
            );
            assert_eq!(
                model.write("first", 100_000, &noise(free + before.block_size as usize)),
                Err(Errno::ENOSPC)
            );
            assert_eq!(fs.usage(lwp).unwrap(), before);
            let mut size = 0;
            while model.write("large", size, &noise(10_000)).is_ok() {
                size += 10_000;
            }
            while model.write("large", size, b"x").is_ok() {
                size += 1000;
            }
            // What was too little for data with a block of numbers may do for a directory.
            let mut index = 0;
            let full = loop {
                match model.create(&format!("directory {index}"), Kind::Directory) {
                    Ok(_) => index += 1,
                    Err(error) => break error,
                }
            };
            assert_eq!(
                (full, fs.usage(lwp).unwrap().free_blocks),
                (Errno::ENOSPC, 0)
            );
            model.check();
            // What was removed is there to be taken.
            model.remove("first").unwrap();
            model.create("last", Kind::File).unwrap();
            model.write("last", 0, &noise(90_000)).unwrap();
            let mut index = 0;
            while model.create(&format!("file {index}"), Kind::File).is_ok() {
                index += 1;
            }
            assert!(index > 50);
            assert_eq!(fs.usage(lwp).unwrap().free_inodes, 0);
            model.check();
        });
        save(&disk, &path);
    }
}

#[test]
fn a_loss_of_power_leaves_what_was_synced() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, mib) in [(KINDS[0].0, 4), (KINDS[2].0, 16), (KINDS[3].0, 4)] {
        let image = make(directory.path(), options, mib, &["-N", "256"]);
        survives_cuts(ext2::mount, &image, repair);
    }
}

#[test]
fn a_disk_that_fails_once_loses_nothing_that_was_synced() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let empty = make(directory.path(), KINDS[0].0, 4, &["-N", "256"]);
    survives_failures(ext2::mount, &empty);
}

/// Why an image is not mounted, if it is not.
fn refusal(disk: &Arc<RecordingDisk>, read_only: bool) -> Option<String> {
    in_kernel(|lwp| {
        let volume = Volume::over(lwp, unit(lwp, disk), read_only).expect("it is a volume");
        ext2::mount(lwp, volume)
            .err()
            .map(|failure| failure.to_string())
    })
}

#[test]
fn what_is_not_mounted_says_why() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    for (options, why, read_only) in [
        (
            &["-t", "ext4", "-O", "^64bit,^flex_bg"][..],
            "ext2 with extent is not supported",
            false,
        ),
        (
            &["-t", "ext2", "-O", "meta_bg,^resize_inode"],
            "ext2 with meta_bg is not supported",
            false,
        ),
        (
            &["-t", "ext3", "-O", "quota,dir_nlink"],
            "dir_nlink, quota can be mounted to read only",
            true,
        ),
    ] {
        let disk = load(&make(directory.path(), options, 16, &[]));
        let said = refusal(&disk, false).expect("it is refused");
        assert!(said.contains(why), "{said}");
        assert_eq!(refusal(&disk, true).is_none(), read_only, "{options:?}");
    }
    let path = make(directory.path(), KINDS[2].0, 16, &[]);
    debugfs(&path, "feature needs_recovery");
    let said = refusal(&load(&path), true).expect("it is refused");
    assert!(said.contains("needs_recovery"), "{said}");
    let said = refusal(&image::disk(vec![0; 8192]), true);
    assert_eq!(said.as_deref(), Some("there is no ext2 on it"));
    // What contradicts itself or the disk.
    for (field, value, why) in [
        ("blocks_count", "999999", "longer than the disk"),
        ("inodes_count", "7", "how many inodes"),
        ("inodes_per_group", "0", "the size of a group"),
        ("blocks_per_group", "4", "the size of a group"),
        ("log_block_size", "40", "more than 64 KiB"),
        ("inode_size", "77", "the size of an inode"),
        ("first_ino", "3", "the first inode"),
    ] {
        let path = make(directory.path(), KINDS[0].0, 4, &["-N", "256"]);
        debugfs(&path, &format!("set_super_value {field} {value}"));
        let said = refusal(&load(&path), true).unwrap_or_else(|| panic!("{field}"));
        assert!(said.contains(why), "{said}");
    }
    for field in ["block_bitmap", "inode_bitmap", "inode_table"] {
        let path = make(directory.path(), KINDS[0].0, 4, &["-N", "256"]);
        debugfs(&path, &format!("set_block_group 1 {field} 5"));
        let said = refusal(&load(&path), true);
        assert_eq!(said.as_deref(), Some("the description of group 1 is wrong"));
    }
}

#[test]
fn blocks_that_lead_astray_are_an_error_of_their_file() {
    if !tests::need("ext2", PROGRAMS) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let path = make(directory.path(), KINDS[0].0, 4, &["-N", "256"]);
    let disk = load(&path);
    mounted(ext2::mount, &disk, false, |lwp, fs| {
        let mut model = Model::new(lwp, fs);
        model.create("directory", Kind::Directory).unwrap();
        for name in ["table", "beyond", "itself", "intact"] {
            model.create(name, Kind::File).unwrap();
            model.write(name, 0, &noise(300_000)).unwrap();
        }
    });
    save(&disk, &path);
    let block = |file: &str, index: u32| {
        let said = debugfs(&path, &format!("bmap {file} {index}"));
        let mut lines = said.lines().map(str::trim);
        let number = lines.find(|line| line.parse::<u32>().is_ok());
        number.expect("a number").to_owned()
    };
    let table = block("<7>", 0);
    debugfs(&path, "sif table block[IND] 6");
    debugfs(&path, "sif beyond block[0] 4000000000");
    // Three levels of a block whose numbers are its own.
    let own = block("itself", 0);
    debugfs(&path, &format!("sif itself block[TIND] {own}"));
    debugfs(&path, "sif itself size 4000000000");
    let entries = block("directory", 0);
    println!("{table} {own} {entries}");
    let mut bytes = std::fs::read(&path).expect("an image");
    let at = |block: &str| block.parse::<usize>().expect("a number") * 1024;
    let number: u32 = own.parse().expect("a number");
    for word in bytes[at(&own)..][..1024].chunks_exact_mut(4) {
        word.copy_from_slice(&number.to_le_bytes());
    }
    bytes[at(&entries) + 4..][..2].fill(0);
    let disk = image::disk(bytes);
    mounted(ext2::mount, &disk, false, |lwp, fs| {
        let mut model = Model::new(lwp, fs);
        let mut piece = vec![0; 300_000];
        for name in ["table", "beyond"] {
            let file = model.find(name);
            assert_eq!(
                fs.read(lwp, file, 0, &mut piece),
                Err(Errno::EUCLEAN),
                "{name}"
            );
            assert_eq!(
                fs.write(lwp, file, 200_000, &piece).is_err(),
                name == "table"
            );
            model.remove(name).unwrap();
        }
        let itself = model.find("itself");
        assert_eq!(fs.seek(lwp, itself, 100_000_000, true), Err(Errno::EUCLEAN));
        model.remove("itself").unwrap();
        assert_eq!(model.create("directory/x", Kind::File), Err(Errno::EUCLEAN));
        let inode = model.find("directory");
        assert_eq!(
            fs.entries(lwp, inode, 0, &mut |_| true),
            Err(Errno::EUCLEAN)
        );
        let intact = model.find("intact");
        assert_eq!(fs.read(lwp, intact, 0, &mut piece), Ok(300_000));
        assert!(piece == noise(300_000));
    });
    std::fs::write(&path, disk.bytes()).expect("it is written");
    repair(&path);
}
