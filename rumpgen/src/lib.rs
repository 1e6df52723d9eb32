//! rumpgen: component manifests in, tailored workspaces out.

pub mod artifacts;
pub mod build;
pub mod config;
pub mod dependencies;
pub mod diagnostic;
pub mod emit;
pub mod extract;
pub mod golden;
pub mod graph;
pub mod machine;
pub mod manifest;
pub mod nearest;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod request;
pub mod resolve;
pub mod select;
pub mod source;
pub mod strays;
pub mod symbols;
pub mod target;
pub mod tools;
pub mod value;
pub mod vocabulary;
pub mod write;

mod command_line;
mod planning;

pub use planning::{Resolved, buildable, catalogue, plan};
