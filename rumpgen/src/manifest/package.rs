//! What a crate's `Cargo.toml` says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

/// A package of a local crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The cargo features it declares.
    pub features: BTreeSet<String>,
}

impl Package {
    /// Reads the `Cargo.toml` in a folder.
    ///
    /// # Errors
    /// Why there is no package to be had from it, as the end of a sentence.
    pub fn read(folder: &Path) -> Result<Self, String> {
        if !folder.is_dir() {
            return Err("there is no such folder".to_owned());
        }
        let text = fs::read_to_string(folder.join("Cargo.toml"))
            .map_err(|error| format!("its Cargo.toml cannot be read: {error}"))?;
        let table = DeTable::parse(&text)
            .map_err(|error| format!("its Cargo.toml is not TOML: {}", error.message()))?
            .into_inner();
        let name = match table.get("package").map(|package| package.get_ref()) {
            Some(DeValue::Table(package)) => package.get("name").map(|name| name.get_ref()),
            _ => None,
        };
        let Some(DeValue::String(name)) = name else {
            return Err("its Cargo.toml names no package".to_owned());
        };
        let features = match table.get("features").map(|features| features.get_ref()) {
            Some(DeValue::Table(features)) => features
                .keys()
                .map(|feature| feature.get_ref().to_string())
                .collect(),
            _ => BTreeSet::new(),
        };
        Ok(Package {
            name: name.to_string(),
            features,
        })
    }
}
