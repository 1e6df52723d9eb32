//! The stream of bytes that `httpd` serves under `/bytes/`.

use std::process::Command;

use crate::{Link, compile, output};

/// SHA-256 of the first `size` bytes of it, from a program that knows nothing of it but its definition.
pub fn stream_sha256(size: u64) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(
        folder.path(),
        "stream",
        &["programs/stream.c"],
        &[],
        Link::Host,
    );
    let script = format!("{} {size} | sha256sum", program.display());
    let said = output(Command::new("bash").args(["-euo", "pipefail", "-c", &script]));
    said.split_whitespace()
        .next()
        .expect("a checksum")
        .to_owned()
}
