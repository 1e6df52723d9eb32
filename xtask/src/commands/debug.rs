//! `debug`: as `run`, with the application waiting for a debugger.

use std::process::ExitCode;

use super::run::run_with;
use crate::cli::Debug;
use crate::failure::Failure;

/// Runs the command.
pub(crate) fn run(asked: &Debug) -> Result<ExitCode, Failure> {
    run_with(&asked.start, Some(asked.port), asked.dry_run)
}
