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
/// Says which line of the source an address is.
pub const ADDR2LINE: Tool = tool("addr2line", "binutils");
/// Links images where the compiler brought no linker of its own.
pub const LLD: Tool = tool("ld.lld", "lld");
/// Runs a program of this host for a debugger.
pub const GDBSERVER: Tool = tool("gdbserver", "gdbserver");
/// Adds targets to the compiler in use.
pub const RUSTUP: Tool = tool("rustup", "rustup");
/// Makes namespaces and devices.
pub const IP: Tool = tool("ip", "iproute2");

/// What whole-system tests use, beside what runs them. A test that misses one skips itself.
pub const TESTED_WITH: &[Tool] = &[
    ADDR2LINE,
    AR,
    CC,
    GDBSERVER,
    IP,
    LD,
    OBJCOPY,
    // No program of this host's, but found and installed like one.
    tool("/boot/xen-4.17-amd64.gz", "xen-hypervisor-4.17-amd64"),
    tool("bash", "bash"),
    tool("c++", "g++"),
    tool("curl", "curl"),
    tool("dnsmasq", "dnsmasq-base"),
    tool("gdb", "gdb"),
    tool("git", "git"),
    tool("gzip", "gzip"),
    tool("nc", "netcat-openbsd"),
    tool("nm", "binutils"),
    tool("objdump", "binutils"),
    tool("ping", "iputils-ping"),
    tool("pkg-config", "pkg-config"),
    tool("python3", "python3"),
    tool("qemu-system-x86_64", "qemu-system-x86"),
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
