//! The graph for Graphviz.

use std::fmt::Write;

use super::picture::{LineKind, Picture};
use crate::plan::Layer;

const LAYERS: &[(Layer, &str, &str)] = &[
    (Layer::Driver, "drivers", "#e8f1fb"),
    (Layer::Faction, "factions", "#e9f6ec"),
    (Layer::Base, "base", "#fdf3e1"),
];

pub(super) fn draw(picture: &Picture) -> String {
    let mut text = String::new();
    write(&mut text, picture).expect("a string takes everything");
    text
}

fn write(text: &mut String, picture: &Picture) -> std::fmt::Result {
    writeln!(text, "digraph {} {{", quoted(&picture.title))?;
    writeln!(
        text,
        "  rankdir=TB; newrank=true; fontname=\"sans-serif\"; compound=true;"
    )?;
    writeln!(
        text,
        "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];"
    )?;
    writeln!(text, "  edge [fontname=\"sans-serif\", fontsize=10];")?;
    for (layer, label, colour) in LAYERS {
        if picture.layer(*layer).next().is_none() {
            continue;
        }
        writeln!(text, "  subgraph \"cluster {label}\" {{")?;
        writeln!(
            text,
            "    label=\"{label}\"; style=rounded; color=\"#cccccc\";"
        )?;
        for node in picture.layer(*layer) {
            let width = if node.asked { 2 } else { 1 };
            let (name, tip) = (quoted(&node.name), quoted(&node.summary));
            writeln!(
                text,
                "    {name} [fillcolor=\"{colour}\", penwidth={width}, tooltip={tip}];"
            )?;
        }
        writeln!(text, "  }}")?;
    }
    if !picture.groups.is_empty() {
        let host = picture.platform.as_deref().unwrap_or("any platform");
        writeln!(text, "  subgraph \"cluster hypercalls\" {{")?;
        writeln!(
            text,
            "    label={}; style=rounded; color=\"#cccccc\";",
            quoted(&format!("hypercalls: {host}"))
        )?;
        for group in &picture.groups {
            let (id, label) = (
                quoted(&format!("group {}", group.name)),
                quoted(&group.name),
            );
            writeln!(
                text,
                "    {id} [label={label}, shape=ellipse, style=filled, fillcolor=\"#f0f0f0\"];"
            )?;
        }
        writeln!(text, "  }}")?;
    }
    for line in picture.lines.iter().filter(|line| !line.implied) {
        let (from, to) = (quoted(&line.from), quoted(&line.to));
        match line.kind {
            LineKind::Declared => writeln!(text, "  {from} -> {to};")?,
            LineKind::Auto => writeln!(text, "  {from} -> {to} [style=dotted];")?,
            LineKind::Capability => {
                let label = quoted(line.capability.as_deref().unwrap_or_default());
                writeln!(
                    text,
                    "  {from} -> {to} [label={label}, style=dashed, color=\"#2563b0\", constraint=false];"
                )?;
            }
        }
    }
    for group in &picture.groups {
        let to = quoted(&format!("group {}", group.name));
        for user in &group.needed_by {
            writeln!(text, "  {} -> {to} [color=\"#999999\"];", quoted(user))?;
        }
        for user in &group.used_by {
            writeln!(
                text,
                "  {} -> {to} [color=\"#999999\", style=dotted];",
                quoted(user)
            )?;
        }
    }
    writeln!(text, "}}")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
