//! What boots, and beside it the same with names and lines, for debuggers and traces.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Place, checked, create_parent, is_newer};
use crate::diagnostic::Diagnostic;
use crate::plan::App;
use crate::tools::{self, OBJCOPY};

/// Hands over the program that was linked.
pub(super) fn collect(place: &mut Place<'_>, linked: &Path, app: &App) -> Result<(), Diagnostic> {
    let image = place.folder.join(app.image());
    if !is_newer(&image, linked) {
        create_parent(&image)?;
        // Put in place by renaming, so that a machine that has the old one open keeps it.
        let new = image.with_extension("new");
        let mut strip = Command::new(OBJCOPY.require()?);
        tools::run(strip.arg("--strip-all").arg(linked).arg(&new))?;
        checked(&image, fs::rename(&new, &image))?;
    }
    place.record(image)?;
    place.copy(linked, &app.symbols())
}
