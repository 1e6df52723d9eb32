//! `rump.toml`: a configuration beside an application.
//!
//! It says what the command line would say otherwise. Its paths are relative to its own folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::{self, Diagnostic, Diagnostics, Source, Spanned};
use crate::manifest::load::Root;
use crate::manifest::reader::{Document, Reader};
use crate::plan::Origin;
use crate::request::{Setting, absolute};

/// The name of the file.
pub const FILE: &str = "rump.toml";

/// What a `rump.toml` says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Components to select.
    pub components: Vec<Spanned<String>>,
    /// Components to leave out.
    pub without: Vec<Spanned<String>>,
    /// The platform.
    pub platform: Option<Spanned<String>>,
    /// The Rust target.
    pub target: Option<Spanned<String>>,
    /// The application's folder.
    pub app: Option<Spanned<PathBuf>>,
    /// Values of parameters.
    pub params: Vec<Setting>,
    /// Folders of manifests.
    pub manifests: Vec<Root>,
    /// The configuration's name.
    pub name: Option<Spanned<String>>,
}

/// The file to read: the one named, or the one in the application's folder where there is one.
pub fn find(named: Option<&Path>, app: Option<&Path>) -> Option<PathBuf> {
    let beside = || {
        app.map(|folder| folder.join(FILE))
            .filter(|path| path.is_file())
    };
    named.map(Path::to_owned).or_else(beside)
}

/// Reads a `rump.toml`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &Path) -> Result<Config, Diagnostics> {
    let shown = diagnostic::display_path(path);
    let text = fs::read_to_string(path)
        .map_err(|error| Diagnostic::new(format!("cannot read {shown}: {error}")))?;
    let source = Source::new(shown, text);
    let document = Document::new(&source);
    let top = document.top("the configuration");
    let path = absolute(path);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let config = if document.is_clean() {
        keys(top, folder)
    } else {
        Config::default()
    };
    document.into_found().finish(config)
}

fn keys(mut top: Reader<'_>, folder: &Path) -> Config {
    let below = |path: Spanned<String>| Spanned {
        value: absolute(&folder.join(&path.value)),
        place: path.place,
    };
    let root = |path: Spanned<String>| Root {
        folder: absolute(&folder.join(&path.value)),
        base: folder.to_owned(),
        origin: Origin::OutOfTree,
        place: Some(path.place),
    };
    let params = top.named_scalars("params");
    let config = Config {
        components: top.texts("components"),
        without: top.texts("without"),
        platform: top.text("platform"),
        target: top.text("target"),
        app: top.text("app").map(below),
        params: params
            .into_iter()
            .map(|(name, value)| Setting { name, value })
            .collect(),
        manifests: top.texts("manifests").into_iter().map(root).collect(),
        name: top.text("name"),
    };
    top.finish();
    config
}
