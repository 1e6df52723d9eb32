//! A crate of somebody else's, whose only dependency is a generated kernel.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::{Configuration, Namespace, need_root, output, repository};

#[test]
fn an_outside_crate_passes_its_tests() {
    let (_place, mut cargo) = outside();
    let said = output(cargo.args(["test", "--quiet"]));
    println!("{said}");
    assert!(said.contains("test result: ok"), "{said}");
}

#[test]
fn two_kernels_of_an_outside_crate_talk_over_a_bridge() {
    if !need_root("two_kernels_of_an_outside_crate_talk_over_a_bridge") {
        return;
    }
    let (_place, mut cargo) = outside();
    // Built outside of the namespace, where the network is.
    output(cargo.args(["test", "--no-run", "--quiet"]));
    let namespace = Namespace::new();
    namespace.run("ip link add bridge0 type bridge");
    for tap in ["tap-a", "tap-b"] {
        namespace.run(&format!("ip tuntap add dev {tap} mode tap"));
        namespace.run(&format!("ip link set {tap} master bridge0 up"));
    }
    namespace.run("ip link set bridge0 up");
    let mut inside = namespace.command(env!("CARGO"));
    inside.args([
        "test",
        "--quiet",
        "--offline",
        "--test",
        "links",
        "--",
        "--include-ignored",
    ]);
    let folder = cargo.get_current_dir().expect("it has one").to_owned();
    inside.current_dir(folder).env("CARGO_TARGET_DIR", target());
    let said = output(&mut inside);
    println!("{said}");
    assert!(said.contains("test result: ok. 1 passed"), "{said}");
}

/// Copies the crate out of the tree, and gives a cargo that works there.
fn outside() -> (tempfile::TempDir, Command) {
    let configuration = Configuration::net_sockets();
    let place = tempfile::tempdir().unwrap();
    copy(&repository().join("tests/outside"), place.path());
    let kernel = configuration.workspace().join("kernel");
    let manifest = place.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let written = "../../generated/linux-net-sockets/kernel";
    assert!(text.contains(written), "{text}");
    fs::write(
        &manifest,
        text.replace(written, &kernel.display().to_string()),
    )
    .unwrap();
    // The versions that the kernel was built with.
    fs::copy(
        configuration.workspace().join("Cargo.lock"),
        place.path().join("Cargo.lock"),
    )
    .unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(place.path())
        .env("CARGO_TARGET_DIR", target());
    (place, cargo)
}

/// Kept from run to run: the kernel does not change when its user does.
fn target() -> std::path::PathBuf {
    repository().join("target/outside")
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
