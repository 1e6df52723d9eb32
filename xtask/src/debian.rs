//! Packages of the host, where it is Debian or made of it, and we may install.

use std::process::{Command, Stdio};

use rumpgen::tools::Tool;

const APT_GET: Tool = Tool {
    name: "apt-get",
    package: "apt",
};

/// Whether packages can be installed here.
pub(crate) fn can_install() -> bool {
    is_root() && APT_GET.find().is_some()
}

/// Installs packages, or brings them up to date. A failure shows in what is still missing afterwards.
pub(crate) fn install(packages: &[&str]) {
    println!("installing {}", packages.join(" "));
    // A package list may be missing or old; if it cannot be renewed, it may still do.
    apt_get(&["update"]);
    let install = ["install", "--yes", "--no-install-recommends"];
    apt_get(&[&install[..], packages].concat());
}

fn apt_get(arguments: &[&str]) {
    let _ = Command::new(APT_GET.name)
        .args(arguments)
        .args(["-qq", "-o", "DPkg::Lock::Timeout=120"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null())
        .status();
}

/// Whether we may do everything here.
pub(crate) fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
}
