//! The whole way, from what was asked for to artifacts.
//!
//! load → check → select → resolve → plan → emit, which touch nothing, are [`generate`]; write →
//! cargo → artifacts are [`build`].

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::artifacts::{self, Artifact};
use crate::build::{self, Options, Progress};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::emit::{Tree, emit};
use crate::manifest::Catalogue;
use crate::plan::Plan;
use crate::planning::{self, Resolved};
use crate::request::{Request, Roots};
use crate::source::Sources;
use crate::source::hypercalls::{self, Group};
use crate::strays;
use crate::write::{self, Sourcing, Written};

/// A configuration, decided and emitted, and nothing written.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What it consists of.
    pub plan: Plan,
    /// Everything it could have consisted of.
    pub catalogue: Catalogue,
    /// What its crates say.
    pub sources: Sources,
    /// Its workspace.
    pub tree: Tree,
}

/// Where the results of a configuration go.
#[derive(Clone, Debug)]
pub struct Places {
    /// The tailored workspace.
    pub workspace: PathBuf,
    /// What was built.
    pub artifacts: PathBuf,
}

impl Places {
    /// The places of a configuration in the repository at `root`.
    pub fn of(name: &str, root: &Path) -> Places {
        Places {
            workspace: root.join("generated").join(name),
            artifacts: root.join("target/rump").join(name),
        }
    }
}

/// What a build did.
#[derive(Clone, Debug)]
pub struct Built {
    /// To the workspace.
    pub written: Written,
    /// What there is now.
    pub artifacts: Vec<Artifact>,
}

/// Decides what was asked for.
///
/// # Errors
/// What the first stage that finds anything finds, all of it. The user's input was wrong.
pub fn decide(request: &Request, roots: &Roots) -> Result<Resolved, Diagnostics> {
    let groups = hypercalls::read_all(&roots.repository)?;
    planning::plan(request, roots, &names(&groups))
}

/// Everything there is to choose from.
///
/// # Errors
/// What is wrong with the manifests.
pub fn catalogue(roots: &Roots) -> Result<Catalogue, Diagnostics> {
    let groups = hypercalls::read_all(&roots.repository)?;
    planning::catalogue(roots, &names(&groups))
}

/// Decides what was asked for, and emits it.
///
/// # Errors
/// As for [`decide`], and what is wrong with the selected components' sources.
pub fn generate(request: &Request, roots: &Roots) -> Result<Generated, Diagnostics> {
    let groups = hypercalls::read_all(&roots.repository)?;
    let Resolved { plan, catalogue } = planning::plan(request, roots, &names(&groups))?;
    let sources = Sources::read(&plan, &roots.repository, groups)?;
    strays::check(&plan, &catalogue, &sources)?;
    let tree = emit(&plan, &sources)?;
    Ok(Generated {
        plan,
        catalogue,
        sources,
        tree,
    })
}

fn names(groups: &[Group]) -> BTreeSet<String> {
    groups.iter().map(|group| group.name.clone()).collect()
}

/// Writes a configuration's workspace, builds it, and collects the artifacts.
///
/// # Errors
/// Whatever went wrong with the disk, a tool or the compiler.
pub fn build(
    generated: &Generated,
    places: &Places,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Built, Diagnostic> {
    let Generated { plan, tree, .. } = generated;
    artifacts::check(plan)?;
    let _turn = turn(&places.artifacts)?;
    let written = write::write(tree, &places.workspace, Sourcing::Links)?;
    let products = build::build(plan, &places.workspace, options, progress)?;
    let artifacts = artifacts::collect(plan, tree, &products, &places.artifacts)?;
    Ok(Built { written, artifacts })
}

/// Waits until nobody else works for this folder; the next one waits until the result is dropped.
///
/// # Errors
/// Where the file beside the folder, by which turns are taken, cannot be made.
pub fn turn(folder: &Path) -> Result<File, Diagnostic> {
    let mut path = folder.as_os_str().to_owned();
    path.push(".lock");
    let folder = folder.parent().unwrap_or(folder);
    let locked = fs::create_dir_all(folder).and_then(|()| {
        let file = File::create(&path)?;
        // A file system without locks has builds one after the other by the user's own care.
        let _ = file.lock();
        Ok(file)
    });
    locked.map_err(|error| Diagnostic::new(format!("cannot write {}: {error}", path.display())))
}
