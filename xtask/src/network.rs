//! A network of its own for a kernel that runs on this host: a namespace with a TAP device in it.
//!
//! Everything made here is in the namespace, so that removing the namespace removes it all. That is
//! done by a process outside our process group, which waits for us to go: Ctrl-C ends us, and
//! whatever else ends us, it still comes to its turn.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rumpgen::diagnostic::Diagnostic;
use rumpgen::tools::{self, IP};

/// The host's device at the link, and the addresses of both ends.
pub(crate) const DEVICE: &str = "rump0";
pub(crate) const HOST4: &str = "10.0.0.1";
pub(crate) const KERNEL4: &str = "10.0.0.2";
pub(crate) const HOST6: &str = "fd00:72:756d:70::1";
pub(crate) const KERNEL6: &str = "fd00:72:756d:70::2";

/// A network namespace; it goes when this goes.
pub(crate) struct Namespace {
    name: String,
    keeper: Child,
}

impl Namespace {
    /// Makes a namespace with the device up and addressed.
    pub(crate) fn new() -> Result<Namespace, Diagnostic> {
        let ip = IP.require()?;
        let name = format!("rump-{}", std::process::id());
        let run = |arguments: &[&str]| tools::run(Command::new(&ip).args(arguments)).map(drop);
        run(&["netns", "add", &name])?;
        let namespace = Namespace {
            keeper: keeper(&name)?,
            name,
        };
        let inside = |arguments: &[&str]| run(&[&["-n", &namespace.name][..], arguments].concat());
        inside(&["link", "set", "lo", "up"])?;
        inside(&["tuntap", "add", "dev", DEVICE, "mode", "tap"])?;
        inside(&["address", "add", &format!("{HOST4}/24"), "dev", DEVICE])?;
        inside(&[
            "address",
            "add",
            &format!("{HOST6}/64"),
            "dev",
            DEVICE,
            "nodad",
        ])?;
        inside(&["link", "set", DEVICE, "up"])?;
        Ok(namespace)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The command that runs a program inside.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(IP.name);
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // It has nothing to say that could be acted on here.
        let _ = self.keeper.wait();
    }
}

/// Waits for the end of its standard input, then ends what runs in the namespace and removes it.
fn keeper(name: &str) -> Result<Child, Diagnostic> {
    const SCRIPT: &str = "cat >/dev/null; \
        for pid in $(ip netns pids \"$0\"); do kill \"$pid\" 2>/dev/null; done; \
        ip netns delete \"$0\"";
    Command::new("sh")
        .args(["-c", SCRIPT, name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| Diagnostic::new(format!("cannot start `sh`: {error}")))
}
