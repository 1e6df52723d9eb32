//! The manifest of a platform.

mod archive;
mod image;
mod run;

use std::collections::BTreeMap;

use super::super::load::Root;
use super::super::reader::Reader;
use super::super::{Defaults, Platform};
use super::{code, name, summary};
use crate::diagnostic::Diagnostic;
use crate::nearest;
use crate::plan::Artifact;

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
        artifacts: artifacts.into_keys().collect(),
        defaults,
        image,
        run,
    })
}
