//! What is measured without a counterpart in the host's kernel: builds and sizes.

use std::cell::LazyCell;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use tests::{Configuration, Link, compile, output, repository};

/// Measures what is wanted, prints it and adds it to the figures.
pub(crate) fn measure(
    configuration: &LazyCell<Configuration>,
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    figures: &mut Value,
) {
    if is_wanted("size") {
        let size = size(configuration, folder);
        println!(
            "size: {size} bytes for a C program with TCP/IP out of librump.a, libc dynamic, stripped"
        );
        figures["size-bytes"] = json!(size);
    }
    if is_wanted("build") {
        let clean = build_clean();
        let again = build_again();
        println!(
            "build: {clean:.1} s for the tailored workspace from clean; {again:.2} s with nothing changed"
        );
        figures["build-clean-s"] = json!(clean);
        figures["build-again-s"] = json!(again);
        let load = said(
            build().arg("-v").env_remove("CARGO_TARGET_DIR"),
            "decided and emitted",
        );
        println!("load to write: {load}");
        figures["load-to-write"] = json!(load);
    }
    if is_wanted("idle") {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(repository());
        command.args(["test", "-p", "tests", "--test", "idle", "--", "--nocapture"]);
        let idle = said(&mut command, "context switches");
        println!("idle: {idle}");
        figures["idle"] = json!(idle);
    }
    if is_wanted("fresh") {
        let fresh = build_fresh(folder);
        println!("fresh clone: {fresh:.1} s for the whole command, the generator included");
        figures["fresh-clone-s"] = json!(fresh);
    }
}

/// What a command said that contains `text`.
fn said(command: &mut Command, text: &str) -> String {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let all = [done.stdout, done.stderr].concat();
    let all = String::from_utf8_lossy(&all).into_owned();
    let lines: Vec<_> = all
        .lines()
        .filter(|line| line.contains(text))
        .map(str::trim)
        .collect();
    assert!(
        done.status.success() && !lines.is_empty(),
        "{command:?}:\n{all}"
    );
    lines.join("; ")
}

/// The whole command in a fresh clone, the generator included.
fn build_fresh(folder: &Path) -> f64 {
    let clone = folder.join("clone");
    output(
        Command::new("git")
            .args(["clone", "-q"])
            .arg(repository())
            .arg(&clone),
    );
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(&clone).env_remove("CARGO_TARGET_DIR");
    seconds(command.args(["xtask", "build", "-q", "--components", "net,sockets"]))
}

fn size(configuration: &Configuration, folder: &Path) -> u64 {
    let flags = ["-s", "-Wl,--gc-sections"];
    let program = compile(
        folder,
        "size",
        &["programs/fetch.c"],
        &flags,
        Link::Static(configuration),
    );
    std::fs::metadata(&program).expect("it was just made").len()
}

/// Builds a configuration of its own whose output was removed.
fn build_clean() -> f64 {
    let folder = repository().join("generated/test-clean/target");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("our own folder");
    }
    seconds(&mut build())
}

fn build_again() -> f64 {
    seconds(&mut build())
}

fn build() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(repository());
    command.args([
        "xtask",
        "build",
        "--name",
        "test-clean",
        "--components",
        "net,sockets",
    ]);
    command
}

fn seconds(command: &mut Command) -> f64 {
    let begin = Instant::now();
    output(command);
    begin.elapsed().as_secs_f64()
}
