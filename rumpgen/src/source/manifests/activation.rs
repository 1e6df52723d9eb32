//! Which features and optional dependencies of local crates a configuration switches on.
//!
//! Cargo decides this again when it builds. It is decided here because an optional dependency on a
//! component that was not selected must not appear in the tailored workspace at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Crate, Dependency, Origin};

/// What is switched on, by crate.
#[derive(Clone, Debug, Default)]
pub(super) struct Active {
    features: BTreeSet<(String, String)>,
    /// Optional dependencies, by key.
    dependencies: BTreeSet<(String, String)>,
    visited: BTreeSet<String>,
}

/// A local crate that became part of the configuration, or one of whose features was switched on.
pub(super) struct Reached {
    pub folder: PathBuf,
    pub features: Vec<String>,
}

/// The dependency a feature's entry is about; not a dependency's key if it is about a feature.
pub(super) fn dependency_of(entry: &str) -> &str {
    let entry = entry.strip_prefix("dep:").unwrap_or(entry);
    entry
        .split_once('/')
        .map_or(entry, |(key, _)| key.trim_end_matches('?'))
}

impl Active {
    /// Whether a crate's dependency is part of the configuration.
    pub(super) fn uses(&self, name: &str, dependency: &Dependency) -> bool {
        !dependency.optional
            || self
                .dependencies
                .contains(&(name.to_owned(), dependency.key.clone()))
    }

    /// Switches on a feature of a crate, or with `None` the crate itself.
    pub(super) fn activate(
        &mut self,
        crates: &BTreeMap<String, Crate>,
        (name, feature): (String, Option<String>),
    ) -> Vec<Reached> {
        let found = &crates[&name];
        let mut reached = Vec::new();
        match feature {
            None => {
                if self.visited.insert(name) {
                    let always = found.dependencies.iter().filter(|d| !d.optional);
                    reached.extend(always.filter_map(|d| reach(d, None)));
                }
            }
            Some(feature) => self.switch_on(found, &feature, &mut reached),
        }
        reached
    }

    fn switch_on(&mut self, found: &Crate, feature: &str, reached: &mut Vec<Reached>) {
        if !self
            .features
            .insert((found.name.clone(), feature.to_owned()))
        {
            return;
        }
        let Some(entries) = found.features.get(feature) else {
            // An optional dependency is a feature of its own name, unless the manifest says `dep:`.
            self.take(found, feature, None, reached);
            return;
        };
        for entry in entries {
            if let Some((key, inner)) = entry.split_once('/') {
                match key.strip_suffix('?') {
                    Some(weak)
                        if !self
                            .dependencies
                            .contains(&(found.name.clone(), weak.into())) => {}
                    Some(weak) => self.take(found, weak, Some(inner), reached),
                    None => self.take(found, key, Some(inner), reached),
                }
            } else if let Some(key) = entry.strip_prefix("dep:") {
                self.take(found, key, None, reached);
            } else {
                self.switch_on(found, entry, reached);
            }
        }
    }

    fn take(
        &mut self,
        found: &Crate,
        key: &str,
        feature: Option<&str>,
        reached: &mut Vec<Reached>,
    ) {
        for dependency in found.dependencies.iter().filter(|d| d.key == key) {
            if dependency.optional {
                self.dependencies
                    .insert((found.name.clone(), key.to_owned()));
            }
            reached.extend(reach(dependency, feature));
        }
    }
}

fn reach(dependency: &Dependency, feature: Option<&str>) -> Option<Reached> {
    let Origin::Local(folder) = &dependency.origin else {
        return None;
    };
    let default = dependency.default_features.then_some("default");
    let features = dependency
        .features
        .iter()
        .map(String::as_str)
        .chain(default)
        .chain(feature);
    Some(Reached {
        folder: folder.clone(),
        features: features.map(str::to_owned).collect(),
    })
}
