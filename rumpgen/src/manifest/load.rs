//! From folders of TOML files to manifests, each correct by itself.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::parse::{self, Manifest};
use crate::diagnostic::{self, Diagnostic, Diagnostics, Place, Source};
use crate::plan::Origin;

/// A folder of manifests.
#[derive(Clone, Debug)]
pub struct Root {
    /// The folder; every `.toml` file at any depth below it is a manifest.
    pub folder: PathBuf,
    /// What the crates named in it are relative to.
    pub base: PathBuf,
    /// Whose it is.
    pub origin: Origin,
    /// Where it was asked for, if it was.
    pub place: Option<Place>,
}

/// Reads all manifests of all roots, in the order of their paths.
///
/// # Errors
/// Everything that is wrong with a file by itself: syntax, keys, types, the crate it names.
pub fn load(roots: &[Root]) -> Result<Vec<Manifest>, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut manifests = Vec::new();
    for root in roots {
        for path in files(root, &mut found) {
            match fs::read_to_string(&path) {
                Ok(text) => {
                    let source = Source::new(diagnostic::display_path(&path), text);
                    match parse::parse(&source, root) {
                        Ok(manifest) => manifests.push(manifest),
                        Err(mistakes) => found.extend(mistakes),
                    }
                }
                Err(error) => found.push(unreadable(&path, &error.to_string())),
            }
        }
    }
    found.finish(manifests)
}

fn files(root: &Root, found: &mut Diagnostics) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in WalkDir::new(&root.folder).sort_by_file_name() {
        match entry {
            Ok(entry) => {
                let toml = entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "toml");
                if toml && entry.file_type().is_file() {
                    files.push(entry.into_path());
                }
            }
            Err(error) => {
                let path = error.path().unwrap_or(&root.folder);
                let why = error
                    .io_error()
                    .map_or_else(|| error.to_string(), ToString::to_string);
                let diagnostic = unreadable(path, &why);
                found.push(match &root.place {
                    Some(place) => diagnostic.primary(place, "asked for here"),
                    None => diagnostic,
                });
            }
        }
    }
    files
}

fn unreadable(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::new(format!(
        "cannot read {}: {why}",
        diagnostic::display_path(path)
    ))
}
