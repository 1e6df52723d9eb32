//! How a platform's images are compiled and linked.

use super::super::super::reader::Reader;
use super::super::super::{Crate, Image};
use super::choices;
use crate::diagnostic::{Diagnostic, Place};
use crate::plan::ImageFormat;

/// Reads `[image]`. `wanted` is where `artifacts` names images.
pub(super) fn read(
    top: &mut Reader<'_>,
    wanted: Option<&Place>,
    code: Option<&Crate>,
) -> Option<Image> {
    let Some(mut table) = top.table("image") else {
        if let Some(place) = wanted {
            let message = "a platform of images says how they are linked";
            let diagnostic = Diagnostic::new(message).primary(place, "");
            top.report(diagnostic.help("add a table `[image]` with `script` and `targets`"));
        }
        return None;
    };
    if wanted.is_none() {
        let message = "only a platform of images says how they are linked";
        let diagnostic = Diagnostic::new(message).primary(table.place(), "");
        table.report(diagnostic.help("add `image` to `artifacts`, or leave it out"));
    }
    let script = table.required_text("script");
    if let (Some(script), Some(code)) = (&script, code)
        && !code.folder.join(&script.value).is_file()
    {
        let message = format!("there is no linker script `{}`", script.value);
        let note = format!("the path is relative to the crate, {}", code.written.value);
        table.report(
            Diagnostic::new(message)
                .primary(&script.place, "")
                .note(note),
        );
    }
    let targets = table.texts("targets");
    if targets.is_empty() {
        let message = "an image is compiled for a Rust target";
        let diagnostic = Diagnostic::new(message).primary(table.place(), "");
        table.report(diagnostic.help("add `targets = […]`, the preferred one first"));
    }
    let rustflags = table.words("rustflags");
    let formats = choices(
        &mut table,
        "formats",
        "format of images",
        ImageFormat::NAMES,
    );
    table.finish();
    if targets.is_empty() {
        return None;
    }
    Some(Image {
        script: script?,
        targets,
        rustflags: rustflags.into_iter().map(|flag| flag.value).collect(),
        formats: formats.into_keys().collect(),
    })
}
