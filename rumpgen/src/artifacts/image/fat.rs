//! A FAT volume with files, small, and the same bytes for the same files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use super::super::checked;
use super::timeless;
use crate::diagnostic::Diagnostic;
use crate::tools::{self, MCOPY, MFORMAT, MMD};

/// The size of a volume is a multiple of this, in bytes: what all who take disks take.
const ROUND: u64 = 1 << 20;
/// What folders, tables and the last clusters of files take beside files, in bytes, at most.
const OVERHEAD: u64 = 128 << 10;
/// The name of a volume, and its number: `RUMP`.
const LABEL: &str = "RUMP";
const SERIAL: &str = "52554d50";

/// Checks that a volume could be made.
pub(super) fn check() -> Result<(), Diagnostic> {
    [MFORMAT, MMD, MCOPY]
        .iter()
        .try_for_each(|tool| tool.require().map(drop))
}

/// Makes a volume, to stand `before` sectors after the beginning of a disk, of files and where they are on it.
pub(super) fn make(to: &Path, before: u32, files: &[(&Path, &str)]) -> Result<(), Diagnostic> {
    let mut size = OVERHEAD;
    for (file, _) in files {
        size += checked(file, fs::metadata(file))?.len();
    }
    let size = size.next_multiple_of(ROUND);
    let volume = checked(to, File::create(to))?;
    checked(to, volume.set_len(size))?;

    let mut format = timeless(&MFORMAT)?;
    format.arg("-i").arg(to);
    format.args(["-T", &(size / 512).to_string(), "-H", &before.to_string()]);
    format.args(["-v", LABEL, "-N", SERIAL, "::"]);
    tools::run(&mut format)?;

    // Outer ones come first.
    let parents = files.iter().flat_map(|(_, name)| parents(name));
    let folders: BTreeSet<String> = parents.map(|folder| format!("::{folder}")).collect();
    let mut make = timeless(&MMD)?;
    tools::run(make.arg("-i").arg(to).args(folders))?;
    for (file, name) in files {
        let mut copy = timeless(&MCOPY)?;
        copy.arg("-i").arg(to).arg(file);
        tools::run(copy.arg(format!("::{name}")))?;
    }
    Ok(())
}

/// The folders that a file is in.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(at, _)| &name[..at])
}
