//! Mounting.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Failure, Lwp};
use bio::Volume;
use rsext4::superblock::Ext4Superblock;
use rsext4::{ErrorContext, Ext4Error, FeatureSet};
use vfs::{FileSystem, Format, MakeArguments, MountArguments};

use crate::error::errno;
use crate::filesystem::Ext4FileSystem;
use crate::layout::Layout;
use crate::source::Source;

/// The kind of file system.
pub struct Ext4Format;

impl Format for Ext4Format {
    fn name(&self) -> &'static str {
        "ext4"
    }

    fn recognises(&self, lwp: &Lwp<'_>, source: &[u8]) -> bool {
        let volume = Volume::open(lwp, source, true);
        volume.is_ok_and(|volume| Layout::read(lwp, &Source::new(volume)).is_ok())
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        let name = String::from_utf8_lossy(arguments.source);
        let fail = |errno: Errno, why: &str| Failure::new(errno, format!("{name}: {why}"));
        if let Some(option) = arguments
            .options
            .split(',')
            .find(|option| !option.is_empty())
        {
            return Err(fail(
                Errno::EINVAL,
                &format!("ext4 has no option \"{option}\""),
            ));
        }
        let volume = Volume::open(lwp, arguments.source, arguments.read_only);
        let volume = volume.map_err(|errno| fail(errno, errno.description()))?;
        let source = Source::new(volume);
        let layout = Layout::read(lwp, &source).map_err(|errno| match errno {
            Errno::EINVAL => fail(errno, "there is no ext4 on it"),
            errno => fail(errno, errno.description()),
        })?;
        if !arguments.read_only && !layout.superblock().has_extents() {
            let why = "an ext2 or ext3, without extents, can be mounted to read only";
            return Err(fail(Errno::EROFS, why));
        }
        match Ext4FileSystem::mount(lwp, source, layout) {
            Ok(mounted) => Ok(Arc::new(mounted)),
            Err(error) => Err(fail(errno(error), &reason(error))),
        }
    }

    fn make(&self, lwp: &Lwp<'_>, arguments: &MakeArguments<'_>) -> Result<(), Failure> {
        let volume = Volume::open(lwp, arguments.source, false)?;
        crate::make::make(lwp, &volume, arguments.label)
    }
}

/// What is wrong, for people.
fn reason(error: Ext4Error) -> String {
    match error.context() {
        Some(ErrorContext::Feature { set, bits }) => {
            let names = match set {
                FeatureSet::Incompatible => INCOMPATIBLE,
                FeatureSet::ReadOnlyCompatible => READ_ONLY_COMPATIBLE,
            };
            let way_out = match set {
                FeatureSet::Incompatible => "",
                FeatureSet::ReadOnlyCompatible => "; it can be mounted to read only",
            };
            format!(
                "ext4 with {} is not supported{way_out}",
                features(names, bits)
            )
        }
        Some(ErrorContext::Capability {
            name: "block_io:external_journal",
        }) => "its journal is on another disk, which is not supported".to_string(),
        Some(ErrorContext::Operation { op }) if op.starts_with("mmp:") => {
            let why = "ext4 with mmp is not supported; it can be mounted to read only";
            why.to_string()
        }
        Some(ErrorContext::Operation { op }) => format!("{} ({op})", error.kind()),
        _ => error.kind().to_string(),
    }
}

/// Features that are not supported, as `mke2fs -O` calls them.
const INCOMPATIBLE: &[(u32, &str)] = &[
    (
        Ext4Superblock::EXT4_FEATURE_INCOMPAT_COMPRESSION,
        "compression",
    ),
    (
        Ext4Superblock::EXT4_FEATURE_INCOMPAT_JOURNAL_DEV,
        "journal_dev",
    ),
    (Ext4Superblock::EXT4_FEATURE_INCOMPAT_META_BG, "meta_bg"),
    (Ext4Superblock::EXT4_FEATURE_INCOMPAT_EA_INODE, "ea_inode"),
    (Ext4Superblock::EXT4_FEATURE_INCOMPAT_DIRDATA, "dirdata"),
    (Ext4Superblock::EXT4_FEATURE_INCOMPAT_LARGEDIR, "large_dir"),
    (
        Ext4Superblock::EXT4_FEATURE_INCOMPAT_INLINE_DATA,
        "inline_data",
    ),
    (Ext4Superblock::EXT4_FEATURE_INCOMPAT_ENCRYPT, "encrypt"),
    (0x20000, "casefold"),
];

const READ_ONLY_COMPATIBLE: &[(u32, &str)] = &[
    (Ext4Superblock::EXT4_FEATURE_RO_COMPAT_QUOTA, "quota"),
    (Ext4Superblock::EXT4_FEATURE_RO_COMPAT_BIGALLOC, "bigalloc"),
    (Ext4Superblock::EXT4_FEATURE_RO_COMPAT_READONLY, "read-only"),
    (0x4000, "shared_blocks"),
    (Ext4Superblock::EXT4_FEATURE_RO_COMPAT_VERITY, "verity"),
    (
        Ext4Superblock::EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT,
        "orphan_present (e2fsck clears it)",
    ),
];

fn features(names: &[(u32, &str)], bits: u32) -> String {
    let set = (0..u32::BITS)
        .map(|bit| 1 << bit)
        .filter(|bit| bits & bit != 0);
    let names: Vec<String> = set
        .map(|bit| {
            let mut names = names.iter();
            let found = names.find(|(other, _)| *other == bit);
            found.map_or_else(|| format!("feature {bit:#x}"), |(_, name)| name.to_string())
        })
        .collect();
    names.join(", ")
}
