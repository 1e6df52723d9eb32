//! Why a component is part of a configuration, or what could make it one.

use std::collections::BTreeSet;

use crate::Resolved;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::manifest::{Catalogue, Component};
use crate::plan::{Plan, Reason};
use crate::select;

/// Every reason why a component is part of the plan, each followed to what the user asked for; or that it
/// is not, and what would bring it in.
///
/// # Errors
/// Where there is no such component.
pub fn why(resolved: &Resolved, name: &Spanned<String>) -> Result<String, Diagnostic> {
    let catalogue = &resolved.catalogue;
    let component = select::component(name, catalogue)?;
    let mut lines = vec![format!("{}: {}", name.value, component.summary)];
    if resolved.plan.component(&name.value).is_some() {
        present(&mut lines, &resolved.plan, &name.value);
    } else {
        absent(&mut lines, &resolved.plan, catalogue, component);
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn present(lines: &mut Vec<String>, plan: &Plan, name: &str) {
    lines.push(format!("  part of {} because", plan.name));
    let why = plan
        .component(name)
        .map_or(&[][..], |component| &component.why);
    for reason in why {
        let mut path = vec![name];
        let mut parts = vec![told(reason, plan)];
        let mut next = towards_the_user(reason, plan, &mut path);
        while let Some(reason) = next {
            parts.push(told(reason, plan));
            next = towards_the_user(reason, plan, &mut path);
        }
        lines.push(format!("  - {}", parts.join(", ")));
    }
}

/// A reason, as what follows a component's name.
fn told(reason: &Reason, plan: &Plan) -> String {
    match reason {
        Reason::Asked => "asked for".to_owned(),
        Reason::RequiredBy { component } => format!("required by {component}"),
        Reason::DefaultProvider {
            capability,
            component,
        } => {
            let platform = &plan.platform.name;
            format!("default provider of {capability} on {platform}, required by {component}")
        }
        Reason::Auto { because } => {
            format!("joins by itself where there is {}", because.join(" and "))
        }
    }
}

/// Of the component that a reason leads to, the reason that is nearest to the user.
fn towards_the_user<'a>(
    reason: &'a Reason,
    plan: &'a Plan,
    path: &mut Vec<&'a str>,
) -> Option<&'a Reason> {
    let next = match reason {
        Reason::Asked => return None,
        Reason::RequiredBy { component } | Reason::DefaultProvider { component, .. } => component,
        Reason::Auto { because } => because.iter().find(|name| plan.component(name).is_some())?,
    };
    if path.contains(&&**next) {
        return None;
    }
    path.push(next);
    let reasons = &plan.component(next)?.why;
    reasons
        .iter()
        .min_by_key(|reason| distance(reason, plan, &mut path.clone()))
}

/// How many steps lead from a reason to what was asked for, without a circle.
fn distance<'a>(reason: &'a Reason, plan: &'a Plan, path: &mut Vec<&'a str>) -> usize {
    let next = match reason {
        Reason::Asked => return 0,
        Reason::RequiredBy { component } | Reason::DefaultProvider { component, .. } => component,
        Reason::Auto { because } => {
            match because.iter().find(|name| plan.component(name).is_some()) {
                Some(name) => name,
                None => return usize::MAX,
            }
        }
    };
    if path.contains(&&**next) {
        return usize::MAX;
    }
    path.push(next);
    let reasons = plan
        .component(next)
        .map_or(&[][..], |component| &component.why);
    let nearest = reasons
        .iter()
        .map(|reason| distance(reason, plan, path))
        .min();
    path.pop();
    nearest.unwrap_or(usize::MAX).saturating_add(1)
}

fn absent(lines: &mut Vec<String>, plan: &Plan, catalogue: &Catalogue, component: &Component) {
    let name = &component.name.value;
    lines.push(format!("  not part of {}", plan.name));
    if plan.request.without.contains(name) {
        lines.push("  - it is left out with --without".to_owned());
    }
    lines.push(format!("  - asked for, it would be: --components {name}"));
    let requirers = catalogue.components.values().filter(|other| {
        !other.auto
            && other
                .requires
                .iter()
                .any(|required| required.value == *name)
    });
    let requirers: Vec<&str> = requirers.map(|other| &*other.name.value).collect();
    if !requirers.is_empty() {
        lines.push(format!("  - it would come with {}", requirers.join(", ")));
    }
    for capability in component.provides.iter().map(|provided| &*provided.value) {
        let chosen: BTreeSet<&str> = plan
            .components
            .iter()
            .filter(|chosen| {
                chosen
                    .provides
                    .iter()
                    .any(|provided| provided == capability)
            })
            .map(|chosen| &*chosen.name)
            .collect();
        let requires = |other: &crate::plan::Component| {
            let manifest = catalogue.components.get(&other.name);
            manifest.is_some_and(|it| it.requires.iter().any(|name| name.value == capability))
        };
        let chosen = Vec::from_iter(chosen).join(", ");
        lines.push(match plan.components.iter().any(requires) {
            true => format!("  - it could provide {capability}, which is provided by {chosen}"),
            false => format!("  - it could provide {capability}, which nothing here requires"),
        });
    }
    if component.auto {
        let missing = component
            .requires
            .iter()
            .map(|name| &*name.value)
            .filter(|required| {
                let provides =
                    |it: &crate::plan::Component| it.provides.iter().any(|p| p == required);
                plan.component(required).is_none() && !plan.components.iter().any(provides)
            });
        let missing: Vec<&str> = missing.collect();
        if !missing.is_empty() {
            lines.push(format!(
                "  - it would join by itself with {}",
                missing.join(" and ")
            ));
        }
    }
}
