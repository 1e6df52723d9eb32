//! One file: its keys, their types, and what can be said about it without looking at others.

mod component;
mod platform;

use std::sync::Arc;

use super::load::Root;
use super::reader::{Document, Reader};
use super::{Component, Crate, Package, Platform, normal};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Spanned};
use crate::plan::Layer;

/// What a file describes.
#[derive(Clone, Debug)]
pub enum Manifest {
    /// A component.
    Component(Box<Component>),
    /// A platform.
    Platform(Box<Platform>),
}

#[derive(Clone, Copy)]
enum Kind {
    Component(Layer),
    Platform,
}

const KINDS: &[(&str, Kind)] = &[
    ("base", Kind::Component(Layer::Base)),
    ("faction", Kind::Component(Layer::Faction)),
    ("driver", Kind::Component(Layer::Driver)),
    ("platform", Kind::Platform),
];

/// Reads one file.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn parse(source: &Arc<Source>, root: &Root) -> Result<Manifest, Diagnostics> {
    let document = Document::new(source);
    let mut top = document.top("the manifest");
    let mut manifest = None;
    if document.is_clean()
        && let Some(kind) = top.required_word("layer", KINDS)
    {
        manifest = match kind.value {
            Kind::Component(layer) => {
                let layer = Spanned {
                    value: layer,
                    place: kind.place,
                };
                component::read(top, layer, root).map(|it| Manifest::Component(Box::new(it)))
            }
            Kind::Platform => platform::read(top, root).map(|it| Manifest::Platform(Box::new(it))),
        };
    }
    let found = document.into_found();
    match manifest {
        Some(manifest) => found.finish(manifest),
        None => Err(found),
    }
}

/// The manifest's name, which is also a package name, a cargo feature and part of symbols.
fn name(reader: &mut Reader<'_>) -> Option<Spanned<String>> {
    let name = reader.required_text("name")?;
    check_name(reader, "a name", &name);
    Some(name)
}

fn check_name(reader: &Reader<'_>, what: &str, name: &Spanned<String>) {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.value.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || name.value.ends_with('-') || !name.value.chars().all(letters) {
        let message = format!("`{}` cannot be {what}", name.value);
        let help = "it starts with a letter, and has only small letters, digits and `-`";
        reader.report(Diagnostic::new(message).primary(&name.place, "").help(help));
    }
}

/// A line that says what something is.
fn summary(reader: &mut Reader<'_>, key: &'static str) -> Option<String> {
    let text = reader.required_text(key)?;
    if text.value.contains('\n') {
        let message = format!("`{key}` is one line");
        reader.report(Diagnostic::new(message).primary(&text.place, ""));
    }
    Some(text.value)
}

/// The manifest's crate, which has to be there and to carry the manifest's name.
fn code(reader: &mut Reader<'_>, root: &Root, name: Option<&Spanned<String>>) -> Option<Crate> {
    let written = reader.required_text("crate")?;
    let folder = normal(&root.base.join(&written.value));
    let package = match Package::read(&folder) {
        Ok(package) => package,
        Err(why) => {
            let message = format!("`{}` is no crate: {why}", written.value);
            let base = crate::diagnostic::display_path(&root.base);
            let base = if base.is_empty() {
                ".".to_owned()
            } else {
                base
            };
            let note = format!("the path is relative to {base}");
            reader.report(
                Diagnostic::new(message)
                    .primary(&written.place, "")
                    .note(note),
            );
            return None;
        }
    };
    if let Some(name) = name.filter(|name| name.value != package.name) {
        let message = format!(
            "the manifest of `{}` names the crate of `{}`",
            name.value, package.name
        );
        let diagnostic = Diagnostic::new(message)
            .primary(
                &written.place,
                format!("this package is called `{}`", package.name),
            )
            .also(&name.place, "the manifest's name")
            .help("a manifest and its crate carry the same name");
        reader.report(diagnostic);
    }
    Some(Crate {
        written,
        folder,
        package,
    })
}
