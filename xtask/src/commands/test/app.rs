//! One application, run as it is and held against what it expects of itself.

use std::io;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use rumpgen::config::{Expect, FILE};
use rumpgen::diagnostic::Diagnostic;

use super::super::build;
use crate::child::Foreground;
use crate::cli::Start;
use crate::console;
use crate::failure::Failure;
use crate::launch::{self, Launch};
use crate::repository;

/// Builds and runs the application, and says whether it did what is expected.
pub(super) fn run(start: &Start) -> Result<ExitCode, Failure> {
    let generated = repository::generate(&start.selection)?;
    let app = launch::app(&generated.plan)?;
    let about = repository::about(&start.selection)?;
    let Some(expect) = &about.expect else {
        let message = format!("`{}` does not say what is expected of it", app.package);
        let help =
            format!("add a table `[expect]` to the {FILE} beside it, or name one with `--config`");
        return Err(Failure::asked(Diagnostic::new(message).help(help)));
    };
    let launch = launch::plan(&generated, &about, start, None)?;
    build::build(&generated, &start.build_options(), start.verbosity)?;
    let outcome = watch(&launch, expect)?;
    let name = &generated.plan.name;
    match outcome {
        Ok(()) => println!("{name} ... ok"),
        Err(why) => {
            println!("{name} ... FAILED: {why}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs it, for as long as it takes to know. What it does otherwise than expected is the inner error.
fn watch(launch: &Launch, expect: &Expect) -> Result<Result<(), String>, Failure> {
    let (_namespace, mut command) = launch.command()?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let limit = Instant::now() + expect.time;
    let mut program = Foreground::start(&mut command)?;
    let lines = lines(launch, &mut program);
    let mut seen = expect.console.is_none();
    let console = expect.console.as_ref();
    loop {
        match lines.recv_timeout(limit.saturating_duration_since(Instant::now())) {
            Ok(line) => seen |= console.is_some_and(|pattern| pattern.is_match(&line)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let what = if seen {
                    "its end was not seen"
                } else {
                    "it has not said what is expected"
                };
                return Ok(Err(format!("{what} within {:?}", expect.time)));
            }
        }
        if seen && expect.exit.is_none() {
            return Ok(Ok(()));
        }
    }
    let status = program.wait()?;
    Ok(judge(
        expect,
        seen,
        status.code().and_then(|code| launch.exit.code(code)),
        status,
    ))
}

/// What there is to say once it has ended.
fn judge(expect: &Expect, seen: bool, code: Option<u8>, status: ExitStatus) -> Result<(), String> {
    let ended = code.map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
    if expect.exit.is_some() && code != expect.exit {
        return Err(format!("it ended with {ended}"));
    }
    match seen {
        true => Ok(()),
        false => Err(format!(
            "it ended with {ended}, and has not said what is expected"
        )),
    }
}

/// The lines that the program writes on both its outputs, which are passed on. The channel closes when it has
/// closed them.
fn lines(launch: &Launch, program: &mut Foreground) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    let child = program.child();
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let listen = |stream: Option<Box<dyn io::Read + Send>>| {
        let (sender, names) = (sender.clone(), launch.names.clone());
        thread::spawn(move || {
            let Some(stream) = stream else { return };
            // When nobody listens any more, the program is about to be ended.
            let _ = console::pass(stream, io::stdout(), names.as_ref(), |line| {
                sender.send(line.to_owned()).is_ok()
            });
        });
    };
    listen(output.map(|it| Box::new(it) as _));
    listen(errors.map(|it| Box::new(it) as _));
    lines
}
