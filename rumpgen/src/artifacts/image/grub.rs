//! The boot loader of disks: GRUB, put together from the modules that its packages install.
//!
//! It loads the image by Multiboot2, from BIOS and from UEFI alike, with no menu to wait in. Nothing of it is part
//! of the image, and where the parts go on a disk is the business of [`iso`](super::iso) and [`raw`](super::raw).

use std::path::Path;

use serde_json::json;

use super::{fat, timeless, words};
use crate::diagnostic::Diagnostic;
use crate::emit::template;
use crate::plan::{App, Plan};
use crate::tools::{self, GRUB_MKIMAGE, Tool};

/// Where files are on the volume that the loader reads.
pub(super) const CONFIGURATION: &str = "boot/grub/grub.cfg";
/// Where UEFI looks for a loader on any volume (UEFI specification 2.10, 3.5.1.1).
pub(super) const UEFI_LOADER: &str = "EFI/BOOT/BOOTX64.EFI";

/// What every loader has to have in it.
const MODULES: [&str; 4] = ["multiboot2", "normal", "serial", "test"];

/// A form of the loader.
pub(super) struct Loader {
    /// What it is started by, in GRUB's words.
    pub(super) target: &'static str,
    /// A file of the modules for that.
    pub(super) modules: Tool,
    /// Where it finds its configuration's folder: the volume, if it is not the one that it came from, and the path.
    pub(super) prefix: &'static str,
    /// The modules that read that volume.
    pub(super) readers: &'static [&'static str],
}

/// For UEFI, on a FAT volume with all the rest. Where that is the one behind a CD, it finds itself on the CD.
pub(super) const UEFI: Loader = Loader {
    target: "x86_64-efi",
    modules: tools::GRUB_UEFI,
    prefix: "/boot/grub",
    readers: &["fat", "iso9660", "part_msdos"],
};

impl Loader {
    /// Checks that it could be made.
    pub(super) fn check(&self) -> Result<(), Diagnostic> {
        self.modules.require()?;
        GRUB_MKIMAGE.require().map(drop)
    }

    /// Makes it.
    pub(super) fn make(&self, to: &Path) -> Result<(), Diagnostic> {
        let mut command = timeless(&GRUB_MKIMAGE)?;
        command.args(["-O", self.target, "-p", self.prefix, "-o"]);
        command.arg(to).args(self.readers).args(MODULES);
        tools::run(&mut command).map(drop)
    }
}

/// Checks that a volume with all that firmware and the loader read could be made.
pub(super) fn check(plan: &Plan) -> Result<(), Diagnostic> {
    UEFI.check()?;
    fat::check()?;
    let app = plan.request.app.as_ref();
    app.map_or(Ok(()), |app| configuration(plan, app).map(drop))
}

/// Where the image is on the volume.
pub(super) fn image(app: &App) -> String {
    format!("boot/{}", app.image())
}

/// What the loader is told: to boot the image at once.
///
/// # Errors
/// Words that it would change.
pub(super) fn configuration(plan: &Plan, app: &App) -> Result<String, Diagnostic> {
    let words = words(plan).into_iter().map(quoted);
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let data = json!({ "title": app.program, "image": image(app), "words": words });
    Ok(template::render("grub.cfg", &data))
}

/// A word as GRUB's shell has it. What the shell hands on to an image are words in between spaces; those with
/// spaces in quotes, but what is between these with backslashes of its own.
fn quoted(word: String) -> Result<String, Diagnostic> {
    let odd = |c: char| "'\"\\".contains(c) || c.is_control() || c.is_whitespace() && c != ' ';
    if word.is_empty() || word.contains(odd) {
        let message = format!("GRUB cannot hand on the word `{}`", word.escape_debug());
        let help = "it can have spaces in it, but neither quotes nor backslashes, and not be empty";
        return Err(Diagnostic::new(message).help(help));
    }
    Ok(format!("'{word}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_or_refused() {
        assert_eq!(quoted("a $b=c".to_owned()).unwrap(), "'a $b=c'");
        for word in ["", "it's", "a\"b", "a\\b", "a\tb", "a\nb", "a\u{a0}b"] {
            assert!(quoted(word.to_owned()).is_err(), "{word:?}");
        }
    }
}
