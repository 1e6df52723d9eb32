//! Units of a class: what there is of a kind, by name.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::Errno;
use base::sync::Leaf;

/// The units of a class.
pub(crate) struct Units<T: ?Sized>(Leaf<Vec<(String, Arc<T>)>>);

impl<T: ?Sized> Units<T> {
    pub(crate) fn new() -> Self {
        Units(Leaf::new(Vec::new()))
    }

    /// Adds a unit, which is told its name: `prefix` and the first number that is free.
    pub(crate) fn add(&self, prefix: &str, make: impl FnOnce(String) -> Arc<T>) -> Arc<T> {
        self.0.with(|units| {
            let name = (0..)
                .map(|number| format!("{prefix}{number}"))
                .find(|name| units.iter().all(|(other, _)| other != name))
                .unwrap_or_default();
            let unit = make(name.clone());
            units.push((name, unit.clone()));
            unit
        })
    }

    /// Adds a unit of this very name. `EEXIST` if there is one.
    pub(crate) fn add_as(&self, name: &str, unit: &Arc<T>) -> Result<(), Errno> {
        self.0.with(|units| {
            if units.iter().any(|(other, _)| other == name) {
                return Err(Errno::EEXIST);
            }
            units.push((name.into(), unit.clone()));
            Ok(())
        })
    }

    pub(crate) fn remove(&self, unit: &Arc<T>) {
        let _dropped_outside = self.0.with(|units| {
            let at = units.iter().position(|(_, other)| Arc::ptr_eq(other, unit));
            at.map(|at| units.remove(at))
        });
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<T>> {
        self.0.with(|units| {
            let mut units = units.iter();
            let found = units.find(|(other, _)| other == name);
            found.map(|(_, unit)| unit.clone())
        })
    }

    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        self.0
            .with(|units| units.iter().map(|(_, unit)| unit.clone()).collect())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0
            .with(|units| units.iter().map(|(name, _)| name.clone()).collect())
    }

    pub(crate) fn clear(&self) {
        let _dropped_outside = self.0.with(core::mem::take);
    }
}
