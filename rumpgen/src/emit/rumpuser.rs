//! `rump/rumpuser.h`: what a host in C implements.

mod comment;
mod names;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::template;
use crate::plan::Plan;
use crate::source::hypercalls::{Call, Group, HOST_PREFIX, Structure, c};
use names::Names;

/// What an archive uses of a C library, besides the functions of this header: the compiler takes them for
/// granted, as C's does.
pub const C_LIBRARY: [&str; 6] = ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];

/// Whether a symbol is what a host in C brings along.
pub fn is_host_symbol(name: &str) -> bool {
    name.starts_with(HOST_PREFIX) || C_LIBRARY.contains(&name)
}

/// The header for the groups among `bound` that are a host's. `all` are the groups there are: documentation
/// may name them.
pub(super) fn header(plan: &Plan, bound: &[&Group], all: &[Group]) -> String {
    let names = Names(all);
    let imported = || {
        let groups = bound.iter().copied();
        groups.filter(|group| plan.platform.imports.contains(&group.name))
    };
    let mut met = BTreeSet::new();
    let structures: Vec<_> = imported()
        .flat_map(|group| &group.structures)
        .filter(|structure| met.insert(&structure.name))
        .map(|structure| self::structure(structure, &names))
        .collect();
    let groups: Vec<_> = imported().map(|group| self::group(group, &names)).collect();
    let data = json!({
        "kernel": plan.name,
        "library": C_LIBRARY.join(", "),
        "structures": structures,
        "groups": groups,
    });
    template::render("rumpuser.h", &data)
}

fn structure(structure: &Structure, names: &Names<'_>) -> Value {
    let owner = &structure.name;
    let comment = |doc: &[String], indent| comment::comment(&names.in_c(doc, owner), indent);
    let fields: Vec<_> = structure
        .fields
        .iter()
        .map(|(field, doc)| json!({ "comment": comment(doc, 4), "declaration": field.declaration() }))
        .collect();
    let constants: Vec<_> = structure
        .constants
        .iter()
        .map(|(name, value, doc)| {
            json!({ "comment": comment(doc, 0), "name": names::constant(owner, name), "value": value })
        })
        .collect();
    json!({
        "comment": comment(&structure.doc, 0),
        "name": c::structure_name(owner),
        "fields": fields,
        "constants": constants,
    })
}

fn group(group: &Group, names: &Names<'_>) -> Value {
    let comment = |doc: &[String]| comment::comment(&names.in_c(doc, &group.trait_name), 0);
    let functions: Vec<_> = group
        .calls
        .iter()
        .map(|call| json!({ "comment": comment(&call.doc), "declaration": declaration(group, call) }))
        .collect();
    let mut title = group.doc.clone();
    if let Some(first) = title.first_mut() {
        *first = format!("{}: {first}", group.name);
    }
    json!({ "comment": comment(&title), "functions": functions })
}

fn declaration(group: &Group, call: &Call) -> String {
    let function = format!("{}{}", group.host_symbol(call), c::list(&call.c.parameters));
    match &call.c.returns {
        Some(returns) => format!("{};", returns.replace('@', &function)),
        None => format!("RUMPUSER_NORETURN void {function};"),
    }
}
