//! A component that panics ends its kernel, and nothing else in the process.

use std::time::Duration;

use tests::{Configuration, Link, Namespace, compile, need, need_network, output, within};

/// What whoever waits inside may have to wait for the news, in microseconds, beside the 20 ms that the fault takes.
const LIMIT: u64 = 100_000;
/// The points at which the component panics.
const POINTS: [&str; 6] = ["lock", "callout", "receive", "drop", "start", "end"];
/// On a machine that is busy otherwise, a thread may be late by no fault of its kernel.
const ATTEMPTS: usize = 4;

#[test]
fn a_faulty_component_ends_its_kernel_and_no_other() {
    if !need(
        "a_faulty_component_ends_its_kernel_and_no_other",
        &["pkg-config", "timeout"],
    ) {
        return;
    }
    let configuration = gremlin();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "faults",
        &["programs/faults.c"],
        &[],
        Link::Static(&configuration),
    );
    let mut late = Vec::new();
    for _ in 0..ATTEMPTS {
        let took = run(&program);
        println!("from the panic to the last caller's EIO, in us: {took:?}");
        late = took.into_iter().filter(|(_, took)| *took > LIMIT).collect();
        if late.is_empty() {
            return;
        }
    }
    panic!("late in {ATTEMPTS} attempts: {late:?}");
}

#[test]
fn a_dead_kernel_keeps_no_link_of_the_host() {
    let test = "a_dead_kernel_keeps_no_link_of_the_host";
    if !need_network(test, &["pkg-config"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    let source = ["programs/reopen.c"];
    let program = compile(
        folder.path(),
        "reopen",
        &source,
        &[],
        Link::Static(&gremlin()),
    );
    let said = output(namespace.command(program).arg("virtif=tap:rump0"));
    assert_eq!(said, "reopened\n");
}

/// A kernel with a component that panics when it is told to.
fn gremlin() -> Configuration {
    let manifests = "tests/components/manifests";
    let components = "net,sockets,gremlin";
    Configuration::build(
        "gremlin",
        &["--components", components, "--manifests", manifests],
    )
}

/// Runs the program, which checks all but the times: those it returns, by point.
fn run(program: &std::path::Path) -> Vec<(String, u64)> {
    let done = within(Duration::from_secs(120), program).output().unwrap();
    let (said, log) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(done.status.success(), "{}\n{said}\n{log}", done.status);
    let mut lines: Vec<(String, u64)> = said
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, number)| (name.to_owned(), number.parse().unwrap()))
        .collect();
    assert_eq!(
        lines.pop(),
        Some(("transfer".to_owned(), 1 << 30)),
        "{said}"
    );
    assert!(
        lines.iter().map(|(name, _)| name.as_str()).eq(POINTS),
        "{said}"
    );
    // Each of them was a panic, which the console has a line about.
    assert_eq!(log.matches("panicked at").count(), POINTS.len(), "{log}");
    lines
}
