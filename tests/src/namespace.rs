//! A network namespace of the test's own, with a TAP: the host's side of the wire.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::output;

/// The host's address on the TAP.
const HOST4: &str = "10.77.0.1/24";
const HOST6: &str = "fd77::1/64";

/// A namespace with the TAP `rump0`, up, with addresses. Gone when dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes it. Needs root.
    pub fn new() -> Namespace {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rumptest-{}-{count}", std::process::id());
        output(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Namespace { name };
        namespace.run("ip link set lo up");
        namespace.run("ip tuntap add dev rump0 mode tap");
        // Without duplicate address detection an IPv6 address is good at once.
        namespace.run("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.rump0.accept_dad=0");
        namespace.run("ip link set rump0 up");
        namespace.run(&format!("ip addr add {HOST4} dev rump0"));
        namespace.run(&format!("ip addr add {HOST6} dev rump0 nodad"));
        namespace
    }

    /// A cable of the host's to another namespace: 10.78.0.1 here, 10.78.0.2 there.
    pub fn cable_to(&self, other: &Namespace) {
        self.run(&format!(
            "ip link add veth0 type veth peer name veth0 netns {}",
            other.name
        ));
        for (namespace, number) in [(self, 1), (other, 2)] {
            namespace.run("ip link set veth0 up");
            namespace.run(&format!("ip addr add 10.78.0.{number}/24 dev veth0"));
        }
    }

    /// A command inside.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a command line inside, to its end, and returns what it wrote.
    pub fn run(&self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let program = words.next().expect("a command");
        output(self.command(program).args(words))
    }

    /// Runs a shell script inside, to its end, and returns what it wrote.
    pub fn shell(&self, script: &str) -> String {
        output(
            self.command("bash")
                .args(["-euo", "pipefail", "-c", script]),
        )
    }

    /// A kernel's program inside, with its interface on the TAP and the usual addresses.
    pub fn kernel(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.command(program);
        command
            .env("RUMP_VIRTIF", "tap:rump0")
            .env("RUMP_IP", "10.77.0.2/24,fd77::2/64");
        command
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Namespace::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Best effort: the test's own failure is the one to see.
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .output();
    }
}
