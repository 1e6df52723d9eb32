//! Manifests held against one another: every name means something, and only one thing.

mod devices;
mod links;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::parse::Manifest;
use super::{Catalogue, Component, Package, Platform};
use crate::diagnostic::{Diagnostic, Diagnostics, Place, Spanned};
use crate::graph::Graph;
use crate::nearest;
use crate::plan::{Edge, EdgeKind};

/// Makes a catalogue of manifests. `groups` are the hypercall groups there are, `facade` is the crate
/// whose features come with components, where there is one.
///
/// # Errors
/// Everything that does not fit together.
pub fn check(
    manifests: Vec<Manifest>,
    groups: &BTreeSet<String>,
    facade: Option<&Package>,
) -> Result<Catalogue, Diagnostics> {
    let mut found = Diagnostics::default();
    let catalogue = collect(manifests, &mut found);
    parameters(&catalogue, &mut found);
    for component in catalogue.components.values() {
        links::component(component, &catalogue, &mut found);
        devices::check(component, &catalogue, &mut found);
        if let Some(facade) = facade {
            known_features(component, facade, &mut found);
        }
        known_groups(
            component.needs.iter().chain(&component.optional),
            groups,
            &mut found,
        );
    }
    for platform in catalogue.platforms.values() {
        links::platform(platform, &catalogue, &mut found);
        known_groups(platform.groups(), groups, &mut found);
    }
    default_platform(&catalogue, &mut found);
    cycles(&catalogue, &mut found);
    found.finish(catalogue)
}

/// Puts everything under its name. Components, platforms and capabilities share one space of names:
/// the first two are packages, and `requires` may name the first and the last.
fn collect(manifests: Vec<Manifest>, found: &mut Diagnostics) -> Catalogue {
    let mut names = Names(BTreeMap::new());
    let mut catalogue = Catalogue::default();
    for manifest in manifests {
        match manifest {
            Manifest::Component(component) => {
                if names.take(&component.name, "component", found) {
                    catalogue
                        .components
                        .insert(component.name.value.clone(), *component);
                }
            }
            Manifest::Platform(platform) => {
                if names.take(&platform.name, "platform", found) {
                    catalogue
                        .platforms
                        .insert(platform.name.value.clone(), *platform);
                }
            }
        }
    }
    for component in catalogue.components.values() {
        for capability in &component.capabilities {
            if names.take(&capability.name, "capability", found) {
                let name = capability.name.value.clone();
                catalogue.capabilities.insert(name, capability.clone());
            }
        }
    }
    buses(&mut catalogue, found);
    catalogue
}

/// Puts kinds of bus under their names. They have a space of names of their own: only tables of devices
/// name them.
fn buses(catalogue: &mut Catalogue, found: &mut Diagnostics) {
    let mut names = Names(BTreeMap::new());
    for component in catalogue.components.values() {
        for bus in &component.buses {
            if names.take(&bus.name, "bus", found) {
                let name = bus.name.value.clone();
                catalogue.buses.insert(name, bus.clone());
            }
        }
    }
}

struct Names(BTreeMap<String, (&'static str, Place)>);

impl Names {
    fn take(
        &mut self,
        name: &Spanned<String>,
        what: &'static str,
        found: &mut Diagnostics,
    ) -> bool {
        match self.0.entry(name.value.clone()) {
            Entry::Vacant(entry) => {
                entry.insert((what, name.place.clone()));
                true
            }
            Entry::Occupied(entry) => {
                let (other, place) = entry.get();
                let message = match *other == what {
                    true => format!("there are two {} `{}`", plural(what), name.value),
                    false => format!("there is a {other} and a {what} `{}`", name.value),
                };
                let diagnostic = Diagnostic::new(message).primary(&name.place, format!("a {what}"));
                found.push(diagnostic.also(place, format!("a {other}")));
                false
            }
        }
    }
}

fn plural(what: &str) -> String {
    match (what.strip_suffix('y'), what.ends_with('s')) {
        (Some(stem), _) => format!("{stem}ies"),
        (None, true) => format!("{what}es"),
        (None, false) => format!("{what}s"),
    }
}

/// Parameters have one space of names, because users set them without naming a component.
fn parameters(catalogue: &Catalogue, found: &mut Diagnostics) {
    let mut names: BTreeMap<&str, (&Component, &Place)> = BTreeMap::new();
    for component in catalogue.components.values() {
        for param in &component.params {
            match names.entry(&param.name.value) {
                Entry::Vacant(entry) => {
                    entry.insert((component, &param.name.place));
                }
                Entry::Occupied(entry) => {
                    let (other, place) = entry.get();
                    let message = format!("there are two parameters `{}`", param.name.value);
                    let diagnostic = Diagnostic::new(message)
                        .primary(&param.name.place, format!("of `{}`", component.name.value))
                        .also(place, format!("of `{}`", other.name.value))
                        .help("users set a parameter by its name alone: choose another");
                    found.push(diagnostic);
                }
            }
        }
    }
}

fn known_groups<'a>(
    named: impl IntoIterator<Item = &'a Spanned<String>>,
    groups: &BTreeSet<String>,
    found: &mut Diagnostics,
) {
    for group in named {
        if !groups.contains(&group.value) {
            let message = format!("there is no hypercall group `{}`", group.value);
            let help = nearest::advice(&group.value, "groups", groups.iter().map(String::as_str));
            found.push(
                Diagnostic::new(message)
                    .primary(&group.place, "")
                    .help(help),
            );
        }
    }
}

fn known_features(component: &Component, facade: &Package, found: &mut Diagnostics) {
    for feature in component
        .facade
        .iter()
        .filter(|it| !facade.features.contains(&it.value))
    {
        let message = format!(
            "the facade `{}` has no feature `{}`",
            facade.name, feature.value
        );
        let known = facade.features.iter().map(String::as_str);
        let help = nearest::advice(&feature.value, "features", known);
        found.push(
            Diagnostic::new(message)
                .primary(&feature.place, "")
                .help(help),
        );
    }
}

fn default_platform(catalogue: &Catalogue, found: &mut Diagnostics) {
    let defaults: Vec<(&Platform, &Place)> = catalogue
        .platforms
        .values()
        .filter_map(|platform| Some((platform, platform.default.as_ref()?)))
        .collect();
    if let [(first, place), (second, again), ..] = defaults[..] {
        let diagnostic = Diagnostic::new("two platforms are the default")
            .primary(again, format!("`{}`", second.name.value))
            .also(place, format!("`{}`", first.name.value));
        found.push(diagnostic);
    }
}

fn cycles(catalogue: &Catalogue, found: &mut Diagnostics) {
    let edges: Vec<Edge> = catalogue
        .components
        .values()
        .flat_map(|component| {
            component
                .requires
                .iter()
                .filter(|name| name.value != component.name.value)
                .map(|name| Edge {
                    from: component.name.value.clone(),
                    to: name.value.clone(),
                    kind: EdgeKind::Declared,
                })
        })
        .collect();
    let graph = Graph::new(catalogue.components.keys().map(String::as_str), &edges);
    for cycle in graph.cycles() {
        let names = cycle
            .iter()
            .map(|edge| &edge.from)
            .chain(cycle.first().map(|edge| &edge.from));
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        let mut diagnostic = Diagnostic::new(format!(
            "components require one another: {}",
            names.join(" → ")
        ));
        for (index, edge) in cycle.iter().enumerate() {
            let requires = &catalogue.components[&edge.from].requires;
            let Some(name) = requires.iter().find(|name| name.value == edge.to) else {
                continue;
            };
            let text = format!("`{}` requires `{}`", edge.from, edge.to);
            diagnostic = match index {
                0 => diagnostic.primary(&name.place, text),
                _ => diagnostic.also(&name.place, text),
            };
        }
        found.push(
            diagnostic.help("what two components share belongs into a third that both require"),
        );
    }
}
