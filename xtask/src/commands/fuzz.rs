//! `fuzz`: long sessions with the targets of `tests/fuzz`; and short ones, for `test`.
//!
//! The targets are one program, which is compiled with counters and so apart from everything else. What is found goes
//! to `target/fuzz`: inputs that reach something new to `new/TARGET`, where the next session goes on with them, and
//! those that end in a failure to `failures`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use rumpgen::diagnostic::Diagnostic;
use rumpgen::nearest;
use rumpgen::tools::Tool;

use super::test::cargo;
use crate::cli::Fuzz;
use crate::failure::Failure;
use crate::repository;

/// Compiles the fuzzer itself.
const CXX: Tool = Tool {
    name: "c++",
    package: "g++",
};
/// Bytes of the longest input, unless a target has longer ones, as images are: what a short session reads in no time.
const LONGEST: u64 = 900;
/// Seconds that one input may take, on a busy machine, and the memory it may: what is beyond is a failure.
const LIMITS: [&str; 2] = ["-timeout=120", "-rss_limit_mb=1500"];

/// Runs the command.
pub(crate) fn run(asked: &Fuzz) -> Result<ExitCode, Failure> {
    let program = Program::build(true)?;
    let known = program.targets()?;
    let targets = match &asked.target {
        None => known,
        Some(target) if known.contains(target) => vec![target.clone()],
        Some(target) => return Err(unknown(target, &known)),
    };
    if let Some(input) = &asked.input {
        let mut command = program.command(&targets[0]);
        let status = command.arg(absolute(input)).status();
        return Ok(code(status.is_ok_and(|status| status.success())));
    }
    let mut good = true;
    for target in &targets {
        println!("{target}: {} s", asked.time);
        let new = folder("new").join(target);
        make(&new)?;
        let mut command = program.command(target);
        command.arg(format!("-max_total_time={}", asked.time));
        command.args(["-print_final_stats=1".as_ref(), new.as_os_str()]);
        let status = command.arg(corpus(target)).status();
        let ended_well = status.is_ok_and(|status| status.success());
        if !ended_well {
            println!("{target}: FAILED; again: cargo xtask fuzz {target} --input FILE");
        } else if asked.keep {
            keep(&program, target, &new)?;
        }
        good &= ended_well;
    }
    Ok(code(good))
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn unknown(target: &str, known: &[String]) -> Failure {
    let mut diagnostic = Diagnostic::new(format!("there is no target `{target}`"));
    let names = known.iter().map(String::as_str);
    if let Some(near) = nearest::nearest(target, names) {
        diagnostic = diagnostic.note(format!("there is one called `{near}`"));
    }
    Failure::asked(diagnostic.help(format!("targets are: {}", known.join(" "))))
}

/// Adds to the inputs in git what reaches code that none of them reaches.
fn keep(program: &Program, target: &str, new: &Path) -> Result<(), Failure> {
    let kept = corpus(target);
    make(&kept)?;
    let mut command = program.command(target);
    command.args(["-set_cover_merge=1", "-use_counters=0"]);
    match command.args([kept.as_os_str(), new.as_os_str()]).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::work(format!(
            "the inputs of {target} cannot be merged"
        ))),
    }
}

/// What became of a target's short session: what it printed, if it failed.
pub(crate) type Verdict = Result<(), String>;

/// Reads all the inputs that are kept for every target, and goes on from there for so many seconds each; as many
/// targets at a time as there are processors. `Err` where that cannot be done at all.
pub(crate) fn briefly(seconds: u32) -> Result<Vec<(String, Verdict)>, Failure> {
    let program = Program::build(false)?;
    let targets = program.targets()?;
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let brief = |target: &String| (target.clone(), program.brief(target, seconds));
    let mut verdicts = Vec::new();
    for targets in targets.chunks(at_once) {
        verdicts.extend(std::thread::scope(|scope| {
            let all = targets.iter().map(|target| scope.spawn(|| brief(target)));
            let all: Vec<_> = all.collect();
            let ended = all
                .into_iter()
                .map(|one| one.join().expect("it only waits"));
            ended.collect::<Vec<_>>()
        }));
    }
    Ok(verdicts)
}

/// Whether it can be built here, or what is missing.
pub(crate) fn available() -> Result<(), Diagnostic> {
    CXX.require().map(drop)
}

/// The program with all targets.
struct Program(PathBuf);

impl Program {
    /// Builds it, with the targets of the generator or without: to compile that takes longer than all the rest.
    fn build(generator: bool) -> Result<Program, Failure> {
        available()?;
        let target = folder("");
        let mut build = cargo(&["build", "--release", "--quiet", "--target-dir"]);
        // What is set here would stand in place of what the workspace's own configuration says.
        build.arg(&target).env_remove("RUSTFLAGS");
        build.current_dir(repository::root().join("tests/fuzz"));
        if generator {
            build.args(["--features", "generator"]);
        }
        match build.status() {
            Ok(status) if status.success() => {}
            _ => return Err(Failure::work("the targets of tests/fuzz cannot be built")),
        }
        make(&folder("failures"))?;
        Ok(Program(
            target.join("x86_64-unknown-linux-gnu/release/fuzz"),
        ))
    }

    /// The names of the targets.
    fn targets(&self) -> Result<Vec<String>, Failure> {
        let listed = rumpgen::tools::run(&mut Command::new(&self.0))?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// To run one target.
    fn command(&self, target: &str) -> Command {
        let mut command = Command::new(&self.0);
        let failures = folder("failures").join(format!("{target}-"));
        command.env("FUZZ_TARGET", target).args(LIMITS);
        command.arg(format!("-artifact_prefix={}", failures.display()));
        command.arg(format!("-max_len={}", longest(target)));
        command
    }

    fn brief(&self, target: &str, seconds: u32) -> Verdict {
        let mut command = self.command(target);
        // What reaches something new goes to the first folder.
        let new = folder("brief").join(target);
        let _ = fs::remove_dir_all(&new);
        make(&new).map_err(|_| format!("{} cannot be made", new.display()))?;
        // The same inputs each time, as far as time allows: to find others is what sessions are for.
        command.arg("-seed=1");
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(new).arg(corpus(target)).stdin(Stdio::null());
        let output = command.output();
        let output = output.map_err(|error| format!("it cannot be started: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        // From the panic on, or the fuzzer's own words; not how it came to that.
        let begins = |line: &str| line.contains("panicked at") || line.contains("ERROR");
        let lines = said.lines().skip_while(|line| !begins(line));
        Err(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// The inputs of a target that are in git.
fn corpus(target: &str) -> PathBuf {
    repository::root().join("tests/fuzz/corpus").join(target)
}

/// Bytes of the longest input that a target is to have.
fn longest(target: &str) -> u64 {
    let inputs = fs::read_dir(corpus(target)).into_iter().flatten().flatten();
    let sizes = inputs.filter_map(|input| Some(input.metadata().ok()?.len()));
    sizes.max().unwrap_or(0).max(LONGEST)
}

/// A folder for what comes of it.
fn folder(name: &str) -> PathBuf {
    repository::root().join("target/fuzz").join(name)
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::work(format!("cannot make {}: {error}", folder.display())))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
