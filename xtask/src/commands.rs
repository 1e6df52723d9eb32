//! The commands, a file each.

pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod debug;
pub(crate) mod extract;
pub(crate) mod fuzz;
pub(crate) mod graph;
pub(crate) mod list;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod test;
pub(crate) mod why;
