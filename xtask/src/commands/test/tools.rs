//! Programs the whole-system tests use, and getting them.

use std::path::Path;
use std::process::{Command, Stdio};

use rumpgen::tools::{AR, CC, Tool};

/// What the tests use. A test that misses its program skips itself.
const TOOLS: [Tool; 11] = [
    AR,
    CC,
    Tool {
        name: "sysctl",
        package: "procps",
    },
    Tool {
        name: "ip",
        package: "iproute2",
    },
    Tool {
        name: "ping",
        package: "iputils-ping",
    },
    Tool {
        name: "curl",
        package: "curl",
    },
    Tool {
        name: "nc",
        package: "netcat-openbsd",
    },
    Tool {
        name: "python3",
        package: "python3",
    },
    Tool {
        name: "tcpdump",
        package: "tcpdump",
    },
    Tool {
        name: "pkg-config",
        package: "pkg-config",
    },
    Tool {
        name: "dnsmasq",
        package: "dnsmasq-base",
    },
];

/// Installs what is missing where that is possible, and else says in one line what to install.
pub(super) fn install_missing() {
    let missing = missing();
    if missing.is_empty() {
        return;
    }
    if is_root() && Path::new("/etc/debian_version").exists() {
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
    let missing = TOOLS.iter().filter(|tool| tool.find().is_none());
    let mut packages: Vec<_> = missing.map(|tool| tool.package).collect();
    packages.dedup();
    packages
}

fn apt_get(arguments: &[&str]) {
    // A failure shows in what is still missing afterwards.
    let _ = Command::new("apt-get")
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
