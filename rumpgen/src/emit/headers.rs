//! The C headers: what is selected, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::template;
use crate::source::constants::Constant;
use crate::source::syscalls::{Call, Kind};
use crate::vocabulary::CParam;

/// `rump/rump_syscalls.h`: the system calls.
pub(super) fn system_calls<'a>(calls: impl Iterator<Item = &'a Call>) -> String {
    let calls: Vec<_> = calls.filter(|call| call.kind == Kind::System).collect();
    template::render("rump_syscalls.h", &declarations(&calls))
}

/// `rump/<module>.h` for each module that public calls are in, by module.
pub(super) fn modules<'a>(calls: impl Iterator<Item = &'a Call>) -> BTreeMap<String, String> {
    let mut modules: BTreeMap<String, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        if let Kind::Public(module) = &call.kind {
            modules.entry(module.clone()).or_default().push(call);
        }
    }
    let render = |(module, calls): (String, Vec<&Call>)| {
        let mut data = declarations(&calls);
        data["module"] = json!(module);
        data["guard"] = json!(module.to_uppercase());
        (module, template::render("module.h", &data))
    };
    modules.into_iter().map(render).collect()
}

/// `rump/rumpdefs.h`: the numbers.
pub(super) fn constants(constants: &[Constant]) -> String {
    let widest = constants.iter().map(|c| c.name.len()).max().unwrap_or(0);
    let lines: Vec<_> = constants
        .iter()
        .map(|c| format!("#define RUMP_{:widest$} {}", c.name, c.value))
        .collect();
    template::render("rumpdefs.h", &json!({ "lines": lines }))
}

fn declarations(calls: &[&Call]) -> Value {
    let mut includes: BTreeSet<&str> = BTreeSet::new();
    let mut structures: BTreeSet<&str> = BTreeSet::new();
    let mut functions = Vec::new();
    for call in calls {
        includes.extend(call.returns.headers);
        let mut parameters = Vec::new();
        for (name, argument) in &call.arguments {
            includes.extend(argument.headers);
            if argument.headers.is_empty() {
                structures.extend(argument.params.iter().filter_map(CParam::structure));
            }
            parameters.extend(argument.params.iter().map(|p| p.declaration(name)));
        }
        if let Some(yields) = call.yields() {
            parameters.push(format!("{} *result", yields.c));
        }
        if parameters.is_empty() {
            parameters.push("void".to_owned());
        }
        let returns = if call.kind == Kind::System {
            call.returns.c
        } else {
            "int"
        };
        functions.push(json!({
            "doc": call.doc,
            "declaration":
                format!("{returns} {}({});", call.symbol(), parameters.join(", ")),
        }));
    }
    json!({ "includes": includes, "structures": structures, "functions": functions })
}
