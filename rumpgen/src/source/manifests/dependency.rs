//! One dependency of a crate.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::workspace::Workspace;
use crate::diagnostic::Diagnostic;

/// Where a dependency comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A folder.
    Local(PathBuf),
    /// A registry or a repository: the keys that say which, as written.
    Upstream(Table),
}

/// A dependency, with what it inherits filled in.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The name the crate uses it by.
    pub key: String,
    /// The package's name.
    pub package: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether a feature has to switch it on.
    pub optional: bool,
    /// Whether its default features are on.
    pub default_features: bool,
    /// Its features that are on.
    pub features: Vec<String>,
    /// The tables it stands in, such as `dependencies` or `target`, a `cfg`, `dependencies`.
    tables: Vec<String>,
}

/// Reads the dependencies for building: all but those of tests.
pub(super) fn read(
    folder: &Path,
    manifest: &Table,
    workspace: &Workspace,
) -> Result<Vec<Dependency>, Diagnostic> {
    let mut sections = vec![(Vec::new(), manifest)];
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    for (target, section) in targets {
        if let Some(section) = section.as_table() {
            sections.push((vec!["target".to_owned(), target.clone()], section));
        }
    }
    let mut found = Vec::new();
    for (prefix, section) in sections {
        for kind in ["dependencies", "build-dependencies"] {
            let entries = section
                .get(kind)
                .and_then(Value::as_table)
                .into_iter()
                .flatten();
            for (key, value) in entries {
                let mut tables = prefix.clone();
                tables.push(kind.to_owned());
                found.push(dependency(folder, key, value, workspace, tables)?);
            }
        }
    }
    Ok(found)
}

fn dependency(
    folder: &Path,
    key: &str,
    value: &Value,
    workspace: &Workspace,
    tables: Vec<String>,
) -> Result<Dependency, Diagnostic> {
    let own = detailed(value);
    let inherits = own.get("workspace").and_then(Value::as_bool) == Some(true);
    let (mut origin, from) = if inherits {
        let shared = workspace.lookup(&["dependencies", key]).ok_or_else(|| {
            Diagnostic::new(format!(
                "{} inherits the dependency `{key}`, which its workspace does not have",
                folder.join("Cargo.toml").display()
            ))
            .help(format!("add `{key}` to [workspace.dependencies]"))
        })?;
        (detailed(shared), workspace.folder.as_path())
    } else {
        (own.clone(), folder)
    };

    let flag = |table: &Table, key: &str| table.get(key).and_then(Value::as_bool);
    let shared_default = flag(&origin, "default-features").unwrap_or(true);
    let default_features = flag(&own, "default-features").unwrap_or(shared_default);
    let mut features = Vec::new();
    for table in [&origin, &own] {
        let listed = table
            .get("features")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for feature in listed.filter_map(Value::as_str) {
            if !features.iter().any(|known| known == feature) {
                features.push(feature.to_owned());
            }
        }
    }
    let package = origin
        .get("package")
        .and_then(Value::as_str)
        .unwrap_or(key)
        .to_owned();
    for key in [
        "features",
        "default-features",
        "optional",
        "package",
        "workspace",
    ] {
        origin.remove(key);
    }
    let origin = match origin.get("path").and_then(Value::as_str) {
        Some(path) => Origin::Local(from.join(path)),
        None => Origin::Upstream(origin),
    };
    Ok(Dependency {
        key: key.to_owned(),
        package,
        origin,
        optional: flag(&own, "optional").unwrap_or(false),
        default_features,
        features,
        tables,
    })
}

fn detailed(value: &Value) -> Table {
    match value {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    }
}

impl Dependency {
    /// Puts the dependency into the manifest of a crate whose neighbours are the local crates.
    pub(super) fn write(&self, manifest: &mut Table) {
        let mut entry = match &self.origin {
            Origin::Local(_) => {
                let path = Value::String(format!("../{}", self.package));
                Table::from_iter([("path".to_owned(), path)])
            }
            Origin::Upstream(origin) => origin.clone(),
        };
        let mut set = |key: &str, value: Value| entry.insert(key.to_owned(), value);
        if self.package != self.key {
            set("package", Value::String(self.package.clone()));
        }
        if !self.default_features {
            set("default-features", Value::Boolean(false));
        }
        if self.optional {
            set("optional", Value::Boolean(true));
        }
        if !self.features.is_empty() {
            let features = self.features.iter().cloned().map(Value::String).collect();
            set("features", Value::Array(features));
        }
        let table = self.tables.iter().fold(manifest, |table, key| {
            let inner = table
                .entry(key.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            inner
                .as_table_mut()
                .expect("a manifest's dependency sections are tables")
        });
        table.insert(self.key.clone(), Value::Table(entry));
    }
}
