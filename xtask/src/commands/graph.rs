//! `graph`: the components of a kernel, or all there are, and who needs whom.

use std::process::ExitCode;

use rumpgen::report::{self, Picture};

use crate::cli::{Format, Graph};
use crate::failure::Failure;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Graph) -> Result<ExitCode, Failure> {
    let picture = if asked.selection.names_something() {
        Picture::of_plan(&repository::decide(&asked.selection)?.plan)
    } else {
        Picture::of_catalogue(&repository::catalogue(&asked.selection)?)
    };
    let format = match asked.format {
        Format::Dot => report::Format::Dot,
        Format::Svg => report::Format::Svg,
        Format::Json => report::Format::Json,
        Format::Md => report::Format::Markdown,
    };
    print!("{}", report::graph(&picture, format));
    Ok(ExitCode::SUCCESS)
}
