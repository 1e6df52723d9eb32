//! The manifest of a platform.

mod archive;
mod image;
mod run;

use std::collections::BTreeMap;

use super::super::load::Root;
use super::super::reader::Reader;
use super::super::{Defaults, Platform};
use super::{code, name, summary};
use crate::diagnostic::{Diagnostic, Place, Spanned};
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
    let artifacts = choices(&mut top, "artifacts", "kind of artifact", ARTIFACTS);
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

/// A list of words that each mean something, and where they stand. `what` is what each of them is.
fn choices<T: Copy + Ord>(
    table: &mut Reader<'_>,
    key: &'static str,
    what: &str,
    known: &[(&'static str, T)],
) -> BTreeMap<T, Place> {
    let mut chosen = BTreeMap::new();
    for text in table.texts(key) {
        match known.iter().find(|(word, _)| *word == text.value) {
            Some((_, value)) => drop(chosen.insert(*value, text.place)),
            None => {
                let message = format!("`{}` is no {what}", text.value);
                let known = known.iter().map(|(word, _)| *word);
                let help = nearest::advice(&text.value, "words", known);
                table.report(Diagnostic::new(message).primary(&text.place, "").help(help));
            }
        }
    }
    chosen
}
