//! Cargo manifests of local crates, taken out of the workspaces they were written in.
//!
//! A tailored workspace holds each crate it needs under one folder and nothing else. So a
//! manifest is rewritten to stand alone: what it inherits is filled in, local dependencies point to
//! neighbours, and what this configuration does not switch on (optional dependencies, tests, benches)
//! is left out. Which versions upstream crates have is the lock file's business, not this module's.

mod activation;
mod dependency;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub use dependency::{Dependency, Origin};
use workspace::Workspaces;

use crate::diagnostic::Diagnostic;

/// A local crate of the tailored workspace.
#[derive(Clone, Debug)]
pub struct Crate {
    /// The package's name.
    pub name: String,
    /// The folder it stands in.
    pub folder: PathBuf,
    /// Its dependencies, with inherited parts filled in; no dev-dependencies.
    pub dependencies: Vec<Dependency>,
    /// Its features and what each switches on.
    pub features: BTreeMap<String, Vec<String>>,
    /// Hypercall groups it calls, from `package.metadata.rump.hypercalls`: for crates that are no
    /// components and so have no manifest of their own.
    pub hypercalls: Vec<String>,
    /// The files and folders it is built from, besides its manifest.
    pub entries: Vec<String>,
    /// Everything else that is kept: `package`, `lib`, `lints`.
    kept: Table,
}

/// The local crates a configuration needs, by name.
#[derive(Clone, Debug, Default)]
pub struct Crates {
    crates: BTreeMap<String, Crate>,
    active: activation::Active,
}

/// A crate to start from, with the features to switch on.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The folder it stands in.
    pub folder: PathBuf,
    /// Features beside the default ones.
    pub features: Vec<String>,
}

impl Crates {
    /// Reads `wanted` and every local crate they depend on in this configuration.
    pub fn read(wanted: &[Wanted]) -> Result<Crates, Diagnostic> {
        let mut workspaces = Workspaces::default();
        let mut crates = Crates::default();
        let mut queue = Vec::new();
        for want in wanted {
            let name = crates.load(&want.folder, &mut workspaces)?;
            let features = want.features.iter().cloned().chain(["default".to_owned()]);
            queue.extend(features.map(|feature| (name.clone(), Some(feature))));
            queue.push((name, None));
        }
        while let Some(step) = queue.pop() {
            let Crates {
                crates: known,
                active,
            } = &mut crates;
            for reached in active.activate(known, step) {
                let name = crates.load(&reached.folder, &mut workspaces)?;
                queue.extend(
                    reached
                        .features
                        .into_iter()
                        .map(|f| (name.clone(), Some(f))),
                );
                queue.push((name, None));
            }
        }
        Ok(crates)
    }

    /// The crates, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Crate> {
        self.crates.values()
    }

    /// The crate of this name.
    pub fn get(&self, name: &str) -> Option<&Crate> {
        self.crates.get(name)
    }

    /// The crate that stands in this folder.
    pub fn at(&self, folder: &Path) -> Option<&Crate> {
        let folder = folder.canonicalize().ok()?;
        self.iter().find(|c| c.folder == folder)
    }

    /// The manifest of a crate as it stands in the tailored workspace.
    pub fn manifest(&self, name: &str) -> Table {
        let found = &self.crates[name];
        let mut manifest = found.kept.clone();
        let kept: Vec<_> = found
            .dependencies
            .iter()
            .filter(|d| self.active.uses(&found.name, d))
            .collect();
        for dependency in &kept {
            dependency.write(&mut manifest);
        }
        let dropped: BTreeSet<&str> = found
            .dependencies
            .iter()
            .map(|d| d.key.as_str())
            .filter(|key| !kept.iter().any(|d| d.key == *key))
            .collect();
        if !found.features.is_empty() {
            let features = found.features.iter().map(|(name, switched)| {
                let switched = switched
                    .iter()
                    .filter(|entry| !dropped.contains(activation::dependency_of(entry)))
                    .map(|entry| Value::String(entry.clone()))
                    .collect();
                (name.clone(), Value::Array(switched))
            });
            manifest.insert("features".to_owned(), Value::Table(features.collect()));
        }
        manifest
    }

    fn load(&mut self, folder: &Path, workspaces: &mut Workspaces) -> Result<String, Diagnostic> {
        let folder = folder.canonicalize().map_err(|error| {
            Diagnostic::new(format!(
                "cannot open the crate {}: {error}",
                folder.display()
            ))
        })?;
        if let Some(known) = self.iter().find(|c| c.folder == folder) {
            return Ok(known.name.clone());
        }
        let found = read_crate(folder, workspaces)?;
        let name = found.name.clone();
        if let Some(other) = self.crates.insert(name.clone(), found) {
            return Err(Diagnostic::new(format!(
                "two crates are named `{name}`: {} and {}",
                other.folder.display(),
                self.crates[&name].folder.display()
            ))
            .help("rename one of the packages"));
        }
        Ok(name)
    }
}

fn read_crate(folder: PathBuf, workspaces: &mut Workspaces) -> Result<Crate, Diagnostic> {
    let table = workspace::read_toml(&folder.join("Cargo.toml"))?;
    let root = workspaces.of(&folder, &table)?;
    let Some(package) = table.get("package").and_then(Value::as_table) else {
        let message = format!(
            "{} describes no package",
            folder.join("Cargo.toml").display()
        );
        return Err(Diagnostic::new(message));
    };

    let mut kept = Table::new();
    let mut identity = Table::new();
    for key in [
        "name",
        "version",
        "edition",
        "rust-version",
        "license",
        "links",
        "build",
    ] {
        if let Some(value) = package.get(key) {
            identity.insert(key.to_owned(), root.inherited(&["package", key], value));
        }
    }
    identity.insert("publish".to_owned(), Value::Boolean(false));
    let name = identity
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    kept.insert("package".to_owned(), Value::Table(identity));
    if let Some(lib) = table.get("lib") {
        kept.insert("lib".to_owned(), lib.clone());
    }
    if let Some(cfgs) = root.declared_cfgs(&table) {
        kept.insert("lints".to_owned(), cfgs);
    }

    let strings = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let features = table
        .get("features")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let metadata = package.get("metadata").and_then(|m| m.get("rump"));
    Ok(Crate {
        dependencies: dependency::read(&folder, &table, &root)?,
        features: features
            .map(|(name, list)| (name.clone(), strings(list)))
            .collect(),
        hypercalls: metadata
            .and_then(|m| m.get("hypercalls"))
            .map(strings)
            .unwrap_or_default(),
        entries: entries(&folder)?,
        name,
        folder,
        kept,
    })
}

/// What a crate is built from: all that stands beside its manifest, but for what only its tests need.
fn entries(folder: &Path) -> Result<Vec<String>, Diagnostic> {
    const LEFT_OUT: [&str; 6] = [
        "Cargo.toml",
        "Cargo.lock",
        "target",
        "tests",
        "benches",
        "examples",
    ];
    let listed = std::fs::read_dir(folder)
        .map_err(|error| Diagnostic::new(format!("cannot list {}: {error}", folder.display())))?;
    let mut names: Vec<_> = listed
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()))
        .collect();
    names.sort();
    Ok(names)
}
