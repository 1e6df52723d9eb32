//! What a file system has that older drivers do not know: to be ignored, to be read only, or not to be touched.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base::{Errno, Failure};

use crate::bytes::{put_u32, u32_at};

/// Where the three sets stand in the superblock.
const COMPATIBLE: usize = 92;
const INCOMPATIBLE: usize = 96;
const READ_ONLY_COMPATIBLE: usize = 100;

/// A feature that means something here.
#[derive(Clone, Copy)]
pub(crate) struct Feature {
    set: usize,
    bit: u32,
}

/// There may be blocks of extended attributes.
pub(crate) const EXT_ATTR: Feature = Feature {
    set: COMPATIBLE,
    bit: 0x8,
};
/// Entries of directories say what kind an inode is of.
pub(crate) const FILETYPE: Feature = Feature {
    set: INCOMPATIBLE,
    bit: 0x2,
};
/// Copies of the superblock are in some groups only.
pub(crate) const SPARSE_SUPER: Feature = Feature {
    set: READ_ONLY_COMPATIBLE,
    bit: 0x1,
};
/// There are, or were, files of 2 GiB or more.
pub(crate) const LARGE_FILE: Feature = Feature {
    set: READ_ONLY_COMPATIBLE,
    bit: 0x2,
};

impl Feature {
    pub(crate) fn is_in(self, superblock: &[u8]) -> bool {
        u32_at(superblock, self.set) & self.bit != 0
    }

    pub(crate) fn put(self, superblock: &mut [u8]) {
        let features = u32_at(superblock, self.set);
        put_u32(superblock, self.set, features | self.bit);
    }
}

/// Names of the others, as `mke2fs -O` has them.
const INCOMPATIBLE_NAMES: &[(u32, &str)] = &[
    (0x1, "compression"),
    (
        0x4,
        "needs_recovery (a journal to be replayed: ext4 or e2fsck does that)",
    ),
    (0x8, "journal_dev"),
    (0x10, "meta_bg"),
    (0x40, "extent"),
    (0x80, "64bit"),
    (0x100, "mmp"),
    (0x200, "flex_bg"),
    (0x400, "ea_inode"),
    (0x1000, "dirdata"),
    (0x2000, "metadata_csum_seed"),
    (0x4000, "large_dir"),
    (0x8000, "inline_data"),
    (0x10000, "encrypt"),
    (0x20000, "casefold"),
];
const READ_ONLY_COMPATIBLE_NAMES: &[(u32, &str)] = &[
    (0x4, "btree_dir"),
    (0x8, "huge_file"),
    (0x10, "uninit_bg"),
    (0x20, "dir_nlink"),
    (0x40, "extra_isize"),
    (0x100, "quota"),
    (0x200, "bigalloc"),
    (0x400, "metadata_csum"),
    (0x1000, "read-only"),
    (0x2000, "project"),
    (0x4000, "shared_blocks"),
    (0x8000, "verity"),
    (0x10000, "orphan_present"),
];

/// Refuses what is not known here: `EOPNOTSUPP`, and `EROFS` of what could be read.
pub(crate) fn check(superblock: &[u8], read_only: bool) -> Result<(), Failure> {
    let unknown = u32_at(superblock, INCOMPATIBLE) & !FILETYPE.bit;
    if unknown != 0 {
        let names = names(INCOMPATIBLE_NAMES, unknown);
        let why = format!("ext2 with {names} is not supported");
        return Err(Failure::new(Errno::EOPNOTSUPP, why));
    }
    let unknown = u32_at(superblock, READ_ONLY_COMPATIBLE) & !(SPARSE_SUPER.bit | LARGE_FILE.bit);
    if unknown != 0 && !read_only {
        let names = names(READ_ONLY_COMPATIBLE_NAMES, unknown);
        let why = format!("ext2 with {names} can be mounted to read only");
        return Err(Failure::new(Errno::EROFS, why));
    }
    Ok(())
}

fn names(known: &[(u32, &str)], bits: u32) -> String {
    let set = (0..u32::BITS)
        .map(|bit| 1 << bit)
        .filter(|bit| bits & bit != 0);
    let names: Vec<String> = set
        .map(|bit| {
            let found = known.iter().find(|(other, _)| *other == bit);
            found.map_or_else(|| format!("feature {bit:#x}"), |(_, name)| name.to_string())
        })
        .collect();
    names.join(", ")
}
