//! What the user wants, gathered from the command line and from a `rump.toml`.
//!
//! The command line wins: `--components`, `--platform`, `--target`, `--app` and `--name` replace what the
//! file says, `--without` and `--manifests` add to it, `--param` replaces values of the same name.

use std::path::{Path, PathBuf};

use crate::config::{self, About, Config};
use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source, Spanned};
use crate::manifest::load::Root;
use crate::plan::{Origin, Profile};

/// The command line, as typed.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// `--components a,b`
    pub components: Option<String>,
    /// `--without a,b`
    pub without: Option<String>,
    /// `--platform NAME`
    pub platform: Option<String>,
    /// `--target TRIPLE`
    pub target: Option<String>,
    /// `--app FOLDER`
    pub app: Option<PathBuf>,
    /// `--param NAME=VALUE`, each time it was given.
    pub params: Vec<String>,
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// `--manifests FOLDER`, each time it was given.
    pub manifests: Vec<PathBuf>,
    /// `--name NAME`
    pub name: Option<String>,
    /// `--dev`
    pub dev: bool,
    /// `--image a,b`
    pub image: Option<String>,
    /// What follows `--`
    pub arguments: Vec<String>,
}

/// What a configuration shall be.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Components asked for by name.
    pub components: Vec<Spanned<String>>,
    /// Components to be left out.
    pub without: Vec<Spanned<String>>,
    /// The platform; the default one where there is none.
    pub platform: Option<Spanned<String>>,
    /// The Rust target; the one the platform prefers where there is none.
    pub target: Option<Spanned<String>>,
    /// The application's folder.
    pub app: Option<Spanned<PathBuf>>,
    /// Values of parameters, no name twice.
    pub params: Vec<Setting>,
    /// The configuration's name, where it is not to be made up.
    pub name: Option<Spanned<String>>,
    /// What the application's program is called, if not as its package.
    pub program: Option<Spanned<String>>,
    /// The cargo profile.
    pub profile: Profile,
    /// Formats of the image.
    pub formats: Vec<Spanned<String>>,
    /// The application's arguments in them.
    pub arguments: Vec<String>,
    /// What is known of the application.
    pub about: About,
}

/// The value of a parameter.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The parameter's name.
    pub name: Spanned<String>,
    /// Its value.
    pub value: Spanned<String>,
}

/// Where things are.
#[derive(Clone, Debug)]
pub struct Roots {
    /// The repository's root.
    pub repository: PathBuf,
    /// Folders of manifests.
    pub manifests: Vec<Root>,
}

impl Roots {
    /// The repository with its own manifests alone.
    pub fn new(repository: impl Into<PathBuf>) -> Self {
        let repository = repository.into();
        let own = Root {
            folder: repository.join("component-manifests"),
            base: repository.clone(),
            origin: Origin::InTree,
            place: None,
        };
        Roots {
            repository,
            manifests: vec![own],
        }
    }
}

/// Makes a request of a command line and of the `rump.toml` that it names, or that stands beside the
/// application it names.
///
/// # Errors
/// Arguments that cannot be read, and everything that is wrong with the `rump.toml`.
pub fn read(arguments: &Arguments, repository: &Path) -> Result<(Request, Roots), Diagnostics> {
    let mut found = Diagnostics::default();
    let config = match config::find(arguments.config.as_deref(), arguments.app.as_deref()) {
        Some(path) => config::read(&path)?,
        None => Config::default(),
    };
    let mut params = config.params;
    for text in &arguments.params {
        match setting(text) {
            Ok(setting) => {
                params.retain(|earlier| earlier.name.value != setting.name.value);
                params.push(setting);
            }
            Err(diagnostic) => found.push(diagnostic),
        }
    }
    let mut roots = Roots::new(repository);
    roots.manifests.extend(config.manifests);
    roots
        .manifests
        .extend(arguments.manifests.iter().map(|folder| manifests(folder)));
    let components = arguments
        .components
        .as_deref()
        .map(|text| list("--components", text));
    let mut without = config.without;
    without.extend(
        arguments
            .without
            .iter()
            .flat_map(|text| list("--without", text)),
    );
    let one = |option: &'static str, text: &Option<String>| {
        text.as_deref().map(|text| argument(option, text))
    };
    let app = arguments.app.as_ref().map(|folder| {
        let spanned = argument("--app", &folder.display().to_string());
        Spanned {
            value: absolute(folder),
            place: spanned.place,
        }
    });
    let formats = arguments.image.iter();
    let formats: Vec<_> = formats.flat_map(|text| list("--image", text)).collect();
    let request = Request {
        components: components.unwrap_or(config.components),
        without,
        platform: one("--platform", &arguments.platform).or(config.platform),
        target: one("--target", &arguments.target).or(config.target),
        app: app.or(config.app),
        params,
        name: one("--name", &arguments.name).or(config.name),
        program: config.program,
        profile: if arguments.dev {
            Profile::Dev
        } else {
            Profile::Release
        },
        arguments: match (&formats[..], &arguments.arguments[..]) {
            ([], _) => Vec::new(),
            (_, []) => config.about.arguments.clone(),
            (_, given) => given.to_vec(),
        },
        formats,
        about: config.about,
    };
    found.finish((request, roots))
}

/// The names in a comma-separated argument, each with its place; an empty one is no name.
pub fn list(option: &str, text: &str) -> Vec<Spanned<String>> {
    let whole = argument(option, text).place;
    let mut start = whole.span.start;
    let mut names: Vec<Spanned<String>> = Vec::new();
    for part in text.split(',') {
        let name = part.trim();
        let from = start + (part.len() - part.trim_start().len());
        let place = Place {
            source: whole.source.clone(),
            span: from..from + name.len(),
        };
        if !name.is_empty() && names.iter().all(|earlier| earlier.value != name) {
            names.push(Spanned {
                value: name.to_owned(),
                place,
            });
        }
        start += part.len() + 1;
    }
    names
}

/// An argument and its place on the command line.
pub fn argument(option: &str, text: &str) -> Spanned<String> {
    let source = Source::new("command line", format!("{option} {text}"));
    let span = option.len() + 1..source.text.len();
    Spanned {
        value: text.to_owned(),
        place: Place { source, span },
    }
}

fn setting(text: &str) -> Result<Setting, Diagnostic> {
    let whole = argument("--param", text);
    let Some((name, value)) = text.split_once('=') else {
        let diagnostic = Diagnostic::new("a parameter is set with `--param NAME=VALUE`");
        return Err(diagnostic.primary(&whole.place, "there is no `=`"));
    };
    let start = whole.place.span.start;
    let spanned = |text: &str, from: usize| Spanned {
        value: text.to_owned(),
        place: Place {
            source: whole.place.source.clone(),
            span: from..from + text.len(),
        },
    };
    Ok(Setting {
        name: spanned(name, start),
        value: spanned(value, start + name.len() + 1),
    })
}

fn manifests(folder: &Path) -> Root {
    let place = argument("--manifests", &folder.display().to_string()).place;
    let folder = absolute(folder);
    let base = folder.parent().unwrap_or(&folder).to_owned();
    Root {
        folder,
        base,
        origin: Origin::OutOfTree,
        place: Some(place),
    }
}

/// A path from the root on, without touching the disk; as it is where that cannot be had.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    crate::manifest::normal(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_know_where_they_stand() {
        let names = list("--components", "alpha, beta,,alpha");
        let shown: Vec<_> = names
            .iter()
            .map(|name| {
                (
                    &*name.value,
                    &name.place.source.text[name.place.span.clone()],
                )
            })
            .collect();
        assert_eq!(shown, [("alpha", "alpha"), ("beta", "beta")]);
    }

    #[test]
    fn a_value_may_contain_the_sign() {
        let setting = setting("greeting=a=b").expect("it has a name and a value");
        assert_eq!(
            (&*setting.name.value, &*setting.value.value),
            ("greeting", "a=b")
        );
        assert!(super::setting("greeting").is_err());
    }
}
