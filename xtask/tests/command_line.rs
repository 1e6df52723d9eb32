//! How the command line behaves, beyond what the library does.

use std::io::pipe;
use std::process::{Command, Output, Stdio};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reader_that_goes_is_no_error() {
    for arguments in [&["graph"][..], &["list"], &["why", "net", "-c", "net"]] {
        let output = xtask(arguments).stdout(closed()).output().unwrap();
        assert_eq!(errors(&output), "", "{arguments:?}");
        assert!(output.status.success(), "{arguments:?}");
    }
    let unheard = xtask(&["graph", "-c", "nothing"]).stderr(closed()).status();
    assert_eq!(unheard.unwrap().code(), Some(2));
}
