//! `list`: what there is to choose from.

use std::process::ExitCode;

use rumpgen::report;

use crate::cli::{List, Selection};
use crate::failure::Failure;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &List) -> Result<ExitCode, Failure> {
    let everything = Selection {
        manifests: asked.manifests.clone(),
        ..Selection::default()
    };
    print!(
        "{}",
        report::list(&repository::catalogue(&everything)?).to_text()
    );
    Ok(ExitCode::SUCCESS)
}
