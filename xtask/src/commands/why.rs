//! `why`: the reasons a component is part of a kernel.

use std::process::ExitCode;

use rumpgen::report;
use rumpgen::request::argument;

use crate::cli::Why;
use crate::failure::Failure;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Why) -> Result<ExitCode, Failure> {
    let resolved = repository::decide(&asked.selection)?;
    let component = argument("why", &asked.component);
    print!(
        "{}",
        report::why(&resolved, &component).map_err(Failure::asked)?
    );
    Ok(ExitCode::SUCCESS)
}
