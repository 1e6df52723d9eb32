//! `build`: from what is asked for to libraries, headers and programs.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Instant;

use rumpgen::build::{self, Options};
use rumpgen::diagnostic::display_path;
use rumpgen::pipeline::{self, Built, Generated};

use crate::cli::{Build, Verbosity};
use crate::failure::Failure;
use crate::progress::Bar;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Build) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let (selection, formats) = (&asked.selection, asked.image.as_deref());
    let generated = repository::generate_formats(selection, formats, &asked.arguments)?;
    let decided = start.elapsed();
    let options = Options {
        root: repository::root(),
        offline: asked.offline,
        colour: std::io::stderr().is_terminal(),
        ..Options::default()
    };
    if asked.dry_run {
        show(&generated, &options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let built = build(&generated, &options, asked.verbosity)?;
    if asked.verbosity.verbose {
        eprintln!(
            "  decided and emitted in {decided:.1?}; {} files changed, {} removed",
            built.written.changed, built.written.removed
        );
    }
    if !asked.verbosity.quiet {
        summary(&generated, &built);
        eprintln!("  in {:.1} s", start.elapsed().as_secs_f64());
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds a configuration, with a bar.
pub(crate) fn build(
    generated: &Generated,
    options: &Options,
    verbosity: Verbosity,
) -> Result<Built, Failure> {
    let places = repository::places(&generated.plan.name);
    let mut bar = Bar::new(verbosity);
    let built = pipeline::build(generated, &places, options, &mut bar);
    bar.finish();
    Ok(built?)
}

/// What was selected, and which files came of it.
fn summary(generated: &Generated, built: &Built) {
    let plan = &generated.plan;
    let names: Vec<_> = plan.components.iter().map(|c| c.name.as_str()).collect();
    println!(
        "{}: {} on {}",
        plan.name,
        names.join(", "),
        plan.platform.name
    );
    for artifact in &built.artifacts {
        println!("{:>10}  {}", artifact.size, display_path(&artifact.path));
    }
}

/// What a build would do.
fn show(generated: &Generated, options: &Options) -> Result<(), Failure> {
    let Generated { plan, tree, .. } = generated;
    let places = repository::places(&plan.name);
    println!("configuration {} on {}", plan.name, plan.platform.name);
    for component in &plan.components {
        println!("  {:<12} {}", component.name, component.summary);
    }
    println!("would write to {}", display_path(&places.workspace));
    for path in tree
        .files
        .keys()
        .chain(tree.links.keys())
        .chain(tree.seeds.keys())
    {
        println!("  {path}");
    }
    println!("would run in {}", display_path(&places.workspace));
    let command = build::command(plan, &places.workspace, options)?;
    let arguments: Vec<_> = command
        .get_args()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    println!(
        "  {} {}",
        command.get_program().to_string_lossy(),
        arguments.join(" ")
    );
    println!(
        "would leave the results in {}",
        display_path(&places.artifacts)
    );
    Ok(())
}
