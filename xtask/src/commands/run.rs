//! `run`: builds an application and starts it, in a network of its own where it wants one.

use std::io;
use std::process::{ExitCode, Stdio};

use super::build;
use crate::child::Foreground;
use crate::cli::{Run, Start};
use crate::console;
use crate::failure::Failure;
use crate::launch::{self, Launch};
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Run) -> Result<ExitCode, Failure> {
    run_with(&asked.start, None, asked.dry_run)
}

/// Starts the application, waiting for a debugger at a port where one is named.
pub(crate) fn run_with(
    start: &Start,
    debugger: Option<u16>,
    dry_run: bool,
) -> Result<ExitCode, Failure> {
    let generated = repository::generate(&start.selection)?;
    let about = repository::about(&start.selection)?;
    let launch = launch::plan(&generated, &about, start, debugger)?;
    if dry_run {
        println!("{}", launch.shown());
        return Ok(ExitCode::SUCCESS);
    }
    launch.check()?;
    build::build(&generated, &start.build_options(), start.verbosity)?;
    until_its_end(&launch)
}

fn until_its_end(launch: &Launch) -> Result<ExitCode, Failure> {
    let (namespace, mut command) = launch.command()?;
    for line in launch.reach(namespace.as_ref()) {
        println!("{line}");
    }
    if launch.names.is_some() {
        command.stdout(Stdio::piped());
    }
    let mut program = Foreground::start(&mut command)?;
    if let Some(output) = program.child().stdout.take() {
        let names = launch.names.as_ref();
        console::pass(output, io::stdout().lock(), names, |_| true)
            .map_err(|error| Failure::work(format!("cannot pass on the console: {error}")))?;
    }
    let status = program.wait()?;
    launch.code(status, &program)
}
