//! The application, which is named by its folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::diagnostic::{Diagnostic, Place, Spanned, display_path};
use crate::manifest::{Catalogue, Package};
use crate::nearest;

/// The package in the folder of an application.
pub(super) fn package(
    folder: &Spanned<PathBuf>,
    catalogue: &Catalogue,
) -> Result<Package, Diagnostic> {
    let package = Package::read(&folder.value).map_err(|why| {
        Diagnostic::new(format!("the application is no crate: {why}"))
            .primary(&folder.place, "")
            .maybe_help(advice(&folder.value))
    })?;
    own_name(&folder.place, package, catalogue)
}

/// What was probably meant by a folder that is no crate: the crate of nearly the same name where it would be,
/// or one of those in it.
fn advice(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|path| path.is_dir())?;
    let crates = crates(there);
    if there == folder {
        let crates = nearest::list(crates.iter().map(|path| display_path(path)));
        return (!crates.is_empty()).then(|| format!("crates in it: {crates}"));
    }
    let last = |path: &Path| path.file_name().and_then(OsStr::to_str).map(str::to_owned);
    let names: Vec<String> = crates.iter().filter_map(|path| last(path)).collect();
    let name = last(folder)?;
    let near = nearest::nearest(&name, names.iter().map(String::as_str))?;
    let meant = crates.iter().find(|path| path.ends_with(near))?;
    Some(format!("did you mean `{}`?", display_path(meant)))
}

/// The folders of crates in a folder and in those in it, sorted.
fn crates(folder: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(folder)
        .min_depth(1)
        .max_depth(2)
        .sort_by_file_name();
    let paths = entries
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path);
    paths
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect()
}

/// The application stands beside the components in the tailored workspace.
fn own_name(place: &Place, package: Package, catalogue: &Catalogue) -> Result<Package, Diagnostic> {
    let component = catalogue
        .components
        .get(&package.name)
        .map(|it| &it.name.place);
    let platform = catalogue
        .platforms
        .get(&package.name)
        .map(|it| &it.name.place);
    match component.or(platform) {
        None => Ok(package),
        Some(other) => {
            let message = format!("the application is called `{}`, and so is", package.name);
            let what = if component.is_some() {
                "a component"
            } else {
                "a platform"
            };
            Err(Diagnostic::new(format!("{message} {what}"))
                .primary(place, "this application")
                .also(other, what)
                .help("give its package another name"))
        }
    }
}
