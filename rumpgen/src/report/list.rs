//! What there is to choose from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;

use crate::manifest::{self, Catalogue};
use crate::plan::{Arity, Layer, Origin};

/// Components and platforms, for people or as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct List {
    /// Components by layer, then name.
    pub components: Vec<Component>,
    /// Capabilities by name.
    pub capabilities: Vec<Capability>,
    /// Platforms by name.
    pub platforms: Vec<Platform>,
}

/// A component of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Component {
    name: String,
    layer: Layer,
    faction: Option<String>,
    summary: String,
    origin: Origin,
    provides: Vec<String>,
    requires: Vec<String>,
    params: Vec<Param>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Param {
    name: String,
    default: String,
    doc: String,
}

/// A capability of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Capability {
    name: String,
    arity: Arity,
    doc: String,
    providers: Vec<String>,
}

/// A platform of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Platform {
    name: String,
    summary: String,
    default: bool,
    origin: Origin,
    offers: Vec<String>,
    links: Vec<String>,
    defaults: BTreeMap<String, Vec<String>>,
}

/// Everything a catalogue has.
pub fn list(catalogue: &Catalogue) -> List {
    let names = |names: &[crate::diagnostic::Spanned<String>]| {
        names
            .iter()
            .map(|name| name.value.clone())
            .collect::<Vec<_>>()
    };
    let mut components: Vec<Component> = catalogue
        .components
        .values()
        .map(|component| Component {
            name: component.name.value.clone(),
            layer: component.layer.value,
            faction: component
                .faction
                .as_ref()
                .map(|faction| faction.value.clone()),
            summary: component.summary.clone(),
            origin: component.origin,
            provides: names(&component.provides),
            requires: names(&component.requires),
            params: component
                .params
                .iter()
                .map(|param| Param {
                    name: param.name.value.clone(),
                    default: param.default.clone(),
                    doc: param.doc.clone(),
                })
                .collect(),
        })
        .collect();
    components.sort_by(|a, b| (a.layer, &a.faction, &a.name).cmp(&(b.layer, &b.faction, &b.name)));
    let capabilities = catalogue
        .capabilities
        .values()
        .map(|capability| Capability {
            name: capability.name.value.clone(),
            arity: capability.arity,
            doc: capability.doc.clone(),
            providers: catalogue
                .providers(&capability.name.value)
                .map(|provider| provider.name.value.clone())
                .collect(),
        });
    let platforms = catalogue.platforms.values().map(|platform| Platform {
        name: platform.name.value.clone(),
        summary: platform.summary.clone(),
        default: platform.default.is_some(),
        origin: platform.origin,
        offers: offers(platform),
        links: names(&platform.links),
        defaults: platform
            .defaults
            .iter()
            .map(|(capability, defaults)| (capability.clone(), names(&defaults.providers)))
            .collect(),
    });
    List {
        components,
        capabilities: capabilities.collect(),
        platforms: platforms.collect(),
    }
}

/// What kernels have on a platform, whoever implements it.
fn offers(platform: &manifest::Platform) -> Vec<String> {
    let groups = platform.groups().map(|group| group.value.clone());
    groups.collect::<BTreeSet<_>>().into_iter().collect()
}

impl List {
    /// For programs.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a list is strings, lists and truth values");
        text.push('\n');
        text
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let components = self.components.iter().map(|it| it.name.len());
        let platforms = self.platforms.iter().map(|it| it.name.len());
        let capabilities = self.capabilities.iter().map(|it| it.name.len());
        let width = components
            .chain(platforms)
            .chain(capabilities)
            .max()
            .unwrap_or(0);
        let pad = " ".repeat(width + 4);
        let mut heading = String::new();
        for component in &self.components {
            let now = match (component.layer, &component.faction) {
                (Layer::Base, _) => "base".to_owned(),
                (Layer::Faction, _) => "factions".to_owned(),
                (Layer::Driver, faction) => {
                    format!("drivers: {}", faction.as_deref().unwrap_or_default())
                }
            };
            if now != heading {
                let gap = if heading.is_empty() { "" } else { "\n" };
                writeln!(text, "{gap}{now}")?;
                heading = now;
            }
            let outside = if component.origin == Origin::OutOfTree {
                " (out of tree)"
            } else {
                ""
            };
            writeln!(
                text,
                "  {:width$}  {}{outside}",
                component.name, component.summary
            )?;
            if !component.provides.is_empty() {
                writeln!(text, "{pad}provides {}", component.provides.join(", "))?;
            }
        }
        writeln!(text, "\ncapabilities")?;
        for capability in &self.capabilities {
            writeln!(text, "  {:width$}  {}", capability.name, capability.doc)?;
            let arity = match capability.arity {
                Arity::One => "one of",
                Arity::Many => "any of",
            };
            writeln!(text, "{pad}{arity} {}", capability.providers.join(", "))?;
        }
        writeln!(text, "\nplatforms")?;
        for platform in &self.platforms {
            let default = if platform.default { " (default)" } else { "" };
            writeln!(
                text,
                "  {:width$}  {}{default}",
                platform.name, platform.summary
            )?;
            writeln!(text, "{pad}offers {}", platform.offers.join(", "))?;
            if !platform.links.is_empty() {
                writeln!(text, "{pad}links by {}", platform.links.join(", "))?;
            }
            for (capability, providers) in &platform.defaults {
                writeln!(text, "{pad}{capability}: {}", providers.join(", "))?;
            }
        }
        Ok(())
    }
}
