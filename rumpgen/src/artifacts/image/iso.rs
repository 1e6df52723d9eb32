//! A CD that PCs boot from, which can be written to a disk as well.
//!
//! For BIOS, the loader and what it reads are files of the CD (El Torito, ISO 9660). For UEFI, there is a FAT volume
//! behind them with another loader in it: firmware reads no other. The volume has the same files, too, for then it
//! does not matter whether the loader was started from a CD or from a disk.

use std::fs;
use std::path::Path;

use super::super::{checked, create_parent};
use super::grub::{self, Loader};
use super::{fat, timeless, write};
use crate::diagnostic::Diagnostic;
use crate::plan::{App, Plan};
use crate::tools::{self, GRUB_BIOS, GRUB_BIOS_HYBRID, XORRISO};

/// Where the loader for BIOS is on the CD, and the catalogue of loaders that firmware reads.
const BIOS_LOADER: &str = "boot/bios.img";
const CATALOGUE: &str = "boot/boot.cat";
/// The time of everything on it.
const TIME: &str = "1980010100000000";

/// For BIOS.
const BIOS: Loader = Loader {
    target: "i386-pc-eltorito",
    modules: GRUB_BIOS,
    prefix: "/boot/grub",
    readers: &["biosdisk", "iso9660"],
};

/// Checks that the CD could be made.
pub(super) fn check(plan: &Plan) -> Result<(), Diagnostic> {
    GRUB_BIOS_HYBRID.require()?;
    BIOS.check()?;
    XORRISO.require()?;
    grub::check(plan)
}

/// Makes the CD.
pub(super) fn make(
    plan: &Plan,
    app: &App,
    image: &Path,
    to: &Path,
    scratch: &Path,
) -> Result<(), Diagnostic> {
    let tree = scratch.join("tree");
    let configuration = grub::configuration(plan, app)?;
    let configuration = write(tree.join(grub::CONFIGURATION), configuration)?;
    let copy = tree.join(grub::image(app));
    checked(&copy, fs::copy(image, &copy))?;
    let bios = tree.join(BIOS_LOADER);
    create_parent(&bios)?;
    BIOS.make(&bios)?;

    let [uefi, volume] = ["uefi", "volume"].map(|name| scratch.join(name));
    grub::UEFI.make(&uefi)?;
    let files: [(&Path, &str); 3] = [
        (&uefi, grub::UEFI_LOADER),
        (&configuration, grub::CONFIGURATION),
        (image, &grub::image(app)),
    ];
    fat::make(&volume, 0, &files)?;

    let mut command = timeless(&XORRISO)?;
    command.args(["-as", "mkisofs", "-quiet", "-r", "-V", "RUMP"]);
    command.args([
        &format!("--modification-date={TIME}"),
        "--set_all_file_dates",
        TIME,
    ]);
    command.args(["-c", CATALOGUE, "-b", BIOS_LOADER, "-no-emul-boot"]);
    command.args([
        "-boot-load-size",
        "4",
        "-boot-info-table",
        "--grub2-boot-info",
    ]);
    command.arg("--grub2-mbr").arg(GRUB_BIOS_HYBRID.require()?);
    command.args(["-append_partition", "2", "0xef"]).arg(volume);
    command.args(["-eltorito-alt-boot", "-no-emul-boot"]);
    command.args(["-e", "--interval:appended_partition_2:all::"]);
    tools::run(command.arg("-o").arg(to).arg(tree)).map(drop)
}
