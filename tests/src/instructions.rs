//! How many instructions operations of a kernel take, and what they took when somebody last looked.
//!
//! They are counted by valgrind's cachegrind, of a C program with `librump.a` in it as users link it: of all threads,
//! at two counts of the operation, so that all that is done once cancels out. That needs no marks in the code, no
//! profile, and no program beside valgrind. What the C library has for this processor alone is switched off, so that
//! machines agree.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::{Configuration, Link, compile, output, repository};

/// The operations, as `programs/instructions.c` knows them, and how often each is done.
const OPERATIONS: [(&str, u32); 8] = [
    ("getpid", 1000),
    ("pair", 1000),
    ("udp", 1000),
    ("tcp-rr", 500),
    ("tcp-bulk", 20),
    ("epoll", 500),
    ("ping", 200),
    ("boot", 20),
];

/// What an operation may take beyond the baseline, in percent: more than counts differ by from run to run.
const TOLERANCE: f64 = 5.0;

/// The program that counts.
pub const VALGRIND: &str = "valgrind";

/// Where the baseline is.
fn path() -> PathBuf {
    repository().join("tests/bench/instructions.json")
}

/// Instructions of each operation.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Instructions {
    /// The compiler they were compiled by, as it says itself: another one makes others.
    pub compiler: String,
    /// By the operation's name.
    pub operations: BTreeMap<String, f64>,
}

impl Instructions {
    /// Counts.
    pub fn count() -> Instructions {
        let configuration = Configuration::net_sockets_local();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let link = Link::Static(&configuration);
        let source = ["programs/instructions.c"];
        let program = compile(folder.path(), "instructions", &source, &[], link);
        let count = |(name, count): (&str, u32)| {
            let once = run(&program, folder.path(), name, count);
            let twice = run(&program, folder.path(), name, 2 * count);
            let each = twice.saturating_sub(once) as f64 / f64::from(count);
            (name.to_owned(), (each * 10.0).round() / 10.0)
        };
        Instructions {
            compiler: compiler(),
            operations: OPERATIONS.into_iter().map(count).collect(),
        }
    }

    /// The baseline; an error says what is wrong with it.
    pub fn baseline() -> Result<Instructions, String> {
        let path = path();
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Makes these the baseline.
    pub fn accept(&self) {
        let text = serde_json::to_string_pretty(self).expect("plain data");
        let path = path();
        fs::write(&path, text + "\n").unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// What takes more than in a baseline, a line each. An operation that is in one only is such a line, too.
    pub fn beyond(&self, baseline: &Instructions) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, before) in &baseline.operations {
            match self.operations.get(name) {
                Some(now) if *now <= before * (1.0 + TOLERANCE / 100.0) => {}
                Some(now) => lines.push(format!(
                    "{name}: {now} instructions, {:+.1} % beyond the {before} of the baseline",
                    (now / before - 1.0) * 100.0
                )),
                None => lines.push(format!("{name}: is only in the baseline")),
            }
        }
        let new = self.operations.keys();
        let new = new.filter(|name| !baseline.operations.contains_key(*name));
        lines.extend(new.map(|name| format!("{name}: is not in the baseline")));
        lines
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.operations {
            writeln!(f, "{name:12} {count:>10.1} instructions")?;
        }
        Ok(())
    }
}

/// The version of the compiler of kernels.
pub fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    output(Command::new(rustc).arg("--version"))
        .trim()
        .to_owned()
}

/// The instructions of the whole program.
fn run(program: &Path, folder: &Path, name: &str, count: u32) -> u64 {
    let _ = fs::remove_file(folder.join("ping.link"));
    let mut command = Command::new(VALGRIND);
    command.args(["--tool=cachegrind", "--cache-sim=no"]);
    command.arg("--cachegrind-out-file=/dev/null").arg(program);
    command.args([name, &count.to_string()]).current_dir(folder);
    // A kernel reads its environment when it boots: it is to be the same everywhere.
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let processor = "-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM";
    command.env("GLIBC_TUNABLES", format!("glibc.cpu.hwcaps={processor}"));
    let done = command.output().expect("valgrind");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{command:?}: {}\n{said}",
        done.status
    );
    let refs = said.lines().find_map(|line| line.split_once("I   refs:"));
    let refs = refs.map(|(_, number)| number.trim().replace(',', ""));
    refs.and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{command:?} counted nothing:\n{said}"))
}
