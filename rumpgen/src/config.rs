//! `rump.toml`: a configuration beside an application.
//!
//! It says what the command line would say otherwise, and what is known of the application: how it is started,
//! what it serves, what is expected of it. Its paths are relative to its own folder.

mod expect;

use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::{self, Diagnostic, Diagnostics, Source, Spanned};
use crate::manifest::load::Root;
use crate::manifest::reader::{Document, Reader};
use crate::plan::Origin;
use crate::request::{Setting, absolute};

pub use expect::Expect;

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
    /// What the application's program is called.
    pub program: Option<Spanned<String>>,
    /// What is known of the application.
    pub about: About,
}

/// What is known of an application, and has no part in how it is built.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Its arguments, unless the command line has any.
    pub arguments: Vec<String>,
    /// The TCP ports it serves.
    pub ports: Vec<u16>,
    /// What it is expected to do.
    pub expect: Option<Expect>,
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
        program: top.text("program"),
        about: About {
            arguments: words(&mut top),
            ports: ports(&mut top),
            expect: expect::read(&mut top),
        },
    };
    top.finish();
    config
}

fn words(top: &mut Reader<'_>) -> Vec<String> {
    let words = top.words("arguments").into_iter();
    words.map(|word| word.value).collect()
}

fn ports(top: &mut Reader<'_>) -> Vec<u16> {
    let mut ports = Vec::new();
    for text in top.scalars("ports") {
        match text.value.parse() {
            Ok(0) | Err(_) => {
                let message = format!("`{}` is no port", text.value);
                let diagnostic = Diagnostic::new(message).primary(&text.place, "");
                top.report(diagnostic.help("it is a number from 1 to 65535"));
            }
            Ok(port) => ports.push(port),
        }
    }
    ports
}
