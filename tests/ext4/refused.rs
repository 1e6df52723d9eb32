//! What is not mounted, and why; and what is to read only.

use tests::need;

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
                    vfs::Place {
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
