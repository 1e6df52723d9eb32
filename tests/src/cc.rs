//! C programs, compiled as a user compiles them: by `cc` with what `pkg-config` says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Configuration, output, repository};

/// What a C program is linked with.
#[derive(Clone, Copy)]
pub enum Link<'a> {
    /// The host's own system calls.
    Host,
    /// `librump.a` of a configuration.
    Static(&'a Configuration),
    /// `librump.so` of a configuration.
    Shared(&'a Configuration),
}

/// Compiles C sources, named relative to `tests/`, into a program in `folder`.
pub fn compile(
    folder: &Path,
    name: &str,
    sources: &[&str],
    flags: &[&str],
    link: Link<'_>,
) -> PathBuf {
    let program = folder.join(name);
    let mut command = Command::new("cc");
    command
        .args([
            "-std=c11",
            "-D_GNU_SOURCE",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-O2",
            "-pthread",
        ])
        .args(flags);
    for source in sources {
        command.arg(repository().join("tests").join(source));
    }
    command.arg("-o").arg(&program);
    match link {
        Link::Host => {}
        Link::Static(configuration) => {
            command.arg("-DRUMP").args(pkg_config(configuration, true));
        }
        Link::Shared(configuration) => {
            let folder = configuration.artifacts();
            command
                .arg("-DRUMP")
                .args(pkg_config(configuration, false))
                .arg(format!("-Wl,-rpath,{}", folder.display()));
        }
    }
    output(&mut command);
    program
}

fn pkg_config(configuration: &Configuration, with_static: bool) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(["--cflags", "--libs"]);
    if with_static {
        command.arg("--static");
    }
    let text = output(command.arg(configuration.artifacts().join("rump.pc")));
    let words = text.split_whitespace().map(str::to_owned);
    if !with_static {
        return words.collect();
    }
    // Both libraries lie in one folder, and a linker given the choice takes the shared one.
    words
        .map(|word| {
            if word == "-lrump" {
                "-l:librump.a".to_owned()
            } else {
                word
            }
        })
        .collect()
}
