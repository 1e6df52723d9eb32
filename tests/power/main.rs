//! What programs wrote through the whole of the faction of files when the power goes, the disk fails or is full: page
//! cache, write-back and the file system below.

mod kernel;
mod program;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base::Errno;
use dev::testing::RecordingDisk;
use syscall::consts::*;
use syscall::{Fd, StatFs};
use tests::{need, output};
use vfs::syscalls as calls;

use crate::kernel::{close, contents, open, opened, with_disk, write_at};
use crate::program::{Journal, Program};

const PROGRAMS: &[&str] = &["mke2fs", "e2fsck", "mkfs.fat", "fsck.fat"];

/// A file system that is written.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Ext4,
    Ext2,
    Fat,
}

const KINDS: [Kind; 3] = [Kind::Ext4, Kind::Ext2, Kind::Fat];

impl Kind {
    /// An empty one of so many KiB.
    fn make(self, path: &Path, kib: u64) -> Vec<u8> {
        let file = std::fs::File::create(path).unwrap();
        file.set_len(kib << 10).unwrap();
        let mut made = match self {
            Kind::Ext4 | Kind::Ext2 => Command::new("mke2fs"),
            Kind::Fat => Command::new("mkfs.fat"),
        };
        match self {
            Kind::Ext4 => made.args(["-q", "-F", "-t", "ext4", "-b", "1024", "-J", "size=1"]),
            Kind::Ext2 => made.args(["-q", "-F", "-t", "ext2", "-b", "1024"]),
            Kind::Fat => made.args(["-s", "2"]),
        };
        output(made.arg(path));
        std::fs::read(path).unwrap()
    }

    /// Has the file system's own program look at an image, and with `repair` put it right; whether it found nothing.
    fn check(self, path: &Path, repair: bool) -> (bool, String) {
        let mut checked = match self {
            Kind::Ext4 | Kind::Ext2 => Command::new("e2fsck"),
            Kind::Fat => Command::new("fsck.fat"),
        };
        let how = match (self, repair) {
            (Kind::Ext4 | Kind::Ext2, false) => "-fn",
            (Kind::Ext4 | Kind::Ext2, true) => "-fy",
            (Kind::Fat, false) => "-n",
            (Kind::Fat, true) => "-a",
        };
        let checked = checked.arg(how).arg(path).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        (checked.status.success(), said)
    }
}

/// A disk whose blocks are written as a whole: ext4's superblock has to be.
fn disk(bytes: Vec<u8>) -> Arc<RecordingDisk> {
    RecordingDisk::new(1024, bytes)
}

/// Holds that what was synced by a moment is on a disk with these bytes, as it is and after the file system's own
/// program repaired it, and that either leaves it whole.
fn assert_whole(
    kind: Kind,
    path: &Path,
    bytes: Vec<u8>,
    journal: &Journal,
    moment: usize,
    when: &str,
) {
    println!("{when}");
    let mounted = |bytes: Vec<u8>, how: &str| {
        let disk = disk(bytes);
        let ((), unmounted) = with_disk(&disk, |lwp| {
            journal.assert_there(lwp, moment, &format!("{when}, {how}"));
        });
        unmounted.unwrap();
        disk.bytes()
    };
    std::fs::write(path, &bytes).unwrap();
    for _ in 0..8 {
        if kind.check(path, true).0 {
            break;
        }
    }
    let (whole, said) = kind.check(path, false);
    assert!(whole, "{when}, repaired: {said}");
    mounted(std::fs::read(path).unwrap(), "repaired");
    let after = mounted(bytes, "as it is");
    std::fs::write(path, after).unwrap();
    let (whole, said) = kind.check(path, false);
    // What has no journal stays as it is until its program looks for what is lost.
    assert!(whole || kind != Kind::Ext4, "{when}: {said}");
}

/// Cuts the power before every flush and after it, and as often anywhere: of what was written since the last flush any part
/// came through.
fn survives_cuts(kind: Kind) {
    if !need("what_programs_synced_survives_cuts_of_the_power", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let disk = disk(kind.make(&path, 4096));
    let (journal, unmounted) = with_disk(&disk, |lwp| {
        let mut program = Program::new(lwp, &disk);
        for round in 0..2 {
            program.round(round).unwrap();
        }
        program.into_journal()
    });
    unmounted.unwrap();
    let (moments, flushes) = (disk.moments(), disk.flushes());
    println!("{moments} moments, {} flushes", flushes.len());
    assert!(flushes.len() > 10);
    let anywhere = (0..flushes.len()).map(|number| number * 7919 % moments);
    let around = flushes.iter().flat_map(|flush| [*flush, flush + 1]);
    for (moment, seed) in around.chain(anywhere).zip(2..) {
        let when = format!("cut at {moment} of {moments}, seed {seed}");
        assert_whole(kind, &path, disk.cut(moment, seed), &journal, moment, &when);
    }
}

#[test]
fn what_programs_synced_survives_cuts_of_the_power_on_ext4() {
    survives_cuts(Kind::Ext4);
}

#[test]
fn what_programs_synced_survives_cuts_of_the_power_on_ext2() {
    survives_cuts(Kind::Ext2);
}

#[test]
fn what_programs_synced_survives_cuts_of_the_power_on_fat() {
    survives_cuts(Kind::Fat);
}

/// Runs rounds of a program on a disk that is not as it should be: each error is one of these. Then holds that what was
/// synced nevertheless is there.
fn assert_honest(
    kind: Kind,
    path: &Path,
    disk: &Arc<RecordingDisk>,
    errors: &[Errno],
    when: &str,
) -> usize {
    let ((journal, failed), _) = with_disk(disk, |lwp| {
        let mut program = Program::new(lwp, disk);
        let failed: Vec<_> = (0..2)
            .filter_map(|round| program.round(round).err())
            .collect();
        (program.into_journal(), failed)
    });
    for errno in &failed {
        assert!(errors.contains(errno), "{when}: {errno}");
    }
    assert_whole(kind, path, disk.bytes(), &journal, usize::MAX, when);
    failed.len()
}

#[test]
fn a_disk_that_fails_is_heard_of_and_costs_nothing_that_was_synced() {
    let name = "a_disk_that_fails_is_heard_of_and_costs_nothing_that_was_synced";
    if !need(name, PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for kind in KINDS {
        let image = kind.make(&path, 4096);
        let good = disk(image.clone());
        let (mounting, _) = with_disk(&good, |lwp| {
            let mounting = good.operations();
            let mut program = Program::new(lwp, &good);
            (0..2).for_each(|round| program.round(round).unwrap());
            mounting
        });
        let operations = good.operations();
        println!("{mounting} operations to mount, {operations} in all");
        let mut heard = 0;
        for first in (mounting..operations).step_by(41) {
            for last in [first + 1, first + 5, u64::MAX] {
                let disk = disk(image.clone());
                disk.fail_all(first..last);
                let when = format!("{first} to {last} fail");
                heard += assert_honest(kind, &path, &disk, &[Errno::EIO], &when);
            }
        }
        assert!(heard > 0);
    }
}

#[test]
fn a_full_disk_is_heard_of_and_costs_nothing_that_was_synced() {
    let name = "a_full_disk_is_heard_of_and_costs_nothing_that_was_synced";
    if !need(name, PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for kind in KINDS {
        let image = kind.make(&path, 4096);
        let mut heard = 0;
        for left in (0..800).step_by(100) {
            // All but so many KiB are another file's.
            let full = disk(image.clone());
            let (made, unmounted) = with_disk(&full, |lwp| {
                let mut usage = StatFs::default();
                calls::statfs(lwp, "/disk".into(), (&mut usage).into())?;
                let free = usage.free_blocks as usize * usage.block_size as usize;
                let rest = vec![1; free.saturating_sub(left << 10)];
                opened(lwp, "/disk/rest", O_CREAT | O_WRONLY, |fd| {
                    // It may be a little more than there is room for.
                    match write_at(lwp, &fd, &rest, 0) {
                        Ok(()) | Err(Errno::ENOSPC) => calls::fsync(lwp, fd),
                        Err(errno) => Err(errno),
                    }
                })
            });
            made.and(unmounted).unwrap();
            let full = disk(full.bytes());
            let when = format!("{left} KiB are left");
            heard += assert_honest(kind, &path, &full, &[Errno::ENOSPC], &when);
        }
        assert!(heard > 0);
    }
}

#[test]
fn each_open_file_hears_once_that_it_was_not_written() {
    let name = "each_open_file_hears_once_that_it_was_not_written";
    if !need(name, PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for kind in KINDS {
        let disk = disk(kind.make(&path, 4096));
        let bytes = vec![7; 10_000];
        let ((), unmounted) = with_disk(&disk, |lwp| {
            let file = "/disk/file";
            let [one, other] =
                [O_CREAT | O_RDWR, O_RDWR].map(|flags| open(lwp, file, flags).unwrap());
            calls::sync(lwp).unwrap();
            write_at(lwp, &one, &bytes, 0).unwrap();
            let now = disk.operations();
            disk.fail_all(now..now + 1);
            let sync = |fd: &Fd| calls::fsync(lwp, Fd(fd.0));
            assert_eq!(sync(&one), Err(Errno::EIO));
            assert_eq!(sync(&one), Ok(()));
            // The disk is well again, so this is news of what was.
            assert_eq!(sync(&other), Err(Errno::EIO));
            assert_eq!(sync(&other), Ok(()));
            let later = open(lwp, file, O_RDONLY).unwrap();
            assert_eq!(sync(&later), Ok(()));
            for fd in [one, other, later] {
                close(lwp, fd);
            }
        });
        unmounted.unwrap();
        let (there, unmounted) = with_disk(&self::disk(disk.bytes()), |lwp| {
            contents(lwp, "/disk/file").unwrap()
        });
        unmounted.unwrap();
        assert!(there == Some(bytes));
    }
}

#[test]
fn what_nobody_synced_is_on_the_disk_after_a_while() {
    const SECOND: u64 = 1_000_000_000;
    let name = "what_nobody_synced_is_on_the_disk_after_a_while";
    if !need(name, PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for kind in KINDS {
        let disk = disk(kind.make(&path, 4096));
        let bytes = vec![7; 10_000];
        let there = |disk: &Arc<RecordingDisk>, name: &str| {
            let flushed = self::disk(disk.cut(disk.moments() - 1, 0));
            with_disk(&flushed, |lwp| contents(lwp, name).unwrap()).0
        };
        let ((), unmounted) = with_disk(&disk, |lwp| {
            assert!(sim::run_until_idle(3600 * SECOND), "a timer is set");
            opened(lwp, "/disk/file", O_CREAT | O_WRONLY, |fd| {
                write_at(lwp, &fd, &bytes, 0)
            })
            .unwrap();
            let before = disk.moments();
            sim::advance(29 * SECOND);
            assert_eq!(disk.moments(), before);
            sim::advance(2 * SECOND);
            assert!(disk.moments() > before);
            assert!(sim::run_until_idle(3600 * SECOND), "a timer is set");
            let after = disk.operations();
            sim::advance(3600 * SECOND);
            assert_eq!(disk.operations(), after);

            // Names as well; and again after the disk refused, but that an ext4 takes for its end.
            calls::rename(lwp, "/disk/file".into(), "/disk/other".into()).unwrap();
            if kind == Kind::Fat {
                let next = disk.operations();
                disk.fail_all(next..next + 1);
                sim::advance(31 * SECOND);
                assert!(disk.operations() > next);
            }
            sim::advance(31 * SECOND);
            assert!(sim::run_until_idle(3600 * SECOND), "a timer is set");
            // Who synchronised has no timer to wait for.
            calls::mkdir(lwp, "/disk/more".into(), 0o755).unwrap();
            calls::sync(lwp).unwrap();
            assert!(sim::run_until_idle(3600 * SECOND), "a timer is set");
            calls::rename(lwp, "/disk/other".into(), "/disk/last".into()).unwrap();
            sim::advance(31 * SECOND);
        });
        unmounted.unwrap();
        assert_eq!(there(&disk, "/disk/file"), None);
        assert!(there(&disk, "/disk/last") == Some(bytes));
    }
}
