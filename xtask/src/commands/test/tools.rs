//! Programs the whole-system tests use, and getting them.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use rumpgen::tools::{TESTED_WITH, Tool};

const APT_GET: Tool = Tool {
    name: "apt-get",
    package: "apt",
};

/// Installs what is missing where that is possible, and else says in one line what to install.
pub(super) fn install_missing() {
    let missing = missing();
    if missing.is_empty() {
        return;
    }
    if is_root() && APT_GET.find().is_some() {
        println!("installing {}", missing.join(" "));
        // A package list may be missing or old; if it cannot be renewed, it may still do.
        apt_get(&["update"]);
        apt_get(
            &[
                &["install", "--yes", "--no-install-recommends"][..],
                &missing,
            ]
            .concat(),
        );
    }
    let missing = self::missing();
    if !missing.is_empty() {
        println!(
            "some tests will be skipped; to run them, install: {}",
            missing.join(" ")
        );
    }
}

fn missing() -> Vec<&'static str> {
    let missing = TESTED_WITH.iter().filter(|tool| tool.find().is_none());
    let packages: BTreeSet<_> = missing.map(|tool| tool.package).collect();
    packages.into_iter().collect()
}

fn apt_get(arguments: &[&str]) {
    // A failure shows in what is still missing afterwards.
    let _ = Command::new(APT_GET.name)
        .args(arguments)
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null())
        .status();
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
}
