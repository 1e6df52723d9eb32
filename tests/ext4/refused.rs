//! What is not mounted, and why; and what is to read only.

use std::process::Command;

use base::Errno;
use tests::need;
use vfs::{Kind, Place};

use crate::disk::{Image, mount, mounted, with_disk};
use crate::{PROGRAMS, mke2fs};

#[test]
fn what_is_not_mounted_says_why() {
    if !need("what_is_not_mounted_says_why", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for (options, why, read_only) in [
        (
            &["-O", "inline_data"][..],
            "inline_data is not supported",
            false,
        ),
        (&["-O", "encrypt"], "encrypt is not supported", false),
        (
            &["-O", "meta_bg,^resize_inode"],
            "meta_bg is not supported",
            false,
        ),
        (&["-O", "ea_inode"], "ea_inode is not supported", false),
        (&["-O", "large_dir"], "large_dir is not supported", false),
        (&["-O", "casefold"], "casefold is not supported", false),
        (
            &["-O", "quota"],
            "quota is not supported; it can be mounted to read only",
            true,
        ),
        (
            &["-b", "4096", "-O", "bigalloc"],
            "bigalloc is not supported; it can be mounted to read only",
            true,
        ),
        (
            &["-O", "mmp"],
            "mmp is not supported; it can be mounted to read only",
            true,
        ),
        (
            &["-O", "^extent,^64bit"],
            "without extents, can be mounted to read only",
            true,
        ),
    ] {
        mke2fs(&path, 32, options);
        with_disk(&Image::open(&path), |lwp| {
            let failure = mount(lwp, false).err().map(|failure| failure.to_string());
            let failure = failure.unwrap_or_else(|| panic!("{options:?} was mounted"));
            assert!(
                failure.starts_with("/dev/image0: ") && failure.contains(why),
                "{failure}"
            );
            let failure = mount(lwp, true).err().map(|failure| failure.to_string());
            assert_eq!(failure.is_none(), read_only, "{options:?}: {failure:?}");
        });
    }
    std::fs::write(&path, vec![0; 4096]).unwrap();
    with_disk(&Image::open(&path), |lwp| {
        let failure = mount(lwp, false).err().map(|failure| failure.to_string());
        assert_eq!(
            failure.as_deref(),
            Some("/dev/image0: there is no ext4 on it")
        );
    });
}

#[test]
fn what_mke2fs_makes_by_default_is_mounted() {
    if !need("what_mke2fs_makes_by_default_is_mounted", PROGRAMS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    // Orphan files and the like are the default of later versions.
    for options in [
        &["-O", "metadata_csum_seed"][..],
        &["-O", "orphan_file"],
        &["-O", "fast_commit"],
        &["-I", "1024"],
        &["-E", "lazy_itable_init=1"],
    ] {
        mke2fs(&path, 600, options);
        mounted(&path, false, |lwp, fs| {
            assert!(
                fs.lookup(
                    lwp,
                    Place {
                        directory: fs.root(),
                        name: b"lost+found"
                    }
                )
                .is_ok()
            );
        });
        crate::check(&path);
    }
}

/// A map that leads to the same blocks again and again, which is listed before it is freed: a word of it is 32 MiB of blocks.
#[test]
fn an_inode_that_claims_more_than_there_is_is_refused_by_its_number() {
    if !need(
        "an_inode_that_claims_more_than_there_is_is_refused_by_its_number",
        PROGRAMS,
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let set = |field: &str, value: u64| {
        let line = format!("set_inode_field file {field} {value}");
        tests::output(Command::new("debugfs").args(["-w", "-R", &line]).arg(&path));
    };
    // What it says it has; and four extents that begin at the same block, 32768 long each.
    let map = (0..4).flat_map(|extent| [extent << 15, 1 << 15, 1000]);
    let head = [4 << 16 | 0xf30a, 4, 0];
    let map: Vec<u64> = head.into_iter().chain(map).collect();
    for is_map in [false, true] {
        mke2fs(&path, 64, &["-b", "1024"]);
        mounted(&path, false, |lwp, fs| {
            let place = |name| Place {
                directory: fs.root(),
                name,
            };
            for name in [&b"file"[..], b"other"] {
                crate::cuts::create(lwp, fs, place(name), Kind::File).unwrap();
            }
        });
        match is_map {
            true => map
                .iter()
                .enumerate()
                .for_each(|(at, word)| set(&format!("block[{at}]"), *word)),
            false => set("blocks", 1 << 20),
        }
        with_disk(&Image::open(&path), |lwp| {
            let fs = mount(lwp, false).unwrap_or_else(|failure| panic!("{failure}"));
            let place = |name| Place {
                directory: fs.root(),
                name,
            };
            assert_eq!(fs.lookup(lwp, place(b"file")), Err(Errno::EUCLEAN));
            assert!(fs.lookup(lwp, place(b"other")).is_ok());
            let log = lwp.instance().log_lines().concat();
            let claims = ["claims 524288 blocks", "claims 98304 blocks"][usize::from(is_map)];
            assert!(
                log.contains("ext4: inode 12 ") && log.contains(claims),
                "{log}"
            );
            fs.unmount(lwp).unwrap();
        });
    }
    // The root, without which there is no file system.
    for (at, word) in map.iter().enumerate() {
        let line = format!("set_inode_field / block[{at}] {word}");
        tests::output(Command::new("debugfs").args(["-w", "-R", &line]).arg(&path));
    }
    with_disk(&Image::open(&path), |lwp| {
        let failure = mount(lwp, true).err().map(|failure| failure.to_string());
        let failure = failure.expect("it is refused");
        assert!(failure.contains("claims of an inode"), "{failure}");
    });
}
