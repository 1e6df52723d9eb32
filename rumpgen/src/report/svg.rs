//! The graph as a drawing, complete in itself.
//!
//! Layers are bands, the drivers on top and the platform's hypercalls at the bottom, so that most lines
//! run downwards, from who needs to what is needed. A capability's line carries its name.

mod style;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::layout::{self, Item, Layout, Wire};
use super::picture::{LineKind, Node, Picture};
use crate::plan::{Layer, Origin};

const MARGIN: f64 = 24.0;
/// Where the names of the bands stand.
const SIDE: f64 = 96.0;
const HEADER: f64 = 52.0;
const LEGEND: f64 = 46.0;
const GAP: f64 = 58.0;
const BOX: f64 = 178.0;
const BOX_HEIGHT: f64 = 62.0;
const PILL_HEIGHT: f64 = 26.0;

/// The drawing.
pub(super) fn draw(picture: &Picture) -> String {
    let scene = Scene::new(picture);
    let mut text = String::new();
    scene.write(&mut text).expect("a string takes everything");
    text
}

/// A line from one thing to another.
struct Arrow {
    from: usize,
    to: usize,
    class: &'static str,
    label: Option<String>,
    tip: String,
}

struct Scene<'a> {
    picture: &'a Picture,
    /// Components first, then groups.
    items: Vec<Item>,
    arrows: Vec<Arrow>,
    layout: Layout,
}

impl<'a> Scene<'a> {
    fn new(picture: &'a Picture) -> Self {
        let ranks = ranks(picture);
        let mut items: Vec<Item> = ranks
            .iter()
            .map(|rank| Item {
                row: 2 * rank,
                width: BOX,
                margin: 13.0,
            })
            .collect();
        items.extend(picture.groups.iter().map(|group| Item {
            row: 0,
            width: text::width(&group.name, 12.0) + 24.0,
            margin: 6.0,
        }));
        let arrows = arrows(picture);
        let wires: Vec<Wire> = arrows.iter().map(|arrow| wire(arrow, &items)).collect();
        let layout = layout::layout(&items, &wires);
        Scene {
            picture,
            items,
            arrows,
            layout,
        }
    }

    fn rows(&self) -> usize {
        self.items
            .iter()
            .map(|item| item.row + 1)
            .max()
            .unwrap_or(1)
    }

    fn height(&self) -> f64 {
        self.top(0) + PILL_HEIGHT + 20.0 + LEGEND
    }

    fn width(&self) -> f64 {
        (SIDE + self.layout.width + 2.0 * MARGIN).max(style::LEGEND_WIDTH + 2.0 * MARGIN)
    }

    /// The upper edge of what stands in a row.
    fn top(&self, row: usize) -> f64 {
        let last = self.rows() - 1;
        let boxes = |row: usize| ((last - row) / 2) as f64;
        HEADER + boxes(row - row % 2) * (BOX_HEIGHT + GAP) + if row % 2 == 1 { -GAP } else { 0.0 }
    }

    fn item_height(&self, item: usize) -> f64 {
        if item < self.picture.nodes.len() {
            BOX_HEIGHT
        } else {
            PILL_HEIGHT
        }
    }

    /// A horizontal position of the layout in the drawing.
    fn x(&self, layout: f64) -> f64 {
        MARGIN + SIDE + layout
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (width, height) = (self.width(), self.height());
        writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">"#
        )?;
        writeln!(out, "<title>{}</title>", text::escape(&self.picture.title))?;
        out.push_str(style::HEAD);
        writeln!(
            out,
            r#"<rect class="paper" width="{width:.0}" height="{height:.0}"/>"#
        )?;
        writeln!(
            out,
            r#"<text class="title" x="{MARGIN}" y="32">{}</text>"#,
            text::escape(&self.picture.title)
        )?;
        self.bands(out)?;
        self.lines(out)?;
        for (index, node) in self.picture.nodes.iter().enumerate() {
            self.component(out, index, node)?;
        }
        self.pills(out)?;
        style::legend(out, MARGIN, height - LEGEND + 8.0)?;
        writeln!(out, "</svg>")
    }

    fn bands(&self, out: &mut String) -> std::fmt::Result {
        let bands = [
            (Layer::Driver, "drivers"),
            (Layer::Faction, "factions"),
            (Layer::Base, "base"),
        ];
        for (layer, label) in bands {
            let nodes = self.picture.nodes.iter().zip(&self.items);
            let rows = nodes
                .filter(|(node, _)| node.layer == layer)
                .map(|(_, item)| item.row);
            let (mut low, mut high) = (usize::MAX, 0);
            rows.for_each(|row| (low, high) = (low.min(row), high.max(row)));
            if low <= high {
                self.band(out, self.top(high), self.top(low) + BOX_HEIGHT, label, None)?;
            }
        }
        if self.picture.groups.is_empty() {
            return Ok(());
        }
        let host = self.picture.platform.as_deref();
        self.band(
            out,
            self.top(0),
            self.top(0) + PILL_HEIGHT,
            "hypercalls",
            host,
        )
    }

    fn band(
        &self,
        out: &mut String,
        top: f64,
        bottom: f64,
        label: &str,
        detail: Option<&str>,
    ) -> std::fmt::Result {
        let (x, y) = (MARGIN, top - 12.0);
        let (width, height) = (self.width() - 2.0 * MARGIN, bottom - top + 24.0);
        writeln!(
            out,
            r#"<rect class="band {label}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="10"/>"#
        )?;
        let middle = (top + bottom) / 2.0 + if detail.is_some() { -3.0 } else { 4.0 };
        writeln!(
            out,
            r#"<text class="layer" x="{:.1}" y="{middle:.1}">{label}</text>"#,
            x + 14.0
        )?;
        if let Some(detail) = detail {
            let (x, y, detail) = (x + 14.0, middle + 15.0, text::escape(detail));
            writeln!(
                out,
                r#"<text class="detail" x="{x:.1}" y="{y:.1}">{detail}</text>"#
            )?;
        }
        Ok(())
    }

    fn component(&self, out: &mut String, index: usize, node: &Node) -> std::fmt::Result {
        let (x, y) = (
            self.x(self.layout.centres[index]) - BOX / 2.0,
            self.top(self.items[index].row),
        );
        let layer = match node.layer {
            Layer::Base => "base",
            Layer::Faction => "factions",
            Layer::Driver => "drivers",
        };
        let asked = if node.asked { " asked" } else { "" };
        let outside = if node.origin == Origin::OutOfTree {
            " outside"
        } else {
            ""
        };
        writeln!(
            out,
            r#"<g class="component {layer}{asked}{outside}"><title>{}</title>"#,
            text::escape(&node.summary)
        )?;
        writeln!(
            out,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{BOX}" height="{BOX_HEIGHT}" rx="7"/>"#
        )?;
        let centre = x + BOX / 2.0;
        let name = text::escape(&node.name);
        writeln!(
            out,
            r#"<text class="name" x="{centre:.1}" y="{:.1}">{name}</text>"#,
            y + 20.0
        )?;
        let lines = text::wrap(&node.summary, BOX - 16.0, 10.5, 2);
        for (line, words) in lines.iter().enumerate() {
            let (y, words) = (y + 36.0 + 13.0 * line as f64, text::escape(words));
            writeln!(
                out,
                r#"<text class="summary" x="{centre:.1}" y="{y:.1}">{words}</text>"#
            )?;
        }
        writeln!(out, "</g>")
    }

    fn pills(&self, out: &mut String) -> std::fmt::Result {
        for (index, group) in self.picture.groups.iter().enumerate() {
            let item = self.picture.nodes.len() + index;
            let (centre, y) = (self.x(self.layout.centres[item]), self.top(0));
            let width = self.items[item].width;
            let x = centre - width / 2.0;
            writeln!(
                out,
                r#"<rect class="pill" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{PILL_HEIGHT}" rx="13"/>"#
            )?;
            let name = text::escape(&group.name);
            writeln!(
                out,
                r#"<text class="group" x="{centre:.1}" y="{:.1}">{name}</text>"#,
                y + 17.5
            )?;
        }
        Ok(())
    }

    fn lines(&self, out: &mut String) -> std::fmt::Result {
        let ports = self.ports();
        let mut labels = String::new();
        for (index, arrow) in self.arrows.iter().enumerate() {
            let (path, label) = self.path(index, arrow, &ports);
            writeln!(
                out,
                r#"<path class="line {}" d="{path}"><title>{}</title></path>"#,
                arrow.class,
                text::escape(&arrow.tip)
            )?;
            if let (Some(name), Some((x, y))) = (&arrow.label, label) {
                let width = text::width(name, 11.0) + 10.0;
                let (left, top) = (x - width / 2.0, y - 9.0);
                writeln!(
                    labels,
                    r#"<rect class="label" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="18" rx="9"/>"#
                )?;
                writeln!(
                    labels,
                    r#"<text class="capability" x="{x:.1}" y="{:.1}">{}</text>"#,
                    y + 4.0,
                    text::escape(name)
                )?;
            }
        }
        out.push_str(&labels);
        Ok(())
    }

    /// The path of an arrow in its direction, and the place of its label.
    fn path(
        &self,
        index: usize,
        arrow: &Arrow,
        ports: &BTreeMap<(usize, bool), f64>,
    ) -> (String, Option<(f64, f64)>) {
        let upwards = self.items[arrow.from].row < self.items[arrow.to].row;
        let (lower, upper) = if upwards {
            (arrow.from, arrow.to)
        } else {
            (arrow.to, arrow.from)
        };
        let mut label = None;
        let mut points = vec![(ports[&(index, false)], self.top(self.items[lower].row))];
        for (row, x) in &self.layout.bends[index] {
            let x = self.x(*x);
            if row % 2 == 0 {
                let top = self.top(*row);
                points.extend([(x, top + BOX_HEIGHT), (x, top)]);
            } else if arrow.label.is_some() && label.is_none() {
                let middle = self.top(*row) + GAP / 2.0;
                label = Some((x, middle));
                points.push((x, middle));
            }
        }
        points.push((
            ports[&(index, true)],
            self.top(self.items[upper].row) + self.item_height(upper),
        ));
        if !upwards {
            points.reverse();
        }
        (text::curve(&points), label)
    }

    /// Where each arrow meets its lower thing's upper edge and its upper thing's lower edge.
    fn ports(&self) -> BTreeMap<(usize, bool), f64> {
        let mut edges: BTreeMap<(usize, bool), Vec<(f64, usize)>> = BTreeMap::new();
        for (index, arrow) in self.arrows.iter().enumerate() {
            let upwards = self.items[arrow.from].row < self.items[arrow.to].row;
            let (lower, upper) = if upwards {
                (arrow.from, arrow.to)
            } else {
                (arrow.to, arrow.from)
            };
            let bends = &self.layout.bends[index];
            let first = bends
                .first()
                .map_or(self.layout.centres[upper], |(_, x)| *x);
            let last = bends.last().map_or(self.layout.centres[lower], |(_, x)| *x);
            edges
                .entry((lower, false))
                .or_default()
                .push((first, index));
            edges.entry((upper, true)).or_default().push((last, index));
        }
        let mut ports = BTreeMap::new();
        for ((item, is_upper), mut arrows) in edges {
            arrows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let room = self.items[item].width - 28.0;
            let gap = (room / arrows.len() as f64).clamp(0.0, 18.0);
            let first = self.layout.centres[item] - gap * (arrows.len() - 1) as f64 / 2.0;
            for (place, (_, arrow)) in arrows.into_iter().enumerate() {
                ports.insert((arrow, is_upper), self.x(first + gap * place as f64));
            }
        }
        ports
    }
}

/// The rank of each component: layers one above the other, and inside a layer what is needed below what
/// needs it. Neighbours never share a rank.
fn ranks(picture: &Picture) -> Vec<usize> {
    let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
    let mut floor = 1;
    for layer in [Layer::Base, Layer::Faction, Layer::Driver] {
        let mut ceiling = floor;
        for node in picture.layer(layer) {
            let touching = picture.lines.iter().filter_map(|line| match &node.name {
                name if line.from == *name => Some(&*line.to),
                name if line.to == *name => Some(&*line.from),
                _ => None,
            });
            let below = touching.filter_map(|name| ranks.get(name)).max();
            let rank = below.map_or(floor, |below| floor.max(below + 1));
            ranks.insert(&node.name, rank);
            ceiling = ceiling.max(rank + 1);
        }
        floor = ceiling;
    }
    picture
        .nodes
        .iter()
        .map(|node| ranks[&*node.name])
        .collect()
}

fn arrows(picture: &Picture) -> Vec<Arrow> {
    let nodes: BTreeMap<&str, usize> = picture
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (&*node.name, index))
        .collect();
    let mut arrows = Vec::new();
    for line in picture.lines.iter().filter(|line| !line.implied) {
        let (class, verb) = match line.kind {
            LineKind::Declared => ("declared", "requires"),
            LineKind::Auto => ("auto", "joined because of"),
            LineKind::Capability => ("provided", "is provided with what it requires by"),
        };
        arrows.push(Arrow {
            from: nodes[&*line.from],
            to: nodes[&*line.to],
            class,
            label: line.capability.clone(),
            tip: format!("{} {verb} {}", line.from, line.to),
        });
    }
    for (index, group) in picture.groups.iter().enumerate() {
        let needed = group.needed_by.iter().map(|name| (name, "needed", "needs"));
        let used = group.used_by.iter().map(|name| (name, "used", "uses"));
        for (name, class, verb) in needed.chain(used) {
            arrows.push(Arrow {
                from: nodes[&**name],
                to: picture.nodes.len() + index,
                class,
                label: None,
                tip: format!("{name} {verb} the hypercalls {}", group.name),
            });
        }
    }
    arrows
}

fn wire(arrow: &Arrow, items: &[Item]) -> Wire {
    let (lower, upper) = match items[arrow.from].row < items[arrow.to].row {
        true => (arrow.from, arrow.to),
        false => (arrow.to, arrow.from),
    };
    // The label stands next to the provider, which is what it is about.
    let row = if lower == arrow.to {
        items[lower].row + 1
    } else {
        items[upper].row - 1
    };
    Wire {
        lower,
        upper,
        label: arrow
            .label
            .as_ref()
            .map(|label| (row, text::width(label, 11.0) + 10.0)),
        weight: match arrow.class {
            "needed" | "used" => 0.3,
            _ => 1.0,
        },
    }
}
