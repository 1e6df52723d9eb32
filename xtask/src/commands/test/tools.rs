//! Programs the whole-system tests use, and getting them.

use std::collections::BTreeSet;

use rumpgen::tools::TESTED_WITH;

use crate::debian;

/// Installs what is missing where that is possible, and else says in one line what to install.
pub(super) fn install_missing() {
    let missing = missing();
    if missing.is_empty() {
        return;
    }
    if debian::can_install() {
        debian::install(&missing);
    }
    let missing = self::missing();
    if !missing.is_empty() {
        println!(
            "some tests will be skipped; to run them, install: {}",
            missing.join(" ")
        );
    }
}

fn missing() -> Vec<&'static str> {
    let missing = TESTED_WITH.iter().filter(|tool| tool.find().is_none());
    let packages: BTreeSet<_> = missing.map(|tool| tool.package).collect();
    packages.into_iter().collect()
}
