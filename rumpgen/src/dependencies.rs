//! Manifests held against what the crates really depend on.
//!
//! Only `check` does this: it takes cargo to read every crate, and a build finds out anyway what a crate
//! lacks. What it cannot find out is a component that links without having been asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::manifest::{Catalogue, Component};

/// Compares every component's `requires` and `upstream` with the dependencies of its crate.
///
/// # Errors
/// Each difference, in either direction; or that cargo could not read a crate.
pub fn check(catalogue: &Catalogue, repository: &Path) -> Result<(), Diagnostics> {
    let packages = packages(catalogue, repository)?;
    check_against(catalogue, &packages)
}

/// [`check`] against packages that were read before, by the folder of each.
///
/// # Errors
/// As for [`check`].
pub fn check_against(
    catalogue: &Catalogue,
    packages: &BTreeMap<String, Package>,
) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    for component in catalogue.components.values() {
        let Some(package) = packages.get(&component.name.value) else {
            continue;
        };
        let normal = |it: &&Dependency| it.kind == DependencyKind::Normal;
        let dependencies: Vec<&Dependency> = package.dependencies.iter().filter(normal).collect();
        local(component, &dependencies, catalogue, &mut found);
        upstream(component, &dependencies, &mut found);
    }
    found.finish(())
}

fn local(
    component: &Component,
    dependencies: &[&Dependency],
    catalogue: &Catalogue,
    found: &mut Diagnostics,
) {
    let name = &component.name.value;
    let local: BTreeSet<&str> = dependencies
        .iter()
        .filter(|it| it.path.is_some())
        .map(|it| &*it.name)
        .collect();
    let required: BTreeSet<&str> = component.requires.iter().map(|it| &*it.value).collect();
    // What is optional comes with a feature, such as one for tests, that no kernel is built with.
    let is_always = |name: &str| {
        dependencies
            .iter()
            .any(|it| it.name == *name && !it.optional)
    };
    for other in &local {
        if let Some(platform) = catalogue.platforms.get(*other) {
            if !is_always(other) {
                continue;
            }
            let message = format!("the crate of `{name}` depends on the platform `{other}`");
            let diagnostic = Diagnostic::new(message)
                .primary(&component.code.written.place, "")
                .also(&platform.name.place, "a platform")
                .help("a component knows no platform: it calls hypercalls");
            found.push(diagnostic);
        } else if catalogue.components.contains_key(*other) && !required.contains(other) {
            let message = format!(
                "the crate of `{name}` depends on `{other}`, which its manifest does not require"
            );
            let diagnostic = Diagnostic::new(message).primary(&component.code.written.place, "");
            found.push(diagnostic.help(format!("add `{other}` to `requires`")));
        }
    }
    for other in &component.requires {
        let is_component = catalogue.components.contains_key(&other.value);
        if is_component && !local.contains(&*other.value) {
            let message = format!(
                "`{name}` requires `{}`, but its crate does not depend on it",
                other.value
            );
            let diagnostic = Diagnostic::new(message).primary(&other.place, "");
            found.push(diagnostic.help("what is only needed to run is required as a capability"));
        }
    }
}

fn upstream(component: &Component, dependencies: &[&Dependency], found: &mut Diagnostics) {
    let name = &component.name.value;
    let used: BTreeSet<&str> = dependencies
        .iter()
        .filter(|it| it.path.is_none())
        .map(|it| &*it.name)
        .collect();
    for listed in &component.upstream {
        if !used.contains(&*listed.package.value) {
            let package = &listed.package.value;
            let message = format!("the crate of `{name}` does not depend on `{package}`");
            found.push(Diagnostic::new(message).primary(&listed.package.place, ""));
        }
    }
    for package in used {
        if !component
            .upstream
            .iter()
            .any(|listed| listed.package.value == package)
        {
            let message = format!(
                "the crate of `{name}` depends on `{package}`, which its manifest does not list as upstream"
            );
            let diagnostic = Diagnostic::new(message).primary(&component.code.written.place, "");
            found.push(diagnostic.help(format!("add [[upstream]] with `crate = \"{package}\"`")));
        }
    }
}

/// The packages of all components, by name: those of the repository at once, others one by one.
fn packages(
    catalogue: &Catalogue,
    repository: &Path,
) -> Result<BTreeMap<String, Package>, Diagnostics> {
    let mut packages = BTreeMap::new();
    let mut known = read(repository)?.packages;
    for component in catalogue.components.values() {
        let manifest = component.code.folder.join("Cargo.toml");
        let is_it = |package: &Package| package.manifest_path.as_std_path() == manifest;
        if !known.iter().any(is_it) {
            known.extend(read(&component.code.folder)?.packages);
        }
        if let Some(package) = known.iter().find(|package| is_it(package)) {
            packages.insert(component.name.value.clone(), package.clone());
        }
    }
    Ok(packages)
}

fn read(folder: &Path) -> Result<Metadata, Diagnostic> {
    let mut command = MetadataCommand::new();
    command
        .no_deps()
        .current_dir(folder)
        .other_options(["--offline".to_owned()]);
    command.exec().map_err(|error| {
        let folder = diagnostic::display_path(folder);
        Diagnostic::new(format!("cargo cannot read the crates of {folder}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::load::{self, Root};
    use crate::plan::Origin;

    fn package(name: &str, dependencies: &str) -> Package {
        let json = format!(
            r#"{{"name":"{name}","version":"0.1.0","id":"{name}","dependencies":[{dependencies}],
            "targets":[],"features":{{}},"manifest_path":"/nowhere/{name}/Cargo.toml"}}"#
        );
        serde_json::from_str(&json).expect("this is what cargo prints")
    }

    fn dependency(name: &str, is_local: bool) -> String {
        let path = if is_local {
            format!(r#","path":"/nowhere/{name}""#)
        } else {
            String::new()
        };
        format!(
            r#"{{"name":"{name}","source":null,"req":"*","kind":null,"optional":false,
            "uses_default_features":true,"features":[],"target":null{path}}}"#
        )
    }

    /// The manifests that the negative tests share: `alpha` requires `ground` and `garden`.
    fn catalogue() -> Catalogue {
        let base = Path::new("tests/negative");
        let folder = base.join("common");
        let root = Root {
            folder,
            base: base.to_owned(),
            origin: Origin::InTree,
            place: None,
        };
        let groups = ["clock", "disk", "light", "tls", "wind"]
            .map(str::to_owned)
            .into_iter()
            .collect();
        let manifests = load::load(&[root]).expect("the shared manifests are good");
        crate::manifest::check::check(manifests, &groups, None).expect("they fit together")
    }

    fn messages(dependencies: &[(&str, bool)]) -> Vec<String> {
        let all = dependencies.iter();
        messages_of(
            all.map(|(name, is_local)| dependency(name, *is_local))
                .collect(),
        )
    }

    fn messages_of(all: Vec<String>) -> Vec<String> {
        let package = package("alpha", &all.join(","));
        let packages = BTreeMap::from([("alpha".to_owned(), package)]);
        let found = check_against(&catalogue(), &packages)
            .err()
            .unwrap_or_default();
        found
            .iter()
            .map(|diagnostic| diagnostic.message().to_owned())
            .collect()
    }

    #[test]
    fn a_platform_for_tests_alone_is_none() {
        let right = ["ground", "garden", "helper"].map(|name| dependency(name, true));
        let host = dependency("host", true).replace(r#""optional":false"#, r#""optional":true"#);
        assert_eq!(messages_of([&right[..], &[host]].concat()), [""; 0]);
    }

    #[test]
    fn what_is_declared_and_what_is_used_must_agree() {
        let right = [("ground", true), ("garden", true), ("helper", true)];
        assert_eq!(messages(&right), [""; 0]);
        assert_eq!(
            messages(&[("ground", true)]),
            ["`alpha` requires `garden`, but its crate does not depend on it"]
        );
        let more = |name, is_local| [&right[..], &[(name, is_local)]].concat();
        assert_eq!(
            messages(&more("beta", true)),
            ["the crate of `alpha` depends on `beta`, which its manifest does not require"]
        );
        assert_eq!(
            messages(&more("host", true)),
            ["the crate of `alpha` depends on the platform `host`"]
        );
        assert_eq!(
            messages(&more("crc", false)),
            ["the crate of `alpha` depends on `crc`, which its manifest does not list as upstream"]
        );
    }
}
