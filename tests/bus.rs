//! Kernels on one Ethernet segment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::{Configuration, Link, compile, need, output, within};

/// What a program here may take.
const LIMIT: Duration = Duration::from_secs(120);

fn program(folder: &Path, name: &str) -> PathBuf {
    compile(
        folder,
        name,
        &[&format!("programs/{name}.c")],
        &[],
        Link::Static(&Configuration::net_sockets()),
    )
}

#[test]
fn a_thousand_kernels_ping_their_neighbours() {
    let name = "a_thousand_kernels_ping_their_neighbours";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let segment = program(folder.path(), "segment");
    let said = output(within(LIMIT, segment).args(["1000", "bus:segment"]));
    println!("1000 kernels: {} ms", said.trim());
}
