//! What boots, and beside it the same with names and lines, for debuggers and traces; and the formats it was
//! asked for in.

mod fat;
mod grub;
mod iso;
mod oci;
mod raw;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Place, checked, create_parent, is_newer};
use crate::command_line;
use crate::diagnostic::Diagnostic;
use crate::plan::{App, At, ImageFormat, Plan};
use crate::tools::{self, OBJCOPY, Tool};

/// Says early what would fail only after everything is compiled.
pub(super) fn check(plan: &Plan) -> Result<(), Diagnostic> {
    for format in &plan.request.formats {
        match format {
            ImageFormat::Iso => iso::check(plan)?,
            ImageFormat::Oci => {}
            ImageFormat::Raw => raw::check(plan)?,
        }
    }
    Ok(())
}

/// Hands over the program that was linked.
pub(super) fn collect(
    place: &mut Place<'_>,
    linked: &Path,
    plan: &Plan,
    app: &App,
) -> Result<(), Diagnostic> {
    let image = place.folder.join(app.image());
    if !is_newer(&image, linked) {
        create_parent(&image)?;
        // Put in place by renaming, so that a machine that has the old one open keeps it.
        let new = image.with_extension("new");
        let mut strip = Command::new(OBJCOPY.require()?);
        tools::run(strip.arg("--strip-all").arg(linked).arg(&new))?;
        checked(&image, fs::rename(&new, &image))?;
    }
    place.record(image.clone())?;
    place.copy(linked, &app.symbols())?;
    for format in &plan.request.formats {
        match format {
            ImageFormat::Iso => formatted(place, app, "iso", |to, scratch| {
                iso::make(plan, app, &image, to, scratch)
            })?,
            ImageFormat::Oci => oci::collect(place, plan, app, &image)?,
            ImageFormat::Raw => formatted(place, app, "raw", |to, scratch| {
                raw::make(plan, app, &image, to, scratch)
            })?,
        }
    }
    Ok(())
}

/// Has a file made, in a folder that is gone afterwards, and puts it in place.
fn formatted(
    place: &mut Place<'_>,
    app: &App,
    extension: &str,
    make: impl FnOnce(&Path, &Path) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let file = place.folder.join(format!("{}.{extension}", app.program));
    let scratch = file.with_added_extension("scratch");
    if scratch.exists() {
        checked(&scratch, fs::remove_dir_all(&scratch))?;
    }
    checked(&scratch, fs::create_dir_all(&scratch))?;
    let new = scratch.join("whole");
    make(&new, &scratch)?;
    checked(&file, fs::rename(&new, &file))?;
    checked(&scratch, fs::remove_dir_all(&scratch))?;
    place.record(file)
}

/// The words of the command line that the image is booted with in every format: parameters that were set, and the
/// application's arguments.
fn words(plan: &Plan) -> Vec<String> {
    let at_boot = plan.params.iter().filter(|param| param.at == At::Boot);
    let set = at_boot.filter_map(|param| Some((&*param.name, param.value.as_deref()?)));
    command_line::words(set, &plan.request.arguments)
}

/// A program that writes times into what it makes, and is told one: the first that FAT knows.
fn timeless(tool: &Tool) -> Result<Command, Diagnostic> {
    let mut command = Command::new(tool.require()?);
    command.envs([("SOURCE_DATE_EPOCH", "315532800"), ("TZ", "UTC")]);
    Ok(command)
}

fn write(path: PathBuf, bytes: impl AsRef<[u8]>) -> Result<PathBuf, Diagnostic> {
    create_parent(&path)?;
    checked(&path, fs::write(&path, bytes))?;
    Ok(path)
}
