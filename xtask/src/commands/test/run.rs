//! Runs cargo's tests and counts.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::repository;

/// Names the file to which a test that cannot run here adds a line with its name and what is
/// missing. The harness knows no such outcome and takes it for passed.
const SKIPPED: &str = "RUMP_TEST_SKIPS";

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    failures: Vec<String>,
    /// What failed once and then passed.
    unsteady: Vec<String>,
}

/// Of more tests than so many it is not chance that they fail.
const BY_CHANCE: usize = 4;

/// Cargo, in the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(repository::root());
    // Set for this process by the cargo that started it; tests are started by another.
    command
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME");
    command
}

impl Tally {
    /// Runs something that is one test.
    pub(super) fn step(&mut self, name: &str, mut command: Command) -> Result<(), Failure> {
        let status = command
            .status()
            .map_err(|error| Failure::work(format!("cannot start cargo: {error}")))?;
        // What it has to say it has said.
        self.verdict(name, status.success().then_some(()).ok_or(String::new()));
        Ok(())
    }

    /// Counts something that is one test and was run; the error is what there is to say of it.
    pub(super) fn verdict(&mut self, name: &str, verdict: Result<(), String>) {
        match verdict {
            Ok(()) => {
                println!("{name} ... ok");
                self.passed += 1;
            }
            Err(why) => {
                println!("{why}\n{name} ... FAILED");
                self.failed += 1;
                self.failures.push(name.to_owned());
            }
        }
    }

    /// Leaves out something that is one test, and says why.
    pub(super) fn skip(&mut self, name: &str, why: &str) {
        println!("skipped: {name}: {why}");
        self.skipped += 1;
    }

    /// Runs `cargo test`, passes on what it prints, and counts.
    pub(super) fn test(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let tally = heard(arguments, "tests", |line| println!("{line}"))?;
        self.add(tally);
        Ok(())
    }

    /// Takes over what another counted.
    pub(super) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.unsteady.extend(other.unsteady);
    }

    /// Runs once more the few tests that failed, when nothing else runs, with these arguments of cargo. One that passes
    /// then is counted as passed, and named in the end.
    pub(super) fn once_more(&mut self, cargo: &[&str]) -> Result<(), Failure> {
        let failed = &self.failures;
        let by_name = failed.iter().all(|name| !name.contains(' '));
        if failed.is_empty() || failed.len() > BY_CHANCE || !by_name {
            return Ok(());
        }
        println!("once more, alone: {}", failed.join(", "));
        let names: Vec<&str> = failed.iter().map(String::as_str).collect();
        let alone = ["--", "--exact", "--include-ignored", "--test-threads=1"];
        let again = heard(&[cargo, &alone, &names].concat(), "again", |line| {
            println!("{line}");
        })?;
        let failed = std::mem::take(&mut self.failures);
        self.failed -= failed.len();
        let steady = |name: &String| !again.failures.contains(name);
        self.unsteady.extend(failed.into_iter().filter(steady));
        self.add(again);
        Ok(())
    }

    /// Counts what the test harness says in one line.
    fn hear(&mut self, line: &str) {
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|l| l.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        }
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let count = |what: &str| -> usize {
            let part = result
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(what));
            part.and_then(|number| number.trim().parse().ok())
                .unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.skipped += count("ignored");
    }
}

/// Runs `cargo test`, says each line that it prints, and counts; `what` is a name that no other has at the same time.
pub(super) fn heard(
    arguments: &[&str],
    what: &str,
    mut say: impl FnMut(&str),
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let skipped = repository::root().join(format!("target/skipped-{what}"));
    let _ = fs::remove_file(&skipped);
    let mut child = cargo(arguments)
        .env(SKIPPED, &skipped)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::work(format!("cannot start cargo: {error}")))?;
    let output = child.stdout.take().expect("standard output is piped");
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        say(&line);
        tally.hear(&line);
    }
    let status = child
        .wait()
        .map_err(|error| Failure::work(format!("cannot wait for cargo: {error}")))?;
    for line in fs::read_to_string(&skipped).unwrap_or_default().lines() {
        say(&format!("skipped: {line}"));
        tally.skipped += 1;
        tally.passed = tally.passed.saturating_sub(1);
    }
    if !status.success() && tally.failed == 0 {
        tally.failed += 1;
        tally
            .failures
            .push(format!("cargo {}", arguments.join(" ")));
    }
    Ok(tally)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.failures {
            writeln!(f, "failed: {name}")?;
        }
        for name in &self.unsteady {
            writeln!(f, "failed at first, then passed alone: {name}")?;
        }
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}
