//! The workspace a crate was written in, as far as the crate inherits from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use toml::{Table, Value};

use crate::diagnostic::Diagnostic;

/// A workspace's root manifest.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Where it stands: what paths in it are relative to.
    pub folder: PathBuf,
    table: Table,
}

/// The workspaces read so far.
#[derive(Default)]
pub(super) struct Workspaces(BTreeMap<PathBuf, Rc<Workspace>>);

impl Workspaces {
    /// The workspace of the crate in `folder`: the nearest manifest at or above it that is one.
    pub(super) fn of(
        &mut self,
        folder: &Path,
        manifest: &Table,
    ) -> Result<Rc<Workspace>, Diagnostic> {
        let named = manifest
            .get("package")
            .and_then(|p| p.get("workspace"))
            .and_then(Value::as_str);
        let start = named.map_or_else(|| folder.to_owned(), |named| folder.join(named));
        for candidate in start.ancestors() {
            if let Some(known) = self.0.get(candidate) {
                return Ok(known.clone());
            }
            let path = candidate.join("Cargo.toml");
            if !path.exists() {
                continue;
            }
            let mut table = read_toml(&path)?;
            if let Some(Value::Table(table)) = table.remove("workspace") {
                let folder = candidate.to_owned();
                let workspace = Rc::new(Workspace { folder, table });
                self.0.insert(candidate.to_owned(), workspace.clone());
                return Ok(workspace);
            }
        }
        Ok(Rc::default())
    }
}

impl Workspace {
    /// The value itself, or what the workspace says where it is `{ workspace = true }`.
    pub(super) fn inherited(&self, path: &[&str], value: &Value) -> Value {
        if value.get("workspace").and_then(Value::as_bool) != Some(true) {
            return value.clone();
        }
        self.lookup(path).unwrap_or(value).clone()
    }

    /// What the workspace says under these keys.
    pub(super) fn lookup(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.table.get(*first)?, |value, key| value.get(*key))
    }

    /// The lints table reduced to the names of `cfg`s the crate may use: how strict to be about
    /// everything else is a matter of the workspace the code is written in.
    pub(super) fn declared_cfgs(&self, manifest: &Table) -> Option<Value> {
        let lints = self.inherited(&["lints"], manifest.get("lints")?);
        let cfgs = lints.get("rust")?.get("unexpected_cfgs")?.clone();
        let rust = Table::from_iter([("unexpected_cfgs".to_owned(), cfgs)]);
        Some(Value::Table(Table::from_iter([(
            "rust".to_owned(),
            Value::Table(rust),
        )])))
    }
}

/// Reads a TOML file.
pub(super) fn read_toml(path: &Path) -> Result<Table, Diagnostic> {
    let text = fs::read_to_string(path)
        .map_err(|error| Diagnostic::new(format!("cannot read {}: {error}", path.display())))?;
    text.parse::<Table>().map_err(|error| match error.span() {
        Some(span) => Diagnostic::at(path, &text, span, error.message().to_owned()),
        None => Diagnostic::new(format!("{}: {}", path.display(), error.message())),
    })
}
