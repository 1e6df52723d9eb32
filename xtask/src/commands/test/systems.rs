//! Whole-system tests: programs of tests that build kernels and talk to other programs. Much of their time is one
//! compiler that links, or a wait, so two of them run at a time; what each printed is printed when it has ended.
//!
//! What the tests are is cargo's to know.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;

use cargo_metadata::{MetadataCommand, TargetKind};

use super::run::{Tally, heard};
use crate::failure::Failure;
use crate::repository;

/// Their package.
const PACKAGE: &str = "tests";

/// How many programs run at a time.
const LANES: usize = 2;

/// Programs that measure, so that nothing else may run beside.
const ALONE: [&str; 2] = ["abuse", "idle"];

/// Runs all, with these arguments of the harness.
pub(super) fn run(harness: &[&str]) -> Result<Tally, Failure> {
    let package = ["test", "--package", PACKAGE, "--no-fail-fast"];
    let one = |name: &str, say: &mut dyn FnMut(&str)| {
        let only = ["--test", name, "--"];
        heard(&[&package[..], &only, harness].concat(), name, say)
    };
    // Compiled once, and the unit tests of what they share.
    let mut tally = Tally::default();
    tally.test(&[&package[..], &["--lib", "--bins", "--tests", "--no-run"]].concat())?;
    tally.test(&[&package[..], &["--lib", "--bins", "--"], harness].concat())?;

    let (alone, beside): (Vec<_>, Vec<_>) = programs()?
        .into_iter()
        .partition(|name| ALONE.contains(&name.as_str()));
    let left = Mutex::new(VecDeque::from(beside));
    let next = || left.lock().expect("no lane panics").pop_front();
    let lane = || -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        while let Some(name) = next() {
            let mut said = String::new();
            let of_one = one(&name, &mut |line| {
                said.push_str(line);
                said.push('\n');
            });
            print!("\n{name}:\n{said}");
            tally.add(of_one?);
        }
        Ok(tally)
    };
    let lanes = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        let end = |lane: thread::ScopedJoinHandle<'_, _>| lane.join().expect("no lane panics");
        lanes.into_iter().map(end).collect::<Vec<_>>()
    });
    for lane in lanes {
        tally.add(lane?);
    }
    for name in alone {
        println!("\n{name}:");
        tally.add(one(&name, &mut |line| println!("{line}"))?);
    }
    tally.once_more(&package)?;
    Ok(tally)
}

/// The names of the programs of tests.
fn programs() -> Result<Vec<String>, Failure> {
    let metadata = MetadataCommand::new()
        .current_dir(repository::root())
        .no_deps()
        .exec()
        .map_err(|error| Failure::work(format!("cannot list the tests: {error}")))?;
    let package = metadata
        .packages
        .into_iter()
        .find(|package| package.name == PACKAGE);
    let targets = package.into_iter().flat_map(|package| package.targets);
    let tests = targets.filter(|target| target.kind.contains(&TargetKind::Test));
    Ok(tests.map(|target| target.name).collect())
}
