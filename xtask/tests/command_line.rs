//! How the command line behaves, beyond what the library does.

use std::io::pipe;
use std::process::{Command, Output, Stdio};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::null());
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

#[test]
fn links_that_a_platform_cannot_open_are_refused_before_the_build() {
    let selection = ["-c", "net,sockets", "--app", "examples/echo", "-p", "sim"];
    let output = xtask(&[&["run"], &selection[..]].concat())
        .output()
        .unwrap();
    let errors = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("`tap`") && errors.contains(r#"links = ["wire"]"#),
        "{errors}"
    );
    // With links of its own kind there is nothing to object to.
    let wire = [
        &["run", "--dry-run", "--param", "virtif=wire:a"],
        &selection[..],
    ]
    .concat();
    assert!(xtask(&wire).status().unwrap().success());
}

#[test]
fn the_hosts_sockets_are_instead_of_a_stack_and_where_the_host_has_them() {
    let refused = |arguments: &[&str]| {
        let output = xtask(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        errors(&output)
    };
    // Also where the stack would join by itself.
    for components in ["sockin,inet", "sockin,net"] {
        let errors = refused(&["graph", "-c", components]);
        let message = "`sockin` and `inet` cannot be in the same kernel";
        assert!(errors.contains(message), "{errors}");
    }
    for platform in ["sim", "pvh"] {
        let errors = refused(&["graph", "-c", "sockin", "-p", platform]);
        let message = format!("the platform `{platform}` does not offer `hostsockets`");
        assert!(
            errors.contains(&message) && errors.contains("which `sockin` needs"),
            "{errors}"
        );
    }
    // It brings no network along.
    let output = xtask(&["graph", "-c", "sockin", "--format", "json"]).output();
    let graph = String::from_utf8(output.unwrap().stdout).unwrap();
    let nodes = graph.matches("\"layer\"").count();
    assert!(nodes == 3 && graph.contains("\"sockin\""), "{graph}");
}

#[test]
fn an_application_with_the_hosts_sockets_needs_no_link() {
    let selection = ["-c", "sockin", "--app", "examples/httpd"];
    let output = xtask(&[&["run", "--dry-run"], &selection[..]].concat()).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    assert!(
        said.contains("linux-sockin-httpd/httpd") && !said.contains("netns"),
        "{said}"
    );
}
