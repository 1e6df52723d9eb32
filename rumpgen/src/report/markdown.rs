//! The graph as tables.

use std::fmt::Write;

use super::picture::{Line, LineKind, Picture};
use crate::plan::Layer;

pub(super) fn write(picture: &Picture) -> String {
    let mut text = String::new();
    tables(&mut text, picture).expect("a string takes everything");
    text
}

fn tables(text: &mut String, picture: &Picture) -> std::fmt::Result {
    writeln!(text, "# {}\n", picture.title)?;
    writeln!(text, "## Components\n")?;
    writeln!(
        text,
        "| component | layer | what it is | requires | provides |"
    )?;
    writeln!(text, "|---|---|---|---|---|")?;
    for layer in [Layer::Driver, Layer::Faction, Layer::Base] {
        for node in picture.layer(layer) {
            let name = if node.asked {
                format!("**{}**", node.name)
            } else {
                node.name.clone()
            };
            let needs = picture.lines.iter().filter(|line| line.from == node.name);
            let needs: Vec<String> = needs.map(need).collect();
            let layer = match (layer, &node.faction) {
                (Layer::Base, _) => "base".to_owned(),
                (Layer::Faction, _) => "faction".to_owned(),
                (Layer::Driver, Some(faction)) => format!("driver of {faction}"),
                (Layer::Driver, None) => "driver".to_owned(),
            };
            let (needs, provides) = (needs.join(", "), node.provides.join(", "));
            let summary = node.summary.replace('|', "\\|");
            writeln!(
                text,
                "| {name} | {layer} | {summary} | {needs} | {provides} |"
            )?;
        }
    }
    let of = picture
        .platform
        .as_ref()
        .map_or(String::new(), |name| format!(" of {name}"));
    writeln!(text, "\n## Hypercall groups{of}\n")?;
    writeln!(text, "| group | needed by | used by |")?;
    writeln!(text, "|---|---|---|")?;
    for group in &picture.groups {
        let (needed, used) = (group.needed_by.join(", "), group.used_by.join(", "));
        writeln!(text, "| {} | {needed} | {used} |", group.name)?;
    }
    Ok(())
}

fn need(line: &Line) -> String {
    match (line.kind, &line.capability) {
        (LineKind::Capability, Some(capability)) => format!("{} ({capability})", line.to),
        (LineKind::Auto, _) => format!("{} (joins by itself)", line.to),
        _ => line.to.clone(),
    }
}
