//! What the generator reads besides manifests: the sources of the selected crates.
//!
//! The readers yield plain data for the emitters. They know Rust syntax and Cargo's manifests, no
//! component and no platform.

pub mod constants;
pub mod headers;
pub mod hypercalls;
pub mod manifests;
pub mod rust;
pub mod syscalls;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use constants::Constant;
use hypercalls::Group;
use manifests::{Crates, Wanted};
use syscalls::Call;

use crate::diagnostic::Diagnostic;
use crate::emit::has_c_interface;
use crate::plan::Plan;

/// Where the parts that every configuration has stand, from the repository's root.
mod place {
    pub(super) const HYPERCALL: &str = "glue/hypercall";
    pub(super) const CONSTANTS: &str = "glue/syscall/src/consts.rs";
    pub(super) const C_INTERFACE: &str = "glue/cabi";
    pub(super) const FACADE: &str = "glue/rump";
    pub(super) const SYSCALLS: &str = "src/syscalls.rs";
    pub(super) const HEADERS: &str = "include";
    pub(super) const LOCK: &str = "Cargo.lock";
}

/// Everything the emitters know besides the plan.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Every hypercall group there is, by name.
    pub groups: Vec<Group>,
    /// The system calls of the selected components, in start order.
    pub calls: Vec<(String, Vec<Call>)>,
    /// The C headers that components bring, by name.
    pub headers: BTreeMap<String, String>,
    /// The numbers of the C interface.
    pub(super) constants: Vec<Constant>,
    /// The local crates of the configuration.
    pub crates: Crates,
    /// The repository's lock file, where there is one.
    pub lock: Option<String>,
}

impl Sources {
    /// Reads what `plan` needs from the repository at `root`; `groups` are the hypercall groups there are.
    pub fn read(plan: &Plan, root: &Path, groups: Vec<Group>) -> Result<Sources, Vec<Diagnostic>> {
        let one = |error: Diagnostic| vec![error];
        let (mut calls, mut headers, mut errors) = (Vec::new(), BTreeMap::new(), Vec::new());
        for component in &plan.components {
            match syscalls::read(&root.join(&component.dir).join(place::SYSCALLS)) {
                Ok(found) => calls.push((component.package.clone(), found)),
                Err(found) => errors.extend(found),
            }
            if let Err(error) = headers::read(
                &root.join(&component.dir).join(place::HEADERS),
                &mut headers,
            ) {
                errors.push(error);
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Sources {
            groups,
            calls,
            headers,
            constants: constants::read(&root.join(place::CONSTANTS)).map_err(one)?,
            crates: Crates::read(&wanted(plan, root)).map_err(one)?,
            lock: fs::read_to_string(root.join(place::LOCK)).ok(),
        })
    }

    /// Every system call, with the package it is in.
    pub fn all_calls(&self) -> impl Iterator<Item = (&str, &Call)> {
        self.calls
            .iter()
            .flat_map(|(package, calls)| calls.iter().map(|c| (package.as_str(), c)))
    }
}

/// The crates the generated ones depend on; what those depend on follows from their manifests.
fn wanted(plan: &Plan, root: &Path) -> Vec<Wanted> {
    let want = |folder: PathBuf, features: &[String]| Wanted {
        folder,
        features: features.to_vec(),
    };
    // Joining an absolute path, as components from outside have, yields that path.
    let mut wanted: Vec<_> = plan
        .components
        .iter()
        .map(|c| want(root.join(&c.dir), &c.features))
        .collect();
    wanted.push(want(root.join(&plan.platform.dir), &[]));
    wanted.push(want(root.join(place::HYPERCALL), &[]));
    wanted.push(want(root.join(place::FACADE), &plan.facade));
    if has_c_interface(plan) {
        wanted.push(want(root.join(place::C_INTERFACE), &[]));
    }
    if let Some(app) = &plan.request.app {
        wanted.push(want(root.join(&app.dir), &[]));
    }
    wanted
}
