//! The names one manifest uses for others.

use super::super::{Capability, Catalogue, Component, Platform};
use crate::diagnostic::{Diagnostic, Diagnostics, Spanned};
use crate::nearest;
use crate::plan::{Arity, Layer};

pub(super) fn component(component: &Component, catalogue: &Catalogue, found: &mut Diagnostics) {
    for name in &component.requires {
        required(component, name, catalogue, found);
    }
    for name in &component.provides {
        if !catalogue.capabilities.contains_key(&name.value) {
            found.push(no_capability(name, catalogue));
        }
    }
    for name in &component.conflicts {
        if !catalogue.components.contains_key(&name.value) {
            found.push(no_component(name, catalogue));
        }
        if let Some(required) = component
            .requires
            .iter()
            .find(|entry| entry.value == name.value)
        {
            let message = format!(
                "`{}` requires `{}` and conflicts with it",
                component.name.value, name.value
            );
            let diagnostic = Diagnostic::new(message).primary(&name.place, "conflicts");
            found.push(diagnostic.also(&required.place, "requires"));
        }
    }
    if let Some(faction) = &component.faction {
        known_faction(faction, catalogue, found);
    }
}

fn known_faction(faction: &Spanned<String>, catalogue: &Catalogue, found: &mut Diagnostics) {
    let mut factions = catalogue
        .components
        .values()
        .filter(|it| it.layer.value == Layer::Faction);
    if factions.any(|it| it.name.value == faction.value) {
        return;
    }
    let factions = catalogue
        .components
        .values()
        .filter(|it| it.layer.value == Layer::Faction);
    let message = format!("there is no faction `{}`", faction.value);
    let known = factions.map(|faction| &*faction.name.value);
    let help = nearest::advice(&faction.value, "factions", known);
    found.push(
        Diagnostic::new(message)
            .primary(&faction.place, "")
            .help(help),
    );
}

/// A required name is a component or a capability, and belongs to the same layer or one below.
fn required(
    component: &Component,
    name: &Spanned<String>,
    catalogue: &Catalogue,
    found: &mut Diagnostics,
) {
    let capability = catalogue.capabilities.get(&name.value);
    let owner = capability.map_or(&name.value, |capability| &capability.owner);
    let Some(other) = catalogue.components.get(owner) else {
        found.push(no_such_requirement(name, catalogue));
        return;
    };
    if other.layer.value <= component.layer.value {
        return;
    }
    let (own, its) = (layer(component.layer.value), layer(other.layer.value));
    let declared = match capability {
        Some(Capability { owner, .. }) => format!(", which `{owner}` declares"),
        None => String::new(),
    };
    let message = format!("{own} requires {its}");
    let diagnostic = Diagnostic::new(message)
        .primary(&name.place, format!("`{}` requires `{}`{declared}", component.name.value, name.value))
        .also(&component.layer.place, format!("`{}` is {own}", component.name.value))
        .also(&other.layer.place, format!("`{}` is {its}", other.name.value))
        .help("drivers stand on factions, and both on the base; what should plug in from above provides a capability");
    found.push(diagnostic);
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Base => "a base component",
        Layer::Faction => "a faction",
        Layer::Driver => "a driver",
    }
}

fn no_such_requirement(name: &Spanned<String>, catalogue: &Catalogue) -> Diagnostic {
    if catalogue.platforms.contains_key(&name.value) {
        return Diagnostic::new(format!("`{}` is a platform", name.value))
            .primary(&name.place, "")
            .help("a component knows no platform: it needs hypercall groups");
    }
    let known = catalogue
        .components
        .keys()
        .chain(catalogue.capabilities.keys());
    let help = nearest::advice(
        &name.value,
        "components and capabilities",
        known.map(String::as_str),
    );
    let message = format!("there is no component and no capability `{}`", name.value);
    Diagnostic::new(message).primary(&name.place, "").help(help)
}

pub(super) fn platform(platform: &Platform, catalogue: &Catalogue, found: &mut Diagnostics) {
    for defaults in platform.defaults.values() {
        let Some(capability) = catalogue.capabilities.get(&defaults.capability.value) else {
            found.push(no_capability(&defaults.capability, catalogue));
            continue;
        };
        for name in &defaults.providers {
            match catalogue.components.get(&name.value) {
                None => found.push(no_component(name, catalogue)),
                Some(provider) if !provider.provides(&defaults.capability.value) => {
                    found.push(no_provider(name, provider, capability, catalogue));
                }
                Some(_) => {}
            }
        }
        if capability.arity == Arity::One
            && let [_, second, ..] = &defaults.providers[..]
        {
            let name = &capability.name.value;
            let diagnostic = Diagnostic::new(format!("`{name}` takes one provider"))
                .primary(&second.place, "a second default")
                .also(&capability.name.place, "declared here with arity one");
            found.push(diagnostic);
        }
    }
}

fn no_provider(
    name: &Spanned<String>,
    provider: &Component,
    capability: &Capability,
    catalogue: &Catalogue,
) -> Diagnostic {
    let capability = &capability.name.value;
    let providers = catalogue
        .providers(capability)
        .map(|provider| &provider.name.value);
    let providers = nearest::list(providers);
    let help = match providers.is_empty() {
        true => format!("nothing provides `{capability}`"),
        false => format!("provided by {providers}"),
    };
    Diagnostic::new(format!("`{}` does not provide `{capability}`", name.value))
        .primary(&name.place, "")
        .also(&provider.name.place, "described here")
        .help(help)
}

fn no_component(name: &Spanned<String>, catalogue: &Catalogue) -> Diagnostic {
    let known = catalogue.components.keys().map(String::as_str);
    let help = nearest::advice(&name.value, "components", known);
    Diagnostic::new(format!("there is no component `{}`", name.value))
        .primary(&name.place, "")
        .help(help)
}

fn no_capability(name: &Spanned<String>, catalogue: &Catalogue) -> Diagnostic {
    let known = catalogue.capabilities.keys().map(String::as_str);
    let help = nearest::advice(&name.value, "capabilities", known);
    Diagnostic::new(format!("there is no capability `{}`", name.value))
        .primary(&name.place, "")
        .help(help)
}
