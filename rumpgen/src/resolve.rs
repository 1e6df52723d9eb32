//! From what was asked for to everything that takes.
//!
//! One fixpoint that only ever adds, in the order of names: no choice is taken back, so that the
//! result follows from the request and can be told as a chain of reasons. First comes what is
//! required by name and the default providers of capabilities that take many; when that adds nothing more,
//! one missing provider of a capability that takes one; then one component that joins by itself.

mod chain;
mod demands;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostics, Place};
use crate::manifest::{Capability, Catalogue, Component, Defaults, Platform};
use crate::nearest;
use crate::plan::{Arity, Edge, EdgeKind, Reason};
use crate::select::Selection;

/// What belongs to a configuration, and why.
#[derive(Debug)]
pub struct Resolution<'a> {
    /// The platform.
    pub platform: &'a Platform,
    /// The selected components by name.
    pub selected: BTreeMap<&'a str, Selected<'a>>,
    catalogue: &'a Catalogue,
    without: &'a BTreeMap<&'a str, &'a Place>,
}

/// A selected component.
#[derive(Debug)]
pub struct Selected<'a> {
    /// Its manifest.
    pub component: &'a Component,
    /// Every reason for it, each once, the one that brought it in first.
    pub reasons: Vec<Because<'a>>,
}

/// A reason and the text that gives it.
#[derive(Debug)]
pub struct Because<'a> {
    /// The reason.
    pub reason: Reason,
    /// Where it is written.
    pub place: &'a Place,
}

/// Finds everything that a selection takes.
///
/// # Errors
/// Everything that makes it impossible, each with the chain that leads to it.
pub fn resolve<'a>(
    selection: &'a Selection<'a>,
    catalogue: &'a Catalogue,
) -> Result<Resolution<'a>, Diagnostics> {
    let mut resolution = Resolution {
        platform: selection.platform,
        selected: BTreeMap::new(),
        catalogue,
        without: &selection.without,
    };
    let mut found = Diagnostics::default();
    for (component, place) in &selection.asked {
        resolution.add(&component.name.value, Reason::Asked, place);
    }
    while resolution.require() || resolution.supply() || resolution.combine() {}
    demands::check(&resolution, &mut found);
    found.extend(demands::c_interface(selection));
    found.finish(resolution)
}

impl<'a> Resolution<'a> {
    /// Adds a component, or a further reason for it. Says whether anything changed.
    fn add(&mut self, name: &str, reason: Reason, place: &'a Place) -> bool {
        let Some(component) = self.catalogue.components.get(name) else {
            return false;
        };
        if self.without.contains_key(name) {
            return false;
        }
        let fresh = Selected {
            component,
            reasons: Vec::new(),
        };
        let selected = self.selected.entry(&component.name.value).or_insert(fresh);
        if selected
            .reasons
            .iter()
            .any(|because| because.reason == reason)
        {
            return false;
        }
        selected.reasons.push(Because { reason, place });
        true
    }

    /// One round: adds what selected components require by name, and default providers of what takes many.
    fn require(&mut self) -> bool {
        let mut changed = false;
        for component in self.components() {
            let consumer = &component.name.value;
            for name in &component.requires {
                match self.catalogue.capabilities.get(&name.value) {
                    None => {
                        let reason = Reason::RequiredBy {
                            component: consumer.clone(),
                        };
                        changed |= self.add(&name.value, reason, &name.place);
                    }
                    Some(capability) if capability.arity == Arity::Many => {
                        for provider in self.defaults(&name.value) {
                            changed |=
                                self.add_default(provider, capability, consumer, &name.place);
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        changed
    }

    /// Adds the default provider of one capability that takes one and has none yet.
    fn supply(&mut self) -> bool {
        for component in self.components() {
            for name in &component.requires {
                let Some(capability) = self.catalogue.capabilities.get(&name.value) else {
                    continue;
                };
                if capability.arity == Arity::Many {
                    continue;
                }
                let provided = self.providers(&name.value).next().is_some();
                for provider in self.defaults(&name.value) {
                    let stands = !provided || self.selected.contains_key(provider);
                    let consumer = &component.name.value;
                    if stands && self.add_default(provider, capability, consumer, &name.place) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Adds one component that joins by itself.
    fn combine(&mut self) -> bool {
        for component in self
            .catalogue
            .components
            .values()
            .filter(|component| component.auto)
        {
            let there = |name: &str| {
                self.selected.contains_key(name) || self.providers(name).next().is_some()
            };
            let all = component.requires.iter().all(|name| there(&name.value));
            if all && !self.selected.contains_key(&*component.name.value) {
                let because = component.requires.iter().map(|name| name.value.clone());
                let because = BTreeSet::from_iter(because).into_iter().collect();
                if self.add(
                    &component.name.value,
                    Reason::Auto { because },
                    &component.name.place,
                ) {
                    return true;
                }
            }
        }
        false
    }

    fn add_default(
        &mut self,
        provider: &str,
        capability: &Capability,
        consumer: &str,
        place: &'a Place,
    ) -> bool {
        let reason = Reason::DefaultProvider {
            capability: capability.name.value.clone(),
            component: consumer.to_owned(),
        };
        self.add(provider, reason, place)
    }

    fn components(&self) -> Vec<&'a Component> {
        self.selected
            .values()
            .map(|selected| selected.component)
            .collect()
    }

    /// The platform's default providers of a capability, in the manifest's order.
    fn defaults(&self, capability: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let defaults: Option<&'a Defaults> = self.platform.defaults.get(capability);
        defaults
            .into_iter()
            .flat_map(|defaults| &defaults.providers)
            .map(|name| &*name.value)
    }

    /// The selected providers of a capability, in name order.
    pub fn providers(&self, capability: &str) -> impl Iterator<Item = &'a Component> {
        let components = self.selected.values().map(|selected| selected.component);
        components.filter(move |component| component.provides(capability))
    }

    /// Who needs whom, sorted. A component that provides what it requires itself has no edge to itself.
    pub fn edges(&self) -> Vec<Edge> {
        let mut edges = BTreeSet::new();
        for selected in self.selected.values() {
            let from = &selected.component.name.value;
            let joined = selected
                .reasons
                .iter()
                .all(|it| matches!(it.reason, Reason::Auto { .. }));
            for name in &selected.component.requires {
                let mut edge = |to: &str, kind| {
                    edges.insert(Edge {
                        from: from.clone(),
                        to: to.to_owned(),
                        kind,
                    });
                };
                if self.selected.contains_key(&*name.value) {
                    edge(
                        &name.value,
                        if joined {
                            EdgeKind::Auto
                        } else {
                            EdgeKind::Declared
                        },
                    );
                    continue;
                }
                for provider in self.providers(&name.value) {
                    if provider.name.value != *from {
                        let capability = name.value.clone();
                        edge(&provider.name.value, EdgeKind::Capability { capability });
                    }
                }
            }
        }
        edges.into_iter().collect()
    }

    /// Components that could provide a capability, as advice.
    fn could_provide(&self, capability: &str) -> String {
        let all: Vec<&str> = self
            .catalogue
            .providers(capability)
            .map(|provider| &*provider.name.value)
            .collect();
        let left_out: Vec<&str> = all
            .iter()
            .copied()
            .filter(|name| self.without.contains_key(name))
            .collect();
        match (&all[..], &left_out[..]) {
            ([], _) => "no component provides it".to_owned(),
            ([one], []) => format!("add `{one}` to `--components`"),
            (_, []) => format!("add one of {} to `--components`", nearest::list(all)),
            (_, [_]) => format!("{} could, and is left out", nearest::list(left_out)),
            (_, _) => format!("{} could, and are left out", nearest::list(left_out)),
        }
    }
}
