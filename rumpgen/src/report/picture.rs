//! What the graph reports show, before any form is chosen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::graph::Graph;
use crate::manifest::Catalogue;
use crate::plan::{Edge, EdgeKind, Layer, Origin, Plan, Reason};

/// A graph to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Picture {
    /// What it shows.
    pub title: String,
    /// The platform, where one was chosen.
    pub platform: Option<String>,
    /// The components, in start order.
    pub nodes: Vec<Node>,
    /// Who needs whom, sorted.
    pub lines: Vec<Line>,
    /// The hypercall groups, sorted by name.
    pub groups: Vec<Group>,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its layer.
    pub layer: Layer,
    /// The faction of a driver.
    pub faction: Option<String>,
    /// What it is, in a line.
    pub summary: String,
    /// Where it is described.
    pub origin: Origin,
    /// Whether the user asked for it by name.
    pub asked: bool,
    /// Capabilities it provides, sorted.
    pub provides: Vec<String>,
}

/// One component's need for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// The component that needs.
    pub from: String,
    /// The component that is needed.
    pub to: String,
    /// How.
    pub kind: LineKind,
    /// The capability, where the kind is `capability`.
    pub capability: Option<String>,
    /// Whether it follows from other needs; drawings leave such lines out.
    pub implied: bool,
}

/// How one component needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// It requires it by name.
    Declared,
    /// It joined because the other was there.
    Auto,
    /// The other provides a capability that it requires.
    Capability,
}

/// A hypercall group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The components that cannot do without it, sorted.
    pub needed_by: Vec<String>,
    /// The components that make use of it where it is, sorted.
    pub used_by: Vec<String>,
}

impl Picture {
    /// One configuration.
    pub fn of_plan(plan: &Plan) -> Self {
        let nodes = plan.components.iter().map(|component| Node {
            name: component.name.clone(),
            layer: component.layer,
            faction: component.faction.clone(),
            summary: component.summary.clone(),
            origin: component.origin,
            asked: component.why.contains(&Reason::Asked),
            provides: component.provides.clone(),
        });
        let groups = plan.groups.iter().map(|group| Group {
            name: group.name.clone(),
            needed_by: group.needed_by.clone(),
            used_by: group.used_by.clone(),
        });
        Picture {
            title: plan.name.clone(),
            platform: Some(plan.platform.name.clone()),
            nodes: nodes.collect(),
            lines: lines(&plan.edges),
            groups: groups.collect(),
        }
    }

    /// Everything there is, with all providers of each capability.
    pub fn of_catalogue(catalogue: &Catalogue) -> Self {
        let edges = all_edges(catalogue);
        let graph = Graph::new(catalogue.components.keys().map(String::as_str), &edges);
        let order = graph.start_order(|name| (catalogue.components[name].layer.value, name));
        let nodes = order.into_iter().map(|name| {
            let component = &catalogue.components[name];
            let provides = component.provides.iter().map(|it| it.value.clone());
            Node {
                name: name.to_owned(),
                layer: component.layer.value,
                faction: component
                    .faction
                    .as_ref()
                    .map(|faction| faction.value.clone()),
                summary: component.summary.clone(),
                origin: component.origin,
                asked: false,
                provides: BTreeSet::from_iter(provides).into_iter().collect(),
            }
        });
        Picture {
            title: "all components".to_owned(),
            platform: None,
            nodes: nodes.collect(),
            lines: lines(&edges),
            groups: all_groups(catalogue),
        }
    }

    /// The picture as JSON, the same bytes for the same picture.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("a picture is strings, lists and truth values");
        text.push('\n');
        text
    }

    /// The components of a layer, in start order.
    pub(super) fn layer(&self, layer: Layer) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.layer == layer)
    }
}

fn all_edges(catalogue: &Catalogue) -> Vec<Edge> {
    let mut edges = BTreeSet::new();
    for component in catalogue.components.values() {
        let from = &component.name.value;
        for name in &component.requires {
            let mut edge = |to: &str, kind| {
                edges.insert(Edge {
                    from: from.clone(),
                    to: to.to_owned(),
                    kind,
                });
            };
            if catalogue.components.contains_key(&name.value) {
                edge(
                    &name.value,
                    if component.auto {
                        EdgeKind::Auto
                    } else {
                        EdgeKind::Declared
                    },
                );
            }
            for provider in catalogue
                .providers(&name.value)
                .filter(|it| it.name.value != *from)
            {
                let capability = name.value.clone();
                edge(&provider.name.value, EdgeKind::Capability { capability });
            }
        }
    }
    edges.into_iter().collect()
}

fn all_groups(catalogue: &Catalogue) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for component in catalogue.components.values() {
        let needs = component.needs.iter().map(|group| (group, true));
        for (group, needed) in needs.chain(component.optional.iter().map(|group| (group, false))) {
            let fresh = Group {
                name: group.value.clone(),
                needed_by: Vec::new(),
                used_by: Vec::new(),
            };
            let entry = groups.entry(&group.value).or_insert(fresh);
            let users = if needed {
                &mut entry.needed_by
            } else {
                &mut entry.used_by
            };
            users.push(component.name.value.clone());
        }
    }
    groups.into_values().collect()
}

/// Marks what other needs imply: where a component needs something by name that another of its needs
/// leads to by name as well.
fn lines(edges: &[Edge]) -> Vec<Line> {
    let hard = |edge: &&Edge| !matches!(edge.kind, EdgeKind::Capability { .. });
    let names: BTreeSet<&str> = edges
        .iter()
        .flat_map(|edge| [&*edge.from, &*edge.to])
        .collect();
    let graph = Graph::new(names, edges.iter().filter(hard));
    let lines = edges.iter().map(|edge| {
        let detour = || {
            edges.iter().filter(hard).any(|other| {
                other.from == edge.from
                    && other.to != edge.to
                    && graph.closure(&other.to).contains(&*edge.to)
            })
        };
        let (kind, capability) = match &edge.kind {
            EdgeKind::Declared => (LineKind::Declared, None),
            EdgeKind::Auto => (LineKind::Auto, None),
            EdgeKind::Capability { capability } => (LineKind::Capability, Some(capability.clone())),
        };
        let implied = kind != LineKind::Capability && detour();
        Line {
            from: edge.from.clone(),
            to: edge.to.clone(),
            kind,
            capability,
            implied,
        }
    });
    lines.collect()
}
