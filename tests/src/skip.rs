//! Tests that cannot run here: counted, and told why.

use std::io::Write;
use std::path::Path;

use rumpgen::tools::{AR, CC, LD, OBJCOPY, TESTED_WITH, Tool};

/// What building a configuration takes, which every test does that takes anything.
const BUILD: [&str; 4] = [AR.name, CC.name, LD.name, OBJCOPY.name];
/// What a namespace takes.
const NAMESPACE: [&str; 2] = ["ip", "sysctl"];

/// Whether what a test takes is here, and these programs; says that the test is left out if not.
pub fn need(test: &str, programs: &[&str]) -> bool {
    run_or_skip(test, missing(programs))
}

/// Says that a test is left out for the lack of something that is no program.
pub fn skip(test: &str, missing: &str) {
    run_or_skip(test, vec![missing.to_owned()]);
}

/// Whether network namespaces with a TAP can be made, and what [`need`] looks for is here.
pub fn need_network(test: &str, programs: &[&str]) -> bool {
    let mut why = missing(&[&NAMESPACE, programs].concat());
    if !(is_root() && Path::new("/dev/net/tun").exists()) {
        why.push("root and /dev/net/tun, for a network namespace with a TAP".to_owned());
    }
    run_or_skip(test, why)
}

fn missing(programs: &[&str]) -> Vec<String> {
    let tools = BUILD.iter().chain(programs).map(|name| listed(name));
    let missing = tools.filter(|tool| tool.find().is_none());
    missing
        .map(|tool| format!("`{}` (package {})", tool.name, tool.package))
        .collect()
}

/// A program has to be on the list that `cargo xtask test` installs from.
fn listed(name: &str) -> Tool {
    let listed = TESTED_WITH.iter().find(|tool| tool.name == name);
    *listed.unwrap_or_else(|| panic!("`{name}` is not among rumpgen::tools::TESTED_WITH"))
}

fn is_root() -> bool {
    // The owner of a file just made is who we are.
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").map(|meta| meta.uid());
    matches!(own, Ok(0))
}

/// Says that a test is left out, if anything is missing. `cargo xtask test` names a file in `RUMP_TEST_SKIPS`
/// and counts its lines.
fn run_or_skip(test: &str, missing: Vec<String>) -> bool {
    if missing.is_empty() {
        return true;
    }
    let line = format!("{test}: needs {}", missing.join(", "));
    println!("skipped {line}");
    let Ok(path) = std::env::var("RUMP_TEST_SKIPS") else {
        return false;
    };
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path);
    let mut file = file.unwrap_or_else(|error| panic!("{path}: {error}"));
    // In one piece: other tests write at the same time.
    file.write_all(format!("{line}\n").as_bytes())
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    false
}
