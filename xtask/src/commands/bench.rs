//! `bench`: our figures beside the host's kernel, in one run.

use std::process::ExitCode;

use super::test::cargo;
use crate::cli::Bench;
use crate::failure::Failure;

/// Runs the command.
pub(crate) fn run(asked: &Bench) -> Result<ExitCode, Failure> {
    let mut command = cargo(&[
        "run",
        "--release",
        "--quiet",
        "--package",
        "tests",
        "--bin",
        "bench",
    ]);
    command.arg("--");
    if asked.accept {
        command.arg("--accept");
    }
    command.args(&asked.filter);
    let status = command
        .status()
        .map_err(|error| Failure::work(format!("cannot start cargo: {error}")))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
