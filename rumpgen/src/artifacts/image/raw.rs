//! A disk that PCs boot from: a loader for BIOS in front of its one volume, which has a loader for UEFI and the
//! image.
//!
//! The disk has a master boot record, and no table of the newer kind, so that it has no second copy of anything
//! at its end, and can be made longer. UEFI takes a volume marked as such in a table of the older kind as well
//! (UEFI specification 2.10, 5.2.2).

use std::fs;
use std::path::Path;

use super::super::checked;
use super::grub::{self, Loader};
use super::{fat, write};
use crate::diagnostic::Diagnostic;
use crate::plan::{App, Plan};
use crate::tools::{GRUB_BIOS, GRUB_BIOS_BOOT};

/// A sector, in bytes.
const SECTOR: usize = 512;
/// The sector that the volume begins at; there is room for the loader before.
const FIRST: u32 = 2048;
/// Where the boot record has the disk's number, and its table of volumes.
const NUMBER: usize = 440;
const TABLE: std::ops::Range<usize> = 446..510;
/// In the table: a volume to boot from; for UEFI.
const ACTIVE: u8 = 0x80;
const UEFI_SYSTEM: u8 = 0xef;
/// In the table: a sector that the old way of counting does not reach.
const FAR: [u8; 3] = [0xfe, 0xff, 0xff];

/// For BIOS. It is in the second sector and those after it, where the code in the boot record finds it without
/// being told.
const BIOS: Loader = Loader {
    target: "i386-pc",
    modules: GRUB_BIOS,
    prefix: "(,msdos1)/boot/grub",
    readers: &["biosdisk", "fat", "part_msdos"],
};

/// Checks that the disk could be made.
pub(super) fn check(plan: &Plan) -> Result<(), Diagnostic> {
    GRUB_BIOS_BOOT.require()?;
    BIOS.check()?;
    grub::check(plan)
}

/// Makes the disk.
pub(super) fn make(
    plan: &Plan,
    app: &App,
    image: &Path,
    to: &Path,
    scratch: &Path,
) -> Result<(), Diagnostic> {
    let [bios, uefi, volume] = ["bios", "uefi", "volume"].map(|name| scratch.join(name));
    BIOS.make(&bios)?;
    grub::UEFI.make(&uefi)?;
    let configuration = grub::configuration(plan, app)?;
    let configuration = write(scratch.join("grub.cfg"), configuration)?;
    let files: [(&Path, &str); 3] = [
        (&uefi, grub::UEFI_LOADER),
        (&configuration, grub::CONFIGURATION),
        (image, &grub::image(app)),
    ];
    fat::make(&volume, FIRST, &files)?;

    let read = |path: &Path| checked(path, fs::read(path));
    let (boot, bios) = (read(&GRUB_BIOS_BOOT.require()?)?, read(&bios)?);
    let mut disk = front(&boot, &bios, read(&volume)?.len())?;
    disk.extend(read(&volume)?);
    write(to.to_owned(), disk).map(drop)
}

/// What is in front of a volume of `size` bytes.
fn front(boot: &[u8], bios: &[u8], size: usize) -> Result<Vec<u8>, Diagnostic> {
    let mut front = vec![0; FIRST as usize * SECTOR];
    if boot.len() != SECTOR || SECTOR + bios.len() > front.len() {
        let message = "GRUB's loader for BIOS does not fit in front of a volume";
        return Err(Diagnostic::new(message));
    }
    front[..SECTOR].copy_from_slice(boot);
    front[SECTOR..][..bios.len()].copy_from_slice(bios);
    front[NUMBER..][..4].copy_from_slice(b"RUMP");
    let [first, sectors] = [FIRST, (size / SECTOR) as u32].map(u32::to_le_bytes);
    let entry = [&[ACTIVE][..], &FAR, &[UEFI_SYSTEM], &FAR, &first, &sectors];
    let entry = entry.concat();
    // GRUB has something of its own there, for disks that have no table.
    front[TABLE].fill(0);
    front[TABLE][..entry.len()].copy_from_slice(&entry);
    Ok(front)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_record_names_the_volume() {
        let mut boot = vec![7; SECTOR];
        boot[510..].copy_from_slice(&[0x55, 0xaa]);
        let front = front(&boot, &[9; 700], 3 << 20).unwrap();
        assert_eq!(front.len(), 1 << 20);
        assert_eq!(front[..NUMBER], boot[..NUMBER]);
        let entry = [
            0x80, 0xfe, 0xff, 0xff, 0xef, 0xfe, 0xff, 0xff, 0, 8, 0, 0, 0, 24, 0, 0,
        ];
        assert_eq!(front[TABLE][..16], entry);
        assert_eq!(front[TABLE][16..], [0; 48]);
        assert_eq!(front[TABLE.end..SECTOR], [0x55, 0xaa]);
        assert_eq!(front[SECTOR..][..701], [[9; 700].as_slice(), &[0]].concat());
    }

    #[test]
    fn a_loader_that_is_too_large_is_refused() {
        assert!(front(&[0; SECTOR], &vec![0; 1 << 20], 0).is_err());
        assert!(front(&[0; SECTOR - 1], &[], 0).is_err());
    }
}
