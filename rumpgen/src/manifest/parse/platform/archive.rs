//! What an archive leaves to a host in C.

use std::collections::BTreeMap;

use super::super::super::reader::Reader;
use crate::diagnostic::{Diagnostic, Place, Spanned};
use crate::plan::Artifact;

/// Reads `imports`: the groups a host in C implements. `artifacts` is what the platform is built into and
/// where it says so, `offers` are the groups its crate implements.
pub(super) fn read(
    top: &mut Reader<'_>,
    artifacts: &BTreeMap<Artifact, Place>,
    offers: &[Spanned<String>],
) -> Vec<Spanned<String>> {
    let imports = top.texts("imports");
    match (artifacts.get(&Artifact::Archive), imports.first()) {
        (None, Some(first)) => {
            let message = "only an archive can leave hypercalls to a host in C";
            let diagnostic = Diagnostic::new(message).primary(&first.place, "");
            top.report(diagnostic.help("say `artifacts = [\"archive\"]`, or leave `imports` out"));
        }
        (Some(place), None) => {
            let message = "an archive leaves hypercalls to a host in C, and none are named";
            let diagnostic = Diagnostic::new(message).primary(place, "");
            top.report(diagnostic.help("name their groups: `imports = […]`"));
        }
        (Some(place), Some(_)) if artifacts.len() > 1 => {
            let message = "what lacks a host is built into an archive alone";
            let diagnostic = Diagnostic::new(message).primary(place, "");
            top.report(diagnostic.help("leave out the other kinds of artifact"));
        }
        _ => {}
    }
    for group in &imports {
        if let Some(offered) = offers.iter().find(|other| other.value == group.value) {
            let message = format!(
                "two implement `{}`: the crate, and a host in C",
                group.value
            );
            let diagnostic = Diagnostic::new(message).primary(&group.place, "");
            top.report(diagnostic.also(&offered.place, "the crate"));
        }
    }
    imports
}
