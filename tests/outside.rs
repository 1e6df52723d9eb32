//! A crate of somebody else's, whose only dependency is a generated kernel.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tests::{Configuration, Namespace, need, need_network, output, repository, within};

/// What its tests may take once they are built: a kernel that hangs shall not keep the tests waiting.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn an_outside_crate_passes_its_tests() {
    if !need("an_outside_crate_passes_its_tests", &["timeout"]) {
        return;
    }
    let place = outside();
    let mut cargo = within(LIMIT, env!("CARGO"));
    cargo.args(["test", "--quiet", "--offline"]);
    let said = output(in_place(&mut cargo, &place));
    println!("{said}");
    assert!(said.contains("test result: ok. 6 passed"), "{said}");
    assert!(said.contains("test result: ok. 3 passed"), "{said}");
}

#[test]
fn two_kernels_of_an_outside_crate_talk_over_a_bridge() {
    if !need_network(
        "two_kernels_of_an_outside_crate_talk_over_a_bridge",
        &["timeout"],
    ) {
        return;
    }
    let place = outside();
    let namespace = Namespace::new();
    namespace.run("ip link add bridge0 type bridge");
    for tap in ["tap-a", "tap-b"] {
        namespace.run(&format!("ip tuntap add dev {tap} mode tap"));
        namespace.run(&format!("ip link set {tap} master bridge0 up"));
    }
    namespace.run("ip link set bridge0 up");
    let mut cargo = namespace.command("timeout");
    cargo.arg(LIMIT.as_secs().to_string()).arg(env!("CARGO"));
    cargo.args(["test", "--quiet", "--offline", "--test", "links"]);
    cargo.args(["--", "--include-ignored"]);
    let said = output(in_place(&mut cargo, &place));
    println!("{said}");
    assert!(said.contains("test result: ok. 2 passed"), "{said}");
}

/// Copies the crate out of the tree, and builds it there.
fn outside() -> TempDir {
    let configuration = Configuration::net_sockets_local();
    let place = tempfile::tempdir().unwrap();
    copy(&repository().join("tests/outside"), place.path());
    let kernel = configuration.workspace().join("kernel");
    let manifest = place.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let written = "../../generated/linux-net-sockets-local/kernel";
    assert!(text.contains(written), "{text}");
    let text = text.replace(written, &kernel.display().to_string());
    fs::write(&manifest, text).unwrap();
    // The versions that the kernel was built with.
    let lock = configuration.workspace().join("Cargo.lock");
    fs::copy(lock, place.path().join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--no-run", "--quiet"]);
    output(in_place(&mut cargo, &place));
    place
}

/// What is built is kept from run to run: the kernel does not change when its user does.
fn in_place<'a>(cargo: &'a mut Command, place: &TempDir) -> &'a mut Command {
    cargo
        .current_dir(place.path())
        .env("CARGO_TARGET_DIR", repository().join("target/outside"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &place),
            false => drop(fs::copy(entry.path(), place).unwrap()),
        }
    }
}
