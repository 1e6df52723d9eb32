//! Programs of the host: finding and running them, and where to get them.

mod known;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::diagnostic::Diagnostic;

pub use known::*;

/// A program or a file, and the Debian package it is in.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The program's name, or the file's path from the root on.
    pub name: &'static str,
    /// The package's name.
    pub package: &'static str,
}

impl Tool {
    /// Where it is.
    pub fn find(&self) -> Option<PathBuf> {
        search(self.name)
    }

    /// Where it is, or which package to install.
    pub fn require(&self) -> Result<PathBuf, Diagnostic> {
        find(self.name, self.package)
    }
}

/// Where a program or a file is, or which package to install.
pub fn find(program: &str, package: &str) -> Result<PathBuf, Diagnostic> {
    let kind = match Path::new(program).is_absolute() {
        true => "file",
        false => "program",
    };
    search(program).ok_or_else(|| {
        Diagnostic::new(format!("the {kind} `{program}` is missing"))
            .help(format!("install the package `{package}`"))
    })
}

fn search(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        // A path from the root on stays what it is.
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Runs a program to its end; an error carries what it printed.
pub fn run(command: &mut Command) -> Result<String, Diagnostic> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Diagnostic::new(format!("cannot start `{program}`: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Diagnostic::new(format!(
        "`{program}` failed ({}):\n{}",
        output.status,
        said.trim_end()
    )))
}

/// What a build may see of the environment: where programs and crates are and how to fetch them,
/// nothing that changes what is built.
pub fn build_environment() -> impl Iterator<Item = (OsString, OsString)> {
    const EXACT: [&str; 17] = [
        "PATH",
        "HOME",
        "TMPDIR",
        "TERM",
        "CARGO_HOME",
        "RUSTC_WRAPPER",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CARGO_TERM_COLOR",
    ];
    const PREFIXES: [&str; 5] = [
        "RUSTUP_",
        "SCCACHE_",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTRIES_",
    ];
    env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        EXACT.contains(&&*name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    })
}
