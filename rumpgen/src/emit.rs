//! The emitters: the plan and the sources in, the text of every file of the tailored workspace out.
//!
//! They are pure. Nothing here reads or writes the disk; [`write`](crate::write) does, and only what
//! changed.

mod app;
mod bindings;
pub mod capi;
mod headers;
mod kernel;
pub mod rumpuser;
pub mod rust;
pub mod template;
mod workspace;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::source::Sources;

pub use capi::is_emitted as has_c_interface;
pub use workspace::rustflags;

/// What the workspace of a configuration consists of. Paths are relative to its folder, with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Generated files.
    pub files: BTreeMap<String, String>,
    /// Files and folders of the crates' sources, and where they are.
    pub links: BTreeMap<String, PathBuf>,
    /// Files that are only started from here: cargo keeps them up to date afterwards.
    pub seeds: BTreeMap<String, String>,
}

/// Emits the workspace of a configuration.
pub fn emit(plan: &Plan, sources: &Sources) -> Result<Tree, Diagnostic> {
    let mut tree = Tree::default();
    let mut file = |path: &str, text: String| tree.files.insert(path.to_owned(), text);

    file("plan.json", plan.to_json());
    file("Cargo.toml", workspace::manifest(plan, sources));
    file(".cargo/config.toml", workspace::config(plan));

    let groups = bound_groups(plan, sources)?;
    file("kernel/Cargo.toml", kernel::manifest(plan, sources));
    file("kernel/src/lib.rs", kernel::library(plan));
    file("kernel/src/system.rs", kernel::system(plan));
    file(
        "kernel/src/bindings.rs",
        bindings::emit(&plan.platform, &groups),
    );

    if has_c_interface(plan) {
        tree.files.extend(capi::emit(plan, sources, &groups)?);
    }
    if let Some(app) = &plan.request.app {
        tree.files.extend(app::emit(plan, app));
    }
    for found in sources.crates.iter() {
        let folder = format!("components/{}", found.name);
        let manifest = workspace::crate_manifest(&sources.crates, &found.name);
        tree.files.insert(format!("{folder}/Cargo.toml"), manifest);
        for entry in &found.entries {
            tree.links
                .insert(format!("{folder}/{entry}"), found.folder.join(entry));
        }
    }
    if let Some(lock) = &sources.lock {
        tree.seeds.insert("Cargo.lock".to_owned(), lock.clone());
    }
    Ok(tree)
}

/// The groups to bind: those of the selected components, and those that the glue around them calls.
fn bound_groups<'a>(
    plan: &Plan,
    sources: &'a Sources,
) -> Result<Vec<&'a crate::source::hypercalls::Group>, Diagnostic> {
    let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
    for group in &plan.groups {
        wanted.insert(&group.name, "a component's manifest");
    }
    for found in sources.crates.iter() {
        for group in &found.hypercalls {
            wanted.insert(group, &found.name);
        }
    }
    let platform = &plan.platform;
    let mut groups = Vec::new();
    for (name, by) in wanted {
        let declared = sources.groups.iter().find(|group| group.name == name);
        let group = declared.ok_or_else(|| {
            let known: Vec<_> = sources
                .groups
                .iter()
                .map(|group| group.name.as_str())
                .collect();
            Diagnostic::new(format!(
                "{by} names the hypercall group `{name}`, which is not declared"
            ))
            .help(format!("the groups are {}", known.join(", ")))
        })?;
        if !platform.offers.iter().any(|offered| offered == name) {
            return Err(Diagnostic::new(format!(
                "`{by}` needs the hypercall group `{name}`, which the platform `{}` does not offer",
                platform.name
            )));
        }
        groups.push(group);
    }
    Ok(groups)
}
