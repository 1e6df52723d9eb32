//! How the drawing looks.

use std::fmt::Write;

/// Style sheet and arrow heads.
pub(super) const HEAD: &str = r##"<style>
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Arial, sans-serif; fill: #1f2933; }
.paper { fill: #ffffff; }
.title { font-size: 18px; font-weight: 600; }
.band { fill: #f6f7f9; stroke: #e3e6ea; }
.layer { font-size: 12px; font-weight: 600; fill: #6b7480; }
.detail, .legend { font-size: 11px; fill: #6b7480; }
.component rect { stroke-width: 1.2; }
.component.drivers rect { fill: #e6f0fb; stroke: #7da7d9; }
.component.factions rect { fill: #e5f5e9; stroke: #7cbf8e; }
.component.base rect { fill: #fdf1dc; stroke: #dba850; }
.component.asked rect { stroke-width: 2.6; }
.component.outside rect { stroke-dasharray: 6 3; }
.name { font-size: 14px; font-weight: 600; text-anchor: middle; }
.summary { font-size: 10.5px; fill: #52606d; text-anchor: middle; }
.pill { fill: #ffffff; stroke: #aeb6c0; }
.group { font-size: 12px; text-anchor: middle; }
.label { fill: #ffffff; stroke: #2563b0; stroke-width: 0.8; }
.capability { font-size: 11px; fill: #2563b0; text-anchor: middle; }
.line { fill: none; stroke-width: 1.5; }
.declared { stroke: #3e4c59; marker-end: url(#dark); }
.auto { stroke: #3e4c59; stroke-dasharray: 2 3; marker-end: url(#dark); }
.provided { stroke: #2563b0; stroke-dasharray: 7 4; marker-end: url(#blue); }
.needed { stroke: #b3bcc7; stroke-width: 1.1; }
.used { stroke: #b3bcc7; stroke-width: 1.1; stroke-dasharray: 2 3; }
</style>
<defs>
<marker id="dark" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.8 L7.5 4 L0 7.2 z" fill="#3e4c59"/></marker>
<marker id="blue" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.8 L7.5 4 L0 7.2 z" fill="#2563b0"/></marker>
</defs>
"##;

const LINES: &[(&str, &str, f64)] = &[
    ("declared", "requires", 92.0),
    ("provided", "provider of a required capability", 220.0),
    ("auto", "joined by itself", 130.0),
    ("needed", "needs hypercalls", 134.0),
    ("used", "can use hypercalls", 142.0),
];
const ASKED: f64 = 96.0;

/// Width of the legend.
pub(super) const LEGEND_WIDTH: f64 = 92.0 + 220.0 + 130.0 + 134.0 + 142.0 + ASKED;

/// Explains lines and frames, in one row.
pub(super) fn legend(out: &mut String, left: f64, y: f64) -> std::fmt::Result {
    let mut x = left;
    writeln!(
        out,
        r#"<g class="component drivers asked"><rect x="{x:.1}" y="{y:.1}" width="22" height="13" rx="4"/></g>"#
    )?;
    writeln!(
        out,
        r#"<text class="legend" x="{:.1}" y="{:.1}">asked for</text>"#,
        x + 28.0,
        y + 10.5
    )?;
    x += ASKED;
    for (class, label, width) in LINES {
        let middle = y + 7.0;
        writeln!(
            out,
            r#"<path class="line {class}" d="M{x:.1} {middle:.1} L{:.1} {middle:.1}"/>"#,
            x + 28.0
        )?;
        writeln!(
            out,
            r#"<text class="legend" x="{:.1}" y="{:.1}">{label}</text>"#,
            x + 34.0,
            y + 10.5
        )?;
        x += width;
    }
    Ok(())
}
