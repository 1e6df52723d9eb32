//! Kernels between segments: forwarding, filter and address translation; bridges and VLANs.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tests::{Child, Configuration, Link, compile, need, output, within};

/// What a program here may take.
const LIMIT: Duration = Duration::from_secs(120);

fn program(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let configuration = Configuration::build(
        "net-sockets-router",
        &["--components", "net,sockets,forward,filter,bridge,vlan"],
    );
    let link = Link::Static(&configuration);
    let source = format!("programs/{name}.c");
    compile(folder.path(), name, &[&source], &[], link)
}

#[test]
fn client_router_and_server_in_one_process() {
    let name = "client_router_and_server_in_one_process";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let states =
        output(within(LIMIT, program(&folder, "three")).args(["all", "bus:near", "bus:far"]));
    println!("{states}");
    let translated: Vec<&str> = states
        .lines()
        .filter(|line| line.starts_with("virt1 6 10.1.0.9"))
        .collect();
    // The connection to the server, which closed it, and the one that came to port 8080.
    assert_eq!(translated.len(), 2, "{states}");
    let to_server = translated
        .iter()
        .find(|line| line.contains("-> 192.0.2.9 7 |"));
    let seen = to_server.unwrap().split(" | ").nth(1).unwrap();
    assert!(seen.starts_with("192.0.2.1 "), "{seen}");
    assert!(states.contains("10.1.0.9 80 -> 192.0.2.9"), "{states}");
}

#[test]
fn client_router_and_server_as_three_processes() {
    let name = "client_router_and_server_as_three_processes";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = program(&folder, "three");
    let link = |name: &str| format!("bus:{}", folder.path().join(name).display());
    let role = |role: &str, links: &[&str]| -> Command {
        let mut command = within(LIMIT, &program);
        command.arg(role).args(links.iter().map(|name| link(name)));
        command
    };
    let router = Child::start(&mut role("router", &["near", "far"]));
    router.expect("ready");
    let server = Child::start(&mut role("server", &["far"]));
    server.expect("ready");
    output(&mut role("client", &["near"]));
    let (good, text) = server.finish();
    assert!(good, "{text}");
}

#[test]
fn kernels_talk_over_a_bridge_and_in_a_vlan() {
    let name = "kernels_talk_over_a_bridge_and_in_a_vlan";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let said = output(&mut within(LIMIT, program(&folder, "switch")));
    assert_eq!(said.lines().count(), 6, "{said}");
}
