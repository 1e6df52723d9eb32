//! From names to things: what the request names is looked up in the catalogue.

mod app;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Spanned};
use crate::manifest::{Catalogue, Component, Package, Platform};
use crate::nearest;
use crate::plan::ImageFormat;
use crate::request::Request;

/// A request whose names all mean something.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The platform.
    pub platform: &'a Platform,
    /// The components asked for, in the order given, and where.
    pub asked: Vec<(&'a Component, &'a Place)>,
    /// The components to be left out, and where that is said.
    pub without: BTreeMap<&'a str, &'a Place>,
    /// The application's package.
    pub app: Option<Package>,
    /// The Rust target asked for, where it is not the one the platform prefers.
    pub target: Option<&'a str>,
    /// The formats of the image that are asked for.
    pub formats: BTreeSet<ImageFormat>,
}

/// Looks up everything the request names.
///
/// # Errors
/// Every name that means nothing or the wrong thing.
pub fn select<'a>(
    request: &'a Request,
    catalogue: &'a Catalogue,
) -> Result<Selection<'a>, Diagnostics> {
    let mut found = Diagnostics::default();
    let platform = keep(platform(request, catalogue), &mut found);
    let mut asked = Vec::new();
    for name in &request.components {
        asked.extend(keep(component(name, catalogue), &mut found).map(|it| (it, &name.place)));
    }
    let app = request.app.as_ref();
    let app = app.and_then(|folder| keep(app::package(folder, catalogue), &mut found));
    // The application that is not there may name them.
    if request.components.is_empty() && app.is_some() == request.app.is_some() {
        let known = nearest::list(catalogue.components.keys());
        let help = format!("name them with `--components`, or in a rump.toml; there are {known}");
        found.push(Diagnostic::new("no components were asked for").help(help));
    }
    let mut without = BTreeMap::new();
    for name in &request.without {
        let Some(component) = keep(component(name, catalogue), &mut found) else {
            continue;
        };
        if let Some((_, place)) = asked
            .iter()
            .find(|(asked, _)| asked.name.value == name.value)
        {
            let message = format!("`{}` is both asked for and left out", name.value);
            let diagnostic = Diagnostic::new(message).primary(&name.place, "left out");
            found.push(diagnostic.also(place, "asked for"));
        }
        without.insert(&*component.name.value, &name.place);
    }
    let target = platform.and_then(|platform| {
        let name = request.target.as_ref()?;
        keep(target(name, platform), &mut found).flatten()
    });
    let mut formats = BTreeSet::new();
    for name in platform.iter().flat_map(|_| &request.formats) {
        formats.extend(platform.and_then(|platform| keep(format(name, platform), &mut found)));
    }
    let files = [
        (&request.name, "a configuration", "folder"),
        (&request.program, "a program", "file"),
    ];
    for (name, whose, names) in files {
        if let Some(name) = name {
            check_name(name, whose, names, &mut found);
        }
    }
    match platform {
        Some(platform) => found.finish(Selection {
            platform,
            asked,
            without,
            app,
            target,
            formats,
        }),
        None => Err(found),
    }
}

fn keep<T>(result: Result<T, Diagnostic>, found: &mut Diagnostics) -> Option<T> {
    result.map_err(|diagnostic| found.push(diagnostic)).ok()
}

fn platform<'a>(request: &Request, catalogue: &'a Catalogue) -> Result<&'a Platform, Diagnostic> {
    let known = catalogue.platforms.keys().map(String::as_str);
    let Some(name) = &request.platform else {
        let default = catalogue
            .platforms
            .values()
            .find(|platform| platform.default.is_some());
        return default.ok_or_else(|| {
            let help = format!("name one with `--platform`: {}", nearest::list(known));
            Diagnostic::new("no platform was asked for, and none is the default").help(help)
        });
    };
    catalogue.platforms.get(&name.value).ok_or_else(|| {
        let help = nearest::advice(&name.value, "platforms", known);
        let message = format!("there is no platform `{}`", name.value);
        Diagnostic::new(message).primary(&name.place, "").help(help)
    })
}

/// A platform's images can be compiled for several targets; its libraries are for the host.
fn target<'a>(
    name: &'a Spanned<String>,
    platform: &Platform,
) -> Result<Option<&'a str>, Diagnostic> {
    let at = |message: String| Diagnostic::new(message).primary(&name.place, "");
    let Some(image) = &platform.image else {
        let platform = &platform.name.value;
        let message = format!("the platform `{platform}` is built for the host alone");
        return Err(at(message).help("leave out `--target`"));
    };
    let known = image.targets.iter().map(|target| &*target.value);
    if let Some(index) = known.clone().position(|target| target == name.value) {
        return Ok((index > 0).then_some(&*name.value));
    }
    let message = format!(
        "the platform `{}` cannot be compiled for `{}`",
        platform.name.value, name.value
    );
    Err(at(message).help(nearest::advice(&name.value, "targets", known)))
}

/// A format that the platform's images can be had in.
fn format(name: &Spanned<String>, platform: &Platform) -> Result<ImageFormat, Diagnostic> {
    let known = platform.image.iter().flat_map(|image| &image.formats);
    let known = ImageFormat::NAMES
        .iter()
        .filter(|(_, format)| known.clone().any(|known| known == format));
    if let Some((_, format)) = known.clone().find(|(word, _)| *word == name.value) {
        return Ok(*format);
    }
    let platform = &platform.name.value;
    let message = format!(
        "the platform `{platform}` has no images of the format `{}`",
        name.value
    );
    let diagnostic = Diagnostic::new(message).primary(&name.place, "");
    Err(match known.clone().next() {
        Some(_) => {
            let known = known.map(|(word, _)| *word);
            diagnostic.help(nearest::advice(&name.value, "formats", known))
        }
        None => diagnostic.help("leave out `--image`, or choose another platform"),
    })
}

/// The component of that name.
///
/// # Errors
/// That there is none, and what was probably meant.
pub fn component<'a>(
    name: &Spanned<String>,
    catalogue: &'a Catalogue,
) -> Result<&'a Component, Diagnostic> {
    if let Some(component) = catalogue.components.get(&name.value) {
        return Ok(component);
    }
    let at = |message: String| Diagnostic::new(message).primary(&name.place, "");
    if catalogue.capabilities.contains_key(&name.value) {
        let providers = catalogue
            .providers(&name.value)
            .map(|provider| &provider.name.value);
        let providers = nearest::list(providers);
        let diagnostic = at(format!("`{}` is a capability, not a component", name.value));
        return Err(match providers.is_empty() {
            true => diagnostic.help("no component provides it"),
            false => diagnostic.help(format!("it is provided by {providers}")),
        });
    }
    if catalogue.platforms.contains_key(&name.value) {
        let diagnostic = at(format!("`{}` is a platform, not a component", name.value));
        return Err(diagnostic.help(format!("name it with `--platform {}`", name.value)));
    }
    let known = catalogue.components.keys().map(String::as_str);
    let help = nearest::advice(&name.value, "components", known);
    Err(at(format!("there is no component `{}`", name.value)).help(help))
}

/// The names of a configuration and of its program are those of a folder and of a file.
fn check_name(name: &Spanned<String>, whose: &str, names: &str, found: &mut Diagnostics) {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.value.is_empty() || !name.value.chars().all(good) {
        let message = format!("`{}` cannot be the name of {whose}", name.value);
        let help = format!("it names a {names}: letters, digits, `-` and `_`");
        found.push(Diagnostic::new(message).primary(&name.place, "").help(help));
    }
}
