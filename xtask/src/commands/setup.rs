//! `setup`: provides Rust targets.

use std::process::{Command, ExitCode};

use rumpgen::diagnostic::Diagnostic;
use rumpgen::target;
use rumpgen::tools::{self, Tool};

use crate::cli::Setup;
use crate::failure::Failure;
use crate::repository;
use crate::sysroot;

const RUSTUP: Tool = Tool {
    name: "rustup",
    package: "rustup",
};

/// Runs the command.
pub(crate) fn run(asked: &Setup) -> Result<ExitCode, Failure> {
    for target in &asked.targets {
        provide(target)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Sees to it that code can be compiled for a target.
///
/// Where packages can be installed, they are taken; elsewhere rustup adds the target to the compiler in use.
fn provide(target: &str) -> Result<(), Failure> {
    let root = repository::root();
    if let Ok(compiler) = target::find(&root, target) {
        let whose = compiler.map_or_else(String::new, |rustc| format!(", for {}", rustc.display()));
        println!("{target} is there{whose}");
        return Ok(());
    }
    match (sysroot::Compiler::get(), RUSTUP.find()) {
        (Err(_), Some(rustup)) => {
            println!("rustup target add {target}");
            tools::run(Command::new(rustup).args(["target", "add", target]))?;
        }
        (compiler, _) => compiler?.build(target, &target::folder(&root, target))?,
    }
    println!("{target} is ready");
    Ok(())
}

/// As [`provide`], for tests: nothing is done that outlives the repository, but for packages.
pub(crate) fn provide_here(target: &str) -> Result<(), Diagnostic> {
    let root = repository::root();
    if target::find(&root, target).is_ok() {
        return Ok(());
    }
    sysroot::Compiler::get()?.build(target, &target::folder(&root, target))
}
