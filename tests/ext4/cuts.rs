//! What is there after the power went, and after a disk failed.

use std::path::Path;
use std::process::Command;

use base::{Errno, Lwp};
use tests::need;
use vfs::{Creation, FileSystem, Ino, Kind, Place, Time};

use crate::disk::{Image, Told, mount, mounted, with_disk};
use crate::{PROGRAMS, check, mke2fs};

/// Files of a round.
const FILES: u64 = 8;

/// Random numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn name(round: u64, file: u64) -> Vec<u8> {
    format!("file {file} of round {round}").into_bytes()
}

fn contents(round: u64, file: u64) -> Vec<u8> {
    let len = 1 + (round * 7919 + file * 3001) % 20_000;
    (0..len)
        .map(|at| (at * 3 + round * 5 + file) as u8)
        .collect()
}

pub(crate) fn create(
    lwp: &Lwp<'_>,
    fs: &dyn FileSystem,
    place: Place<'_>,
    kind: Kind,
) -> Result<Ino, Errno> {
    let new = Creation {
        kind,
        target: b"",
        mode: 0o755,
        owner: 0,
        group: 0,
        time: Time::now(),
    };
    fs.create(lwp, place, &new)
}

fn in_root<'a>(fs: &dyn FileSystem, name: &'a [u8]) -> Place<'a> {
    Place {
        directory: fs.root(),
        name,
    }
}

/// Makes files, some by way of another name and some with two; takes those of the round before the last away; and syncs.
fn round(lwp: &Lwp<'_>, fs: &dyn FileSystem, round: u64) -> Result<(), Errno> {
    for file in 0..FILES {
        let last = name(round, file);
        let first = match file % 2 {
            0 => last.clone(),
            _ => b"for now".to_vec(),
        };
        let number = create(lwp, fs, in_root(fs, &first), Kind::File)?;
        for (at, bytes) in (0..).step_by(3000).zip(contents(round, file).chunks(3000)) {
            fs.write(lwp, number, at, bytes)?;
        }
        if first != last {
            fs.rename(lwp, number, in_root(fs, &first), in_root(fs, &last), None)?;
        }
        if file % 3 == 0 {
            let more = format!("link {file} of {round}");
            fs.link(lwp, number, in_root(fs, more.as_bytes()))?;
        }
    }
    let directory = format!("directory {round}");
    let directory = create(lwp, fs, in_root(fs, directory.as_bytes()), Kind::Directory)?;
    create(
        lwp,
        fs,
        Place {
            directory,
            name: b"inside",
        },
        Kind::Fifo,
    )?;
    for file in 0..if round < 2 { 0 } else { FILES } {
        let name = name(round - 2, file);
        let number = fs.lookup(lwp, in_root(fs, &name))?;
        fs.remove(lwp, in_root(fs, &name), number)?;
        fs.forget(lwp, number)?;
    }
    fs.sync(lwp)
}

/// Holds that the files of a round are there.
fn assert_there(lwp: &Lwp<'_>, fs: &dyn FileSystem, round: u64) {
    for file in 0..FILES {
        let name = name(round, file);
        let what = String::from_utf8_lossy(&name);
        let number = fs
            .lookup(lwp, in_root(fs, &name))
            .unwrap_or_else(|errno| panic!("{what}: {errno}"));
        let contents = contents(round, file);
        let mut bytes = vec![0; contents.len() + 1];
        assert_eq!(
            fs.read(lwp, number, 0, &mut bytes),
            Ok(contents.len()),
            "{what}"
        );
        assert!(bytes[..contents.len()] == contents[..], "{what} is another");
    }
}

/// Holds that an image that was left as it was is whole: that our mount makes it so, and e2fsck too.
fn assert_whole(image: &Path, synced: Option<u64>, when: &str) {
    let copy = image.with_extension("copy");
    std::fs::copy(image, &copy).unwrap();
    let repaired = Command::new("e2fsck")
        .arg("-fy")
        .arg(&copy)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&repaired.stdout);
    assert!(
        matches!(repaired.status.code(), Some(0 | 1)),
        "{when}: {said}"
    );
    let visit = |lwp: &Lwp<'_>, fs: &dyn FileSystem| {
        if let Some(round) = synced {
            assert_there(lwp, fs, round);
        }
    };
    mounted(&copy, true, visit);
    // Read only, then for good.
    mounted(image, true, visit);
    mounted(image, false, visit);
    println!("{when}");
    check(image);
}

#[test]
fn what_was_synced_survives_cuts_of_the_power() {
    if !need("what_was_synced_survives_cuts_of_the_power", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    mke2fs(&path, 16, &["-b", "1024"]);
    let before = std::fs::read(&path).unwrap();
    let image = Image::open(&path).record();
    // How much the disk was told when a round had been synced.
    let mut synced = Vec::new();
    with_disk(&image, |lwp| {
        let fs = mount(lwp, false).unwrap_or_else(|failure| panic!("{failure}"));
        for number in 0..10 {
            round(lwp, &*fs, number).unwrap();
            synced.push(image.told());
        }
        fs.unmount(lwp).unwrap();
    });
    let told = image.take_told();
    let mut random = Random(1);
    let mut cuts: Vec<usize> = (0..told.len())
        .filter(|at| matches!(told[*at], Told::Flush))
        .collect();
    // Before every flush and after it, and half as often anywhere.
    cuts = cuts.into_iter().flat_map(|at| [at, at + 1]).collect();
    for _ in 0..cuts.len() / 2 {
        cuts.push(random.below(told.len() as u64) as usize);
    }
    println!("{} cuts in {} requests", cuts.len(), told.len());
    for cut in cuts {
        let flushed = told[..cut]
            .iter()
            .rposition(|told| matches!(told, Told::Flush));
        let mut bytes = before.clone();
        for (at, told) in told[..cut].iter().enumerate() {
            let Told::Write(offset, written) = told else {
                continue;
            };
            for (start, piece) in (*offset as usize..).step_by(1024).zip(written.chunks(1024)) {
                // Of what was written since a flush any part may have come through.
                if flushed.is_some_and(|flushed| at < flushed) || random.below(2) == 0 {
                    bytes[start..start + piece.len()].copy_from_slice(piece);
                }
            }
        }
        std::fs::write(&path, bytes).unwrap();
        // The flush that ends a sync is its last request.
        let rounds = synced
            .iter()
            .filter(|told| **told <= flushed.map_or(0, |at| at + 1));
        let last = (rounds.count() as u64).checked_sub(1);
        assert_whole(
            &path,
            last,
            &format!("cut after {cut} of {} requests", told.len()),
        );
    }
}

#[test]
fn a_disk_that_fails_costs_nothing_that_was_synced() {
    if !need("a_disk_that_fails_costs_nothing_that_was_synced", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    mke2fs(&path, 16, &[]);
    let fresh = std::fs::read(&path).unwrap();
    for good in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
        std::fs::write(&path, &fresh).unwrap();
        let image = Image::open(&path);
        with_disk(&image, |lwp| {
            let fs = mount(lwp, false).unwrap_or_else(|failure| panic!("{failure}"));
            round(lwp, &*fs, 0).unwrap();
            image.fail_after(good);
            let failed = (1..6).find_map(|number| round(lwp, &*fs, number).err());
            assert_eq!(failed, Some(Errno::EIO), "after {good} requests");
            // It says so again and again, but ends.
            let _ = fs.unmount(lwp);
        });
        image.fail_after(u64::MAX);
        // Which rounds were good is not known; the first one was, and its files are there until the third.
        let there = (good < 2).then_some(0);
        assert_whole(&path, there, &format!("after {good} good requests"));
    }
}

#[test]
fn a_full_disk_says_so_and_goes_on() {
    if !need("a_full_disk_says_so_and_goes_on", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for options in [
        &["-b", "1024", "-N", "64"][..],
        &["-b", "1024", "-N", "4096"],
        &["-b", "4096", "-O", "^has_journal"],
    ] {
        mke2fs(&path, 8, options);
        mounted(&path, false, |lwp, fs| {
            let before = fs.usage(lwp).unwrap();
            let name = |number: u64| format!("a name that takes some room {number}").into_bytes();
            let mut made = Vec::new();
            let full = (0..).find_map(|number| {
                let name = name(number);
                let file = create(lwp, fs, in_root(fs, &name), Kind::File);
                file.and_then(|file| {
                    made.push((name, file));
                    fs.write(
                        lwp,
                        file,
                        0,
                        &vec![number as u8; 1 + 777 * number as usize % 40_000],
                    )
                })
                .err()
            });
            assert_eq!(full, Some(Errno::ENOSPC));
            fs.sync(lwp).unwrap();
            for (name, file) in made {
                fs.remove(lwp, in_root(fs, &name), file).unwrap();
                fs.forget(lwp, file).unwrap();
            }
            let after = fs.usage(lwp).unwrap();
            assert_eq!(after.free_inodes, before.free_inodes);
            // The directory stays as large as it was.
            assert!(
                after.free_blocks + 400 > before.free_blocks,
                "{after:?} {before:?}"
            );
            round(lwp, fs, 0).unwrap();
        });
        check(&path);
        mounted(&path, true, |lwp, fs| assert_there(lwp, fs, 0));
    }
}
