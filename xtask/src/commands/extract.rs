//! `extract`: a workspace that needs neither this repository nor a network.

use std::process::ExitCode;

use rumpgen::diagnostic::display_path;
use rumpgen::extract;

use crate::cli::Extract;
use crate::failure::Failure;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Extract) -> Result<ExitCode, Failure> {
    let generated = repository::generate(&asked.selection)?;
    let written = extract::extract(generated.tree, &asked.to, asked.offline)?;
    if !asked.verbosity.quiet {
        let place = display_path(&asked.to);
        println!(
            "{}: {} files written to {place}",
            generated.plan.name, written.changed
        );
        println!("`cargo build --release` works there, anywhere and offline");
    }
    Ok(ExitCode::SUCCESS)
}
