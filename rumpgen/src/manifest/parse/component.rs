//! The manifest of a component.

use std::collections::BTreeSet;

use super::super::load::Root;
use super::super::reader::Reader;
use super::super::{Bus, Capability, Component, Devices, Param, Upstream};
use super::{check_name, code, name, summary};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::nearest;
use crate::plan::{Arity, At, Layer, ParamKind};
use crate::value;

pub(super) fn read(mut top: Reader<'_>, layer: Spanned<Layer>, root: &Root) -> Option<Component> {
    let name = name(&mut top);
    let summary = summary(&mut top, "summary");
    let code = code(&mut top, root, name.as_ref());
    let faction = faction(&mut top, &layer);
    let provides = top.texts("provides");
    let requires = top.texts("requires");
    let conflicts = top.texts("conflicts");
    let auto = auto(&mut top, &requires);
    let (needs, optional) = hypercalls(&mut top);
    let facade = top.texts("facade");
    let upstream = top
        .tables("upstream")
        .into_iter()
        .filter_map(upstream)
        .collect();
    let features = code.as_ref().map(|code| &code.package.features);
    let params = params(&mut top, features);
    let capabilities = top.named_tables("capabilities");
    let owner = name.as_ref().map_or("", |name| &name.value);
    let capabilities = capabilities
        .into_iter()
        .filter_map(|(name, table)| capability(name, table, owner))
        .collect();
    let buses = top.named_tables("buses");
    let buses = buses
        .into_iter()
        .filter_map(|(name, table)| bus(name, table, owner))
        .collect();
    let devices = top
        .tables("devices")
        .into_iter()
        .filter_map(devices)
        .collect();
    if let Some(name) = &name {
        not_itself(&top, name, &requires, "requires");
        not_itself(&top, name, &conflicts, "conflicts with");
    }
    top.finish();
    Some(Component {
        name: name?,
        layer,
        faction,
        summary: summary?,
        code: code?,
        origin: root.origin,
        provides,
        requires,
        conflicts,
        auto,
        needs,
        optional,
        facade,
        upstream,
        capabilities,
        buses,
        devices,
        params,
    })
}

fn faction(top: &mut Reader<'_>, layer: &Spanned<Layer>) -> Option<Spanned<String>> {
    if layer.value == Layer::Driver {
        return top.required_text("faction");
    }
    let faction = top.text("faction")?;
    let diagnostic = Diagnostic::new("only a driver belongs to a faction")
        .primary(&faction.place, "")
        .also(&layer.place, "this is no driver");
    top.report(diagnostic);
    None
}

fn auto(top: &mut Reader<'_>, requires: &[Spanned<String>]) -> bool {
    let Some(auto) = top.flag("auto") else {
        return false;
    };
    if auto.value && requires.is_empty() {
        let message = "a component that joins by itself requires something";
        let diagnostic = Diagnostic::new(message)
            .primary(&auto.place, "it would be in every kernel")
            .help("name in `requires` what it combines");
        top.report(diagnostic);
    }
    auto.value
}

fn hypercalls(top: &mut Reader<'_>) -> (Vec<Spanned<String>>, Vec<Spanned<String>>) {
    let Some(mut table) = top.table("hypercalls") else {
        return (Vec::new(), Vec::new());
    };
    let needs = table.texts("needs");
    let optional = table.texts("optional");
    for group in &optional {
        if let Some(needed) = needs.iter().find(|needed| needed.value == group.value) {
            let message = format!("the group `{}` is both needed and optional", group.value);
            let diagnostic = Diagnostic::new(message).primary(&group.place, "optional");
            top.report(diagnostic.also(&needed.place, "needed"));
        }
    }
    table.finish();
    (needs, optional)
}

fn upstream(mut table: Reader<'_>) -> Option<Upstream> {
    let package = table.required_text("crate");
    let env = table.map("env");
    let fast = table.flag("fast").is_some_and(|fast| fast.value);
    table.finish();
    Some(Upstream {
        package: package?,
        env,
        fast,
    })
}

fn capability(name: Spanned<String>, mut table: Reader<'_>, owner: &str) -> Option<Capability> {
    check_name(&table, "the name of a capability", &name);
    let arity = table.required_word("arity", &[("one", Arity::One), ("many", Arity::Many)]);
    let doc = summary(&mut table, "doc");
    table.finish();
    Some(Capability {
        name,
        arity: arity?.value,
        owner: owner.to_owned(),
        doc: doc?,
    })
}

fn bus(name: Spanned<String>, mut table: Reader<'_>, owner: &str) -> Option<Bus> {
    check_name(&table, "the name of a bus", &name);
    let ids = table.texts("ids");
    if let Some(id) = ids.iter().find(|id| id.value == "bus") {
        let diagnostic = Diagnostic::new("`bus` cannot be an id").primary(&id.place, "");
        let help = "a table of devices says with this key which bus they are on";
        table.report(diagnostic.help(help));
    }
    let doc = summary(&mut table, "doc");
    table.finish();
    Some(Bus {
        name,
        ids,
        owner: owner.to_owned(),
        doc: doc?,
    })
}

/// Devices on a bus. Which ids there are besides is the bus's to say, maybe in another manifest.
fn devices(mut table: Reader<'_>) -> Option<Devices> {
    let bus = table.required_text("bus");
    let ids = table.remaining_numbers();
    Some(Devices { bus: bus?, ids })
}

fn params(top: &mut Reader<'_>, features: Option<&BTreeSet<String>>) -> Vec<Param> {
    let tables = top.named_tables("params");
    tables
        .into_iter()
        .filter_map(|(name, table)| param(name, table, features))
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Bytes,
    Integer,
    Bool,
    Text,
    Duration,
    Choice,
}

const TYPES: &[(&str, Type)] = &[
    ("bytes", Type::Bytes),
    ("integer", Type::Integer),
    ("bool", Type::Bool),
    ("text", Type::Text),
    ("duration", Type::Duration),
    ("choice", Type::Choice),
];

fn param(
    name: Spanned<String>,
    mut table: Reader<'_>,
    features: Option<&BTreeSet<String>>,
) -> Option<Param> {
    check_name(&table, "the name of a parameter", &name);
    let at = table.required_word("at", &[("boot", At::Boot), ("build", At::Build)]);
    let kind = table.required_word("type", TYPES);
    let choices = table.texts("choices");
    let default = table.required_scalar("default");
    let doc = summary(&mut table, "doc");
    if let Some(kind) = &kind
        && (kind.value == Type::Choice) == choices.is_empty()
    {
        let message = match choices.is_empty() {
            true => "a parameter of type `choice` lists its `choices`",
            false => "only a parameter of type `choice` has `choices`",
        };
        table.report(Diagnostic::new(message).primary(&kind.place, ""));
    }
    let place = kind.as_ref().map(|kind| kind.place.clone());
    let kind = kind.map(|kind| match kind.value {
        Type::Bytes => ParamKind::Bytes,
        Type::Integer => ParamKind::Integer,
        Type::Bool => ParamKind::Bool,
        Type::Text => ParamKind::Text,
        Type::Duration => ParamKind::Duration,
        Type::Choice => ParamKind::Choice {
            choices: choices.into_iter().map(|choice| choice.value).collect(),
        },
    });
    let empty = matches!(&kind, Some(ParamKind::Choice { choices }) if choices.is_empty());
    if let (Some(kind), Some(default), false) = (&kind, &default, empty)
        && let Err(wanted) = value::check(kind, &default.value)
    {
        let message = format!("`{}` is no value of `{}`", default.value, name.value);
        let diagnostic = Diagnostic::new(message).primary(&default.place, "");
        table.report(diagnostic.help(format!("it takes {wanted}")));
    }
    let at = at.map(|at| at.value);
    if let (Some(At::Build), Some(kind), Some(place)) = (at, &kind, &place) {
        let default = default.as_ref().map_or("", |default| &default.value);
        let missing = missing_features(&name.value, kind, default, features);
        if let Some(problem) = missing {
            table.report(problem.primary(place, ""));
        }
    }
    table.finish();
    Some(Param {
        name,
        at: at?,
        kind: kind?,
        default: default?.value,
        doc: doc?,
    })
}

/// A value chosen at build time reaches the code as a cargo feature, so that there must be one.
fn missing_features(
    name: &str,
    kind: &ParamKind,
    default: &str,
    features: Option<&BTreeSet<String>>,
) -> Option<Diagnostic> {
    let wanted: Vec<&str> = match kind {
        ParamKind::Bool if default == "true" => {
            let message = format!("`{name}` cannot be switched off");
            let help = "a cargo feature is off unless it is asked for: let the default be false";
            return Some(Diagnostic::new(message).help(help));
        }
        ParamKind::Bool => vec![name],
        ParamKind::Choice { choices } => choices
            .iter()
            .map(String::as_str)
            .filter(|choice| *choice != default)
            .collect(),
        _ => {
            let message = format!("`{name}` cannot be decided at build time");
            let help = "cargo features carry only the types `bool` and `choice`";
            return Some(Diagnostic::new(message).help(help));
        }
    };
    let features = features?;
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|feature| !features.contains(*feature))
        .collect();
    (!missing.is_empty()).then(|| {
        let names = nearest::list(missing);
        Diagnostic::new(format!("the crate has no cargo feature {names}")).help(format!(
            "values of `{name}` other than the default switch on features of their name"
        ))
    })
}

fn not_itself(top: &Reader<'_>, name: &Spanned<String>, list: &[Spanned<String>], verb: &str) {
    if let Some(entry) = list.iter().find(|entry| entry.value == name.value) {
        let message = format!("`{}` {verb} itself", name.value);
        top.report(Diagnostic::new(message).primary(&entry.place, ""));
    }
}
