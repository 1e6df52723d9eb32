//! Reports for people: the graph in several forms, why something is there, what there is.
//!
//! All of it is text made of a plan or of a catalogue; nothing here decides anything, and no tool has
//! to be installed to look at it.

mod dot;
mod layout;
mod list;
mod markdown;
mod picture;
mod svg;
mod why;

pub use list::{List, list};
pub use picture::{Group, Line, LineKind, Node, Picture};
pub use why::why;

/// A form of the graph report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Graphviz.
    Dot,
    /// A drawing.
    #[default]
    Svg,
    /// For programs; `docs/manifest.md` describes it.
    Json,
    /// Tables.
    Markdown,
}

impl Format {
    /// The names of the forms, as on the command line.
    pub const NAMES: &[(&str, Format)] = &[
        ("dot", Format::Dot),
        ("svg", Format::Svg),
        ("json", Format::Json),
        ("md", Format::Markdown),
    ];
}

/// The graph report.
pub fn graph(picture: &Picture, format: Format) -> String {
    match format {
        Format::Dot => dot::draw(picture),
        Format::Svg => svg::draw(picture),
        Format::Json => picture.to_json(),
        Format::Markdown => markdown::write(picture),
    }
}
