//! The manifest of a platform.

mod archive;
mod image;
mod run;

use std::collections::BTreeMap;

use super::super::load::Root;
use super::super::reader::Reader;
use super::super::{Defaults, Platform};
use super::{code, name, summary};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::nearest;
use crate::plan::Artifact;

/// The hypercall group that opens links of the host.
const LINKS: &str = "frames";

const ARTIFACTS: &[(&str, Artifact)] = &[
    ("library", Artifact::Library),
    ("archive", Artifact::Archive),
    ("image", Artifact::Image),
];

pub(super) fn read(mut top: Reader<'_>, root: &Root) -> Option<Platform> {
    let name = name(&mut top);
    let summary = summary(&mut top, "summary");
    let code = code(&mut top, root, name.as_ref());
    let default = top
        .flag("default")
        .filter(|flag| flag.value)
        .map(|flag| flag.place);
    let offers = top.texts("offers");
    let mut artifacts = BTreeMap::new();
    for artifact in top.texts("artifacts") {
        match ARTIFACTS.iter().find(|(word, _)| *word == artifact.value) {
            Some((_, kind)) => drop(artifacts.insert(*kind, artifact.place)),
            None => {
                let message = format!("`{}` is no kind of artifact", artifact.value);
                let known = ARTIFACTS.iter().map(|(word, _)| *word);
                let help = nearest::advice(&artifact.value, "kinds", known);
                top.report(
                    Diagnostic::new(message)
                        .primary(&artifact.place, "")
                        .help(help),
                );
            }
        }
    }
    let imports = archive::read(&mut top, &artifacts, &offers);
    let links = links(&mut top, [&offers, &imports]);
    let image = image::read(&mut top, artifacts.get(&Artifact::Image), code.as_ref());
    let run = run::read(&mut top, artifacts.contains_key(&Artifact::Image));
    let defaults = top
        .named_texts("defaults")
        .into_iter()
        .map(|(capability, providers)| {
            (
                capability.value.clone(),
                Defaults {
                    capability,
                    providers,
                },
            )
        });
    let defaults = defaults.collect();
    top.finish();
    Some(Platform {
        name: name?,
        summary: summary?,
        code: code?,
        origin: root.origin,
        default,
        offers,
        imports,
        links,
        artifacts: artifacts.into_keys().collect(),
        defaults,
        image,
        run,
    })
}

/// Reads `links`: the schemes of links that can be opened, by whoever implements the groups.
fn links(top: &mut Reader<'_>, groups: [&[Spanned<String>]; 2]) -> Vec<Spanned<String>> {
    let links = top.texts("links");
    let opens = groups.iter().copied().flatten().any(|it| it.value == LINKS);
    if let Some(first) = links.first().filter(|_| !opens) {
        let message = format!("links are opened by the group `{LINKS}`, which is not offered");
        let diagnostic = Diagnostic::new(message).primary(&first.place, "");
        top.report(diagnostic.help(format!("offer `{LINKS}`, or leave `links` out")));
    }
    links
}
