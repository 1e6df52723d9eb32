//! The manifests of the tailored workspace and its cargo configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use toml::Table;

use super::{capi, rust, template};
use crate::plan::{Layer, Plan};
use crate::source::Sources;
use crate::source::manifests::Crates;

/// The version of everything generated.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The workspace's own manifest.
pub(super) fn manifest(plan: &Plan, sources: &Sources) -> String {
    let mut members = vec!["kernel".to_owned()];
    if capi::is_emitted(plan) {
        members.push("capi".to_owned());
    }
    if plan.request.app.is_some() {
        members.push("app".to_owned());
    }
    members.extend(
        sources
            .crates
            .iter()
            .map(|found| format!("components/{}", found.name)),
    );
    members.sort();
    let data = json!({
        "name": plan.name,
        "members": members,
        "general": if plan.platform.image.is_some() { "z" } else { "s" },
        "fast": fast(plan, sources),
        // Unwinding takes a runtime.
        "panic": if plan.platform.is_freestanding() { "abort" } else { "unwind" },
        "symbols": plan.platform.image.is_some(),
    });
    template::render("workspace.toml", &data)
}

/// The packages every call passes through, which are optimised for speed. Factions, drivers and what they
/// stand on are optimised for size: measured, a datagram over loopback takes a fifth more instructions so, and a
/// program with the whole stack is a quarter smaller. With the platform for size, too, no figure differs, and it is
/// 16 kB smaller.
///
/// An image is optimised for size as far as that goes, but for the application: measured, streams of TCP are a quarter
/// slower so, and the image of a web server is a sixth smaller.
///
/// An upstream crate whose manifest has it so is optimised for speed in both.
fn fast(plan: &Plan, sources: &Sources) -> Vec<String> {
    let upstream = plan.components.iter().flat_map(|it| &it.upstream);
    let named = upstream.filter(|it| it.fast).map(|it| it.package.clone());
    if let (Some(_), Some(app)) = (&plan.platform.image, &plan.request.app) {
        return sorted(named.chain([app.package.clone()]));
    }
    let is_large = |name: &str| {
        let component = plan.components.iter().find(|other| other.package == name);
        component.is_some_and(|component| component.layer != Layer::Base)
    };
    let local = sources.crates.iter().map(|found| found.name.clone());
    let is_fast = |name: &String| !is_large(name) && *name != plan.platform.package;
    let mut fast: Vec<_> = local.filter(is_fast).chain(named).collect();
    fast.push("kernel".to_owned());
    if capi::is_emitted(plan) {
        fast.push("capi".to_owned());
    }
    sorted(fast)
}

/// Two components may stand on the same crate.
fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    names
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// `.cargo/config.toml`: what the build of the whole workspace depends on, so that it does not
/// depend on who starts it.
pub(super) fn config(plan: &Plan) -> String {
    let mut env = BTreeMap::new();
    for component in &plan.components {
        for upstream in &component.upstream {
            env.extend(&upstream.env);
        }
    }
    template::render(
        "config.toml",
        &json!({
            "rustflags": toml::Value::from(rustflags(plan)).to_string(),
            "target": plan.platform.image.as_ref().map(|image| &image.target),
            "env": env,
        }),
    )
}

/// Compiler flags of the whole workspace.
pub fn rustflags(plan: &Plan) -> Vec<String> {
    // Symbols that name their crate and module let reports say who costs what.
    let mut flags = vec!["-Csymbol-mangling-version=v0".to_owned()];
    if plan.platform.is_freestanding() {
        // The compiler may believe that there is an operating system: platforms know by this.
        flags.push("--cfg=rump_bare".to_owned());
    }
    if let Some(image) = &plan.platform.image {
        // Programs are linked in the workspace's folder.
        let script = format!("components/{}/{}", plan.platform.package, image.script);
        flags.push(format!("-Clink-arg=-T{script}"));
        flags.extend(image.rustflags.iter().cloned());
    }
    flags
}

/// The manifest of a local crate, its sections in the customary order.
pub(super) fn crate_manifest(crates: &Crates, name: &str) -> String {
    const FIRST: [&str; 4] = ["package", "lib", "features", "dependencies"];
    let mut sections = crates.manifest(name);
    let mut text = format!("# {}\n", rust::PREAMBLE);
    let first = FIRST
        .into_iter()
        .filter_map(|key| sections.remove_entry(key))
        .collect::<Vec<_>>();
    for (key, section) in first.into_iter().chain(sections) {
        text.push_str(&format!("\n{}", Table::from_iter([(key, section)])));
    }
    text
}
