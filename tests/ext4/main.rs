//! Ext4 on real images: what mke2fs made is read, and what was written is checked by e2fsck and read by debugfs.

mod cuts;
mod disk;
mod refused;
mod tree;

use std::path::Path;
use std::process::Command;

use tests::{need, output};
use vfs::{Changes, Creation, Kind, Place, Time};

use crate::disk::mounted;
use crate::tree::{Tree, assert_same, copy, make_nasty, of_file_system, of_host};

const PROGRAMS: &[&str] = &["mke2fs", "e2fsck", "debugfs"];

/// Makes an image of the size, in MiB.
fn mke2fs(image: &Path, mib: u64, options: &[&str]) {
    let file = std::fs::File::create(image).unwrap();
    file.set_len(mib << 20).unwrap();
    output(
        Command::new("mke2fs")
            .args(["-q", "-F", "-t", "ext4"])
            .args(options)
            .arg(image),
    );
}

/// Holds that e2fsck finds nothing.
fn check(image: &Path) {
    let checked = Command::new("e2fsck")
        .arg("-fn")
        .arg(image)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}

/// What debugfs reads.
fn dumped(image: &Path) -> Tree {
    let to = tempfile::tempdir().unwrap();
    let command = format!("rdump / {}", to.path().display());
    output(Command::new("debugfs").args(["-R", &command]).arg(image));
    as_dumped(of_host(to.path()))
}

/// A tree without what differs for other reasons: the directory that only file systems have, the root.
fn plain(mut tree: Tree) -> Tree {
    tree.remove(&b"lost+found"[..]);
    tree.remove(&b""[..]);
    tree
}

/// What debugfs can tell: 32 bits of a time, and none of a link's, no bits beyond permissions, no attributes, no
/// second names, nothing special.
fn as_dumped(mut tree: Tree) -> Tree {
    tree.retain(|_, node| matches!(node.kind, Kind::File | Kind::Directory | Kind::Symlink));
    for node in tree.values_mut() {
        // It makes them another's at last.
        node.mode &= 0o777;
        node.modified.nanoseconds = 0;
        node.modified.seconds = match node.kind {
            Kind::Symlink => 0,
            _ => i64::from(node.modified.seconds as u32),
        };
        node.links = 1;
        node.attributes.clear();
    }
    tree
}

const OPTIONS: &[&[&str]] = &[
    &[],
    &["-b", "1024"],
    &["-b", "2048", "-O", "^metadata_csum,^64bit"],
    &["-b", "4096"],
    &["-b", "1024", "-O", "^has_journal"],
];

#[test]
fn what_mke2fs_made_is_read() {
    if !need("what_mke2fs_made_is_read", PROGRAMS) {
        return;
    }
    // A large directory gets an index by e2fsck only.
    let (few, others) = OPTIONS.split_at(2);
    for (many, indexed, options) in [(10_000, true, few), (300, false, others)] {
        let host = tempfile::tempdir().unwrap();
        make_nasty(host.path(), many);
        let mut theirs = plain(of_host(host.path()));
        for node in theirs.values_mut() {
            // That is what mke2fs has of a time.
            node.modified.seconds = i64::from(node.modified.seconds as i32);
            node.modified.nanoseconds = 0;
        }
        for options in options {
            let dir = tempfile::tempdir().unwrap();
            let image = dir.path().join("image");
            let mut options = options.to_vec();
            options.extend(["-N", "20000", "-d", host.path().to_str().unwrap()]);
            println!("{options:?}");
            mke2fs(&image, 128, &options);
            if indexed {
                let optimized = Command::new("e2fsck").arg("-fyD").arg(&image).output();
                assert!(matches!(optimized.unwrap().status.code(), Some(0 | 1)));
            }
            let before = std::fs::read(&image).unwrap();
            let ours = mounted(&image, true, of_file_system);
            assert_same(&plain(ours), &theirs);
            let after = std::fs::read(&image).unwrap();
            assert!(after == before, "a mount to read only wrote");
        }
    }
}

#[test]
fn what_is_written_others_read() {
    if !need("what_is_written_others_read", PROGRAMS) {
        return;
    }
    let host = tempfile::tempdir().unwrap();
    make_nasty(host.path(), 1_000);
    let theirs = of_host(host.path());
    for options in OPTIONS {
        println!("{options:?}");
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        mke2fs(&image, 128, &[options, &["-N", "20000"][..]].concat());
        mounted(&image, false, |lwp, fs| {
            copy(lwp, fs, host.path(), &theirs);
            assert_same(&plain(of_file_system(lwp, fs)), &plain(theirs.clone()));
        });
        check(&image);
        let ours = mounted(&image, true, of_file_system);
        assert_same(&plain(ours), &plain(theirs.clone()));
        // It would write all that is not there.
        let name = b"sparse";
        let mut less = plain(theirs.clone());
        less.remove(&name[..]);
        mounted(&image, false, |lwp, fs| {
            let directory = fs.root();
            let place = Place { directory, name };
            let sparse = fs.lookup(lwp, place).unwrap();
            fs.remove(lwp, place, sparse).unwrap();
            fs.forget(lwp, sparse).unwrap();
        });
        check(&image);
        assert_same(&plain(dumped(&image)), &as_dumped(less));
    }
}

#[test]
fn bits_that_set_an_owner_survive_a_late_write() {
    if !need("bits_that_set_an_owner_survive_a_late_write", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    mke2fs(&image, 16, &[]);
    mounted(&image, false, |lwp, fs| {
        let place = Place {
            directory: fs.root(),
            name: b"program",
        };
        let new = Creation {
            kind: Kind::File,
            target: b"",
            mode: 0o4755,
            owner: 7,
            group: 8,
            time: Time::now(),
        };
        let file = fs.create(lwp, place, &new).unwrap();
        fs.write(lwp, file, 0, &[1; 5000]).unwrap();
        let owner = Changes {
            owner: Some(9),
            mode: Some(0o6711),
            ..Changes::default()
        };
        fs.change(lwp, file, &owner).unwrap();
        fs.punch(lwp, file, 0, 4096).unwrap();
        let known = fs.attributes(lwp, file).unwrap();
        assert_eq!((known.mode, known.owner, known.group), (0o6711, 9, 8));
    });
    check(&image);
}

#[test]
fn long_reads_see_what_is_not_on_the_disk_yet() {
    if !need("long_reads_see_what_is_not_on_the_disk_yet", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    mke2fs(&image, 64, &[]);
    let new = Creation {
        kind: Kind::File,
        target: b"",
        mode: 0o644,
        owner: 0,
        group: 0,
        time: Time::now(),
    };
    let name = b"file";
    let mut known = vec![1; 1 << 20];
    mounted(&image, false, |lwp, fs| {
        let directory = fs.root();
        let file = fs.create(lwp, Place { directory, name }, &new).unwrap();
        fs.write(lwp, file, 0, &known).unwrap();
    });
    mounted(&image, false, |lwp, fs| {
        let directory = fs.root();
        let place = Place { directory, name };
        let file = fs.lookup(lwp, place).unwrap();
        let assert_read = |known: &[u8], when: &str| {
            let mut bytes = vec![0xee; 1 << 20];
            let mut pages: Vec<_> = bytes.chunks_mut(4096).collect();
            let len = fs.read_pieces(lwp, file, 0, &mut pages).unwrap();
            assert!(bytes[..len] == *known, "{len} bytes {when}");
        };
        assert_read(&known, "at first");
        // Parts of blocks stay with the crate for a while.
        for at in [5000, 600_000] {
            fs.write(lwp, file, at as u64, &[2; 10]).unwrap();
            known[at..at + 10].fill(2);
            assert_read(&known, "of what was written");
        }
        fs.sync(lwp).unwrap();
        assert_read(&known, "of what was written and synced");
        fs.punch(lwp, file, 100_000, 300_000).unwrap();
        known[100_000..400_000].fill(0);
        assert_read(&known, "around a hole");
        fs.sync(lwp).unwrap();
        assert_read(&known, "around a hole that was synced");
        let shorter = Changes {
            size: Some(900_001),
            ..Changes::default()
        };
        fs.change(lwp, file, &shorter).unwrap();
        known.truncate(900_001);
        assert_read(&known, "of what was cut off");
        fs.sync(lwp).unwrap();
        assert_read(&known, "of what was cut off and synced");
        fs.remove(lwp, place, file).unwrap();
        fs.forget(lwp, file).unwrap();
        assert_eq!(fs.create(lwp, place, &new), Ok(file));
        fs.sync(lwp).unwrap();
        assert_read(&[], "of another file of that number");
    });
    check(&image);
}
