//! Locks of files between processes of one kernel.

use std::process::Command;

use tests::{Configuration, Link, compile, need, output};

#[test]
fn one_of_two_processes_that_want_each_others_locks_is_told_so() {
    let test = "one_of_two_processes_that_want_each_others_locks_is_told_so";
    if !need(test, &["pkg-config"]) {
        return;
    }
    // As the conformance of files has it.
    let components = ["--components", "net,sockets,local,bpf,multicast,vfs"];
    let configuration = Configuration::build("all", &components);
    let folder = tempfile::tempdir().unwrap();
    let link = Link::Static(&configuration);
    let program = compile(folder.path(), "locks", &["programs/locks.c"], &[], link);
    let said = output(&mut Command::new(program));
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    // Whoever waits last is told.
    let told = [("EDEADLK", "ok"), ("ok", "EDEADLK")];
    let expected = told.map(|(first, other)| {
        [
            "asked: ok, another's".to_owned(),
            "first: ok".to_owned(),
            format!("for ever: {first}"),
            format!("other: {other}"),
            "second: EAGAIN".to_owned(),
            "then: ok".to_owned(),
        ]
    });
    assert!(expected.iter().any(|expected| lines == *expected), "{said}");
}
