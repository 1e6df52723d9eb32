//! The report of a build: what is in it, why, and how large it became.

use std::path::Path;

use serde_json::{Value, json};

use super::Artifact;
use crate::emit::template;
use crate::plan::{Plan, Reason};

/// `report.md`, for a person.
pub(super) fn emit(plan: &Plan, artifacts: &[Artifact], folder: &Path) -> String {
    let components: Vec<Value> = plan
        .components
        .iter()
        .map(|component| {
            let upstream: Vec<_> = component
                .upstream
                .iter()
                .map(|u| u.package.as_str())
                .collect();
            let why: Vec<_> = component.why.iter().map(reason).collect();
            json!({
                "name": component.name,
                "summary": component.summary,
                "upstream": upstream.join(", "),
                "why": why.join("; "),
            })
        })
        .collect();
    let groups: Vec<Value> = plan
        .groups
        .iter()
        .map(|group| {
            let users = [&group.needed_by[..], &group.used_by[..]].concat();
            json!({ "name": group.name, "users": users.join(", ") })
        })
        .collect();
    let params: Vec<Value> = plan
        .params
        .iter()
        .map(|param| {
            json!({
                "name": param.name,
                "component": param.component,
                "value": param.effective(),
                "doc": param.doc,
            })
        })
        .collect();
    let artifacts: Vec<Value> = artifacts
        .iter()
        .filter_map(|artifact| {
            let name = artifact
                .path
                .strip_prefix(folder)
                .ok()?
                .display()
                .to_string();
            Some(json!({ "name": name, "size": artifact.size }))
        })
        .collect();
    let data = json!({
        "name": plan.name,
        "platform": plan.platform.name,
        "platform_summary": plan.platform.summary,
        "components": components,
        "groups": groups,
        "params": params,
        "artifacts": artifacts,
    });
    template::render("report.md", &data)
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Asked => "asked for".to_owned(),
        Reason::RequiredBy { component } => format!("required by {component}"),
        Reason::DefaultProvider {
            capability,
            component,
        } => {
            format!("provides {capability} to {component}")
        }
        Reason::Auto { because } => format!("joins {}", because.join(" and ")),
    }
}
