//! The programs that are used, each with its Debian package: the one list of them.

use super::Tool;

/// Builds Rust.
pub const CARGO: Tool = tool("cargo", "cargo");
/// Drives the linker.
pub const CC: Tool = tool("cc", "gcc");
/// Links objects into one.
pub const LD: Tool = tool("ld", "binutils");
/// Makes symbols local.
pub const OBJCOPY: Tool = tool("objcopy", "binutils");
/// Packs objects.
pub const AR: Tool = tool("ar", "binutils");
/// Makes namespaces and devices.
pub const IP: Tool = tool("ip", "iproute2");

/// What whole-system tests use, beside what runs them. A test that misses one skips itself.
pub const TESTED_WITH: &[Tool] = &[
    AR,
    CC,
    IP,
    LD,
    OBJCOPY,
    tool("addr2line", "binutils"),
    tool("bash", "bash"),
    tool("curl", "curl"),
    tool("dnsmasq", "dnsmasq-base"),
    tool("git", "git"),
    tool("nc", "netcat-openbsd"),
    tool("nm", "binutils"),
    tool("objdump", "binutils"),
    tool("ping", "iputils-ping"),
    tool("pkg-config", "pkg-config"),
    tool("python3", "python3"),
    tool("readelf", "binutils"),
    tool("sha256sum", "coreutils"),
    tool("sysctl", "procps"),
    tool("tcpdump", "tcpdump"),
    tool("timeout", "coreutils"),
    tool("unshare", "util-linux"),
];

const fn tool(name: &'static str, package: &'static str) -> Tool {
    Tool { name, package }
}
