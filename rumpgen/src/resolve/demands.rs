//! What a finished selection has to fulfil.

use super::Resolution;
use crate::diagnostic::{Diagnostic, Diagnostics, Spanned};
use crate::manifest::{Capability, Component};
use crate::nearest;
use crate::plan::{Arity, Artifact, Reason};
use crate::select::Selection;

/// The hypercall group that the C interface stands on: who calls, and the error of the last call.
const C_INTERFACE: &str = "tls";

pub(super) fn check(resolution: &Resolution<'_>, found: &mut Diagnostics) {
    let mut missing: Vec<&str> = Vec::new();
    for component in resolution.components() {
        for name in &component.requires {
            if missing.contains(&&*name.value) {
                continue;
            }
            let problem = match resolution.catalogue.capabilities.get(&name.value) {
                Some(_) if resolution.providers(&name.value).next().is_some() => None,
                Some(capability) => Some(no_provider(resolution, component, name, capability)),
                None => left_out(resolution, component, name),
            };
            if let Some(problem) = problem {
                missing.push(&name.value);
                found.push(problem);
            }
        }
        for group in &component.needs {
            if !resolution.platform.offers(&group.value) {
                found.push(no_group(resolution, component, group));
            }
        }
        for other in &component.conflicts {
            // Where both say it, the first in name order reports it.
            let mutual = resolution.selected.get(&*other.value).is_some_and(|other| {
                other
                    .component
                    .conflicts
                    .iter()
                    .any(|back| back.value == component.name.value)
            });
            let first = !mutual || component.name.value < other.value;
            if first && resolution.selected.contains_key(&*other.value) {
                found.push(conflict(resolution, component, other));
            }
        }
    }
    for capability in resolution.catalogue.capabilities.values() {
        if capability.arity == Arity::One {
            found.extend(rivals(resolution, capability));
        }
    }
}

/// A library has a C interface, which leans on the platform as components do.
pub(super) fn c_interface(selection: &Selection<'_>) -> Option<Diagnostic> {
    let platform = selection.platform;
    let mut kinds = platform.artifacts.iter();
    let library = kinds.any(|kind| matches!(kind, Artifact::Library | Artifact::Archive));
    if !library || selection.app.is_some() || platform.offers(C_INTERFACE) {
        return None;
    }
    let name = &platform.name.value;
    let message = format!(
        "the platform `{name}` does not offer `{C_INTERFACE}`, which the C interface of a library needs"
    );
    let label = "makes libraries, and does not offer it";
    let help = "implement the group and add it to `offers`, or make no library: `artifacts = []`";
    let diagnostic = Diagnostic::new(message).primary(&platform.name.place, label);
    Some(diagnostic.help(help))
}

fn left_out(
    resolution: &Resolution<'_>,
    component: &Component,
    name: &Spanned<String>,
) -> Option<Diagnostic> {
    let place = resolution.without.get(&*name.value)?;
    let message = format!(
        "`{}` cannot be left out: `{}` requires it",
        name.value, component.name.value
    );
    let diagnostic = Diagnostic::new(message).primary(place, "left out").also(
        &name.place,
        format!("`{}` requires `{}`", component.name.value, name.value),
    );
    Some(resolution.explain(diagnostic, &component.name.value))
}

fn no_provider(
    resolution: &Resolution<'_>,
    component: &Component,
    name: &Spanned<String>,
    capability: &Capability,
) -> Diagnostic {
    let platform = &resolution.platform.name.value;
    let capability = &capability.name.value;
    let mut diagnostic = Diagnostic::new(format!("nothing provides `{capability}`")).primary(
        &name.place,
        format!(
            "`{}` requires the capability `{capability}`",
            component.name.value
        ),
    );
    for provider in resolution.defaults(capability) {
        if let Some(place) = resolution.without.get(provider) {
            let text = format!("the default provider on `{platform}` is left out");
            diagnostic = diagnostic.also(place, text);
        }
    }
    let diagnostic = resolution.explain(diagnostic, &component.name.value);
    let diagnostic = match resolution.defaults(capability).next() {
        None => diagnostic.note(format!(
            "the platform `{platform}` names no default provider"
        )),
        Some(_) => diagnostic,
    };
    diagnostic.help(resolution.could_provide(capability))
}

fn no_group(
    resolution: &Resolution<'_>,
    component: &Component,
    group: &Spanned<String>,
) -> Diagnostic {
    let platform = &resolution.platform.name.value;
    let name = &component.name.value;
    let message = format!(
        "the platform `{platform}` does not offer `{}`, which `{name}` needs",
        group.value
    );
    let diagnostic = Diagnostic::new(message)
        .primary(
            &group.place,
            format!("`{name}` needs the hypercall group `{}`", group.value),
        )
        .also(
            &resolution.platform.name.place,
            "not among what this platform offers",
        );
    let diagnostic = resolution.explain(diagnostic, name);
    let offering = resolution
        .catalogue
        .offering(&group.value)
        .map(|platform| &platform.name.value);
    let offering = nearest::list(offering);
    let diagnostic = diagnostic.help(match offering.is_empty() {
        true => "no platform offers it".to_owned(),
        false => format!("platforms that offer it: {offering}"),
    });
    let free = resolution.selected[&**name].reasons.iter().all(|it| {
        matches!(
            it.reason,
            Reason::DefaultProvider { .. } | Reason::Auto { .. }
        )
    });
    if free {
        diagnostic.help(format!("or leave it out: `--without {name}`"))
    } else {
        diagnostic
    }
}

fn conflict(
    resolution: &Resolution<'_>,
    component: &Component,
    other: &Spanned<String>,
) -> Diagnostic {
    let name = &component.name.value;
    let message = format!(
        "`{name}` and `{}` cannot be in the same kernel",
        other.value
    );
    let diagnostic = Diagnostic::new(message).primary(&other.place, "this says so");
    let diagnostic = resolution.explain(diagnostic, name);
    resolution
        .explain(diagnostic, &other.value)
        .help("leave one of them out")
}

fn rivals(resolution: &Resolution<'_>, capability: &Capability) -> Option<Diagnostic> {
    let name = &capability.name.value;
    let rivals: Vec<&Component> = resolution.providers(name).collect();
    if rivals.len() < 2 {
        return None;
    }
    let names = nearest::list(rivals.iter().map(|rival| &rival.name.value));
    let message = format!("`{name}` takes one provider, and {names} are selected");
    let mut diagnostic =
        Diagnostic::new(message).primary(&capability.name.place, "declared here with arity one");
    for rival in rivals {
        diagnostic = resolution.explain(diagnostic, &rival.name.value);
    }
    Some(diagnostic.help("ask for one of them"))
}
