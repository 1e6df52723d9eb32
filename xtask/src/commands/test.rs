//! `test`: everything that can be tested on this machine, and one line at the end that says so.

mod app;
mod run;
mod systems;
mod tools;

use std::process::ExitCode;

use super::{fuzz, setup};
use crate::cli::Test;
use crate::failure::Failure;
use run::Tally;

pub(crate) use run::cargo;

/// Features that change how a crate is compiled, for the lints. Those with threads have no unit tests:
/// the platform of unit tests has none.
const VARIANTS: [(&str, &str); 3] = [("base", "up"), ("base", "threads"), ("base", "threads,up")];

/// Tests in workspaces of their own, with what they are run with: of base on real threads, and as models of all
/// their interleavings; of the tool.
const APART: [(&str, &[&str]); 5] = [
    ("tests/threads", &[]),
    ("tests/threads", &["--features", "up"]),
    ("tests/loom", &[]),
    ("tests/loom", &["--features", "up"]),
    (TOOL, &[]),
];

/// The tool's folder.
const TOOL: &str = "tools/rump";

/// Targets without 64-bit atomics, without threads, without an operating system: every component can be
/// compiled for them.
const TARGETS: [&str; 2] = ["thumbv7m-none-eabi", "wasm32-unknown-unknown"];

/// Seconds for each target of the fuzzer.
const BRIEFLY: u32 = 1;

/// The target of images that is not the compiler's own.
const BARE: &str = "x86_64-unknown-none";

/// Runs the command.
pub(crate) fn run(asked: &Test) -> Result<ExitCode, Failure> {
    if asked.start.selection.names_something() {
        return app::run(&asked.start);
    }
    tools::install_missing();
    let mut tally = Tally::default();
    if asked.filter.is_none() {
        style(&mut tally)?;
        types(&mut tally)?;
    }
    let filter: Vec<&str> = asked.filter.as_deref().into_iter().collect();
    let long: &[&str] = if asked.long {
        &["--include-ignored"]
    } else {
        &[]
    };
    let harness = [long, &filter].concat();
    let after = [&["--"][..], &harness].concat();

    let all = [
        "test",
        "--workspace",
        "--exclude",
        "tests",
        "--no-fail-fast",
    ];
    tally.test(&[&all, &after[..]].concat())?;
    // The same on one virtual processor.
    let kernel = ["rumpgen", "tests", "xtask"].map(|tool| ["--exclude", tool]);
    let up = [
        "test",
        "--workspace",
        "--features",
        "base/up",
        "--no-fail-fast",
    ];
    tally.test(&[&up, kernel.as_flattened(), &after].concat())?;
    for (folder, features) in APART {
        let manifest = format!("{folder}/Cargo.toml");
        let target = target_apart(folder);
        let apart = [
            "test",
            "--no-fail-fast",
            "--manifest-path",
            &manifest,
            "--target-dir",
            &target,
        ];
        tally.test(&[&apart[..], features, &after].concat())?;
    }
    // Where it cannot be had, the tests that take it say so.
    let _ = setup::provide_here(BARE);
    tally.add(systems::run(&harness)?);

    if asked
        .filter
        .as_deref()
        .is_none_or(|filter| "fuzz".contains(filter))
    {
        fuzzed(&mut tally)?;
    }

    println!("{tally}");
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Formatting and lints count as a test each.
fn style(tally: &mut Tally) -> Result<(), Failure> {
    tally.step("formatting", cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--quiet", "--all-targets"];
    let deny = ["--", "-D", "warnings"];
    tally.step(
        "lints",
        cargo(&[&clippy[..], &["--workspace"], &deny].concat()),
    )?;
    let (manifest, target) = (format!("{TOOL}/Cargo.toml"), target_apart(TOOL));
    let apart = ["--manifest-path", &manifest];
    tally.step(
        "formatting of the tool",
        cargo(&[&["fmt", "--check"], &apart[..]].concat()),
    )?;
    let into = ["--target-dir", &target];
    tally.step(
        "lints of the tool",
        cargo(&[&clippy[..], &apart, &into, &deny].concat()),
    )?;
    for (package, features) in VARIANTS {
        let which = ["--package", package, "--features", features];
        let name = format!("lints of {package} with {features}");
        tally.step(&name, cargo(&[&clippy[..], &which, &deny].concat()))?;
    }
    Ok(())
}

/// Where what is built of a workspace of its own goes.
fn target_apart(folder: &str) -> String {
    let name = folder.rsplit_once('/').map_or(folder, |(_, name)| name);
    format!("target/apart/{name}")
}

/// The components for other targets than the host.
fn types(tally: &mut Tally) -> Result<(), Failure> {
    for target in TARGETS {
        let name = format!("components for {target}");
        match setup::provide_here(target) {
            Ok(()) => tally.step(&name, cargo(&["xtask", "check", "-q", "--targets", target]))?,
            Err(missing) => tally.skip(&name, missing.message()),
        }
    }
    Ok(())
}

/// Each target of the fuzzer is a test.
fn fuzzed(tally: &mut Tally) -> Result<(), Failure> {
    if let Err(missing) = fuzz::available() {
        tally.skip("fuzz", missing.message());
        return Ok(());
    }
    for (target, verdict) in fuzz::briefly(BRIEFLY)? {
        tally.verdict(&format!("fuzz {target}"), verdict);
    }
    Ok(())
}
