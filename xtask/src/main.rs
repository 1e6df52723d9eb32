//! `cargo xtask`: the command line over [`rumpgen`].
//!
//! Reads what is asked for, calls the library, shows what comes back. One file a command.

#[macro_use]
mod output;

mod child;
mod cli;
mod commands;
mod console;
mod debian;
mod failure;
mod launch;
mod network;
mod progress;
mod repository;
mod sysroot;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Build(asked) => commands::build::run(&asked),
        Command::Run(asked) => commands::run::run(&asked),
        Command::Debug(asked) => commands::debug::run(&asked),
        Command::Fuzz(asked) => commands::fuzz::run(&asked),
        Command::Graph(asked) => commands::graph::run(&asked),
        Command::Why(asked) => commands::why::run(&asked),
        Command::Extract(asked) => commands::extract::run(&asked),
        Command::List(asked) => commands::list::run(&asked),
        Command::Check(asked) => commands::check::run(&asked),
        Command::Setup(asked) => commands::setup::run(&asked),
        Command::Test(asked) => commands::test::run(&asked),
        Command::Bench(asked) => commands::bench::run(&asked),
        Command::Clean(asked) => commands::clean::run(&asked),
    }
}
