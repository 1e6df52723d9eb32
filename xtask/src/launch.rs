//! From a built configuration to the command that starts its application, on this host or on a machine.

mod hosted;
mod machine;

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use rumpgen::config::About;
use rumpgen::diagnostic::{Diagnostic, display_path};
use rumpgen::machine::Exit;
use rumpgen::pipeline::Generated;
use rumpgen::plan::{App, Plan};
use rumpgen::tools;

use crate::child::{Foreground, INTERRUPTED};
use crate::cli::Start;
use crate::console::Names;
use crate::debian;
use crate::failure::Failure;
use crate::network::{DEVICE, HOST4, HOST6, KERNEL4, KERNEL6, Namespace};
use crate::repository;

/// The parameter that says which addresses a kernel has.
const IP: &str = "ip";

/// How to start an application.
pub(crate) struct Launch {
    /// The program, which may run a machine.
    pub program: PathBuf,
    /// The package it is in, where it does not come of the build.
    pub package: Option<String>,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The file with the names of the application's functions.
    pub symbols: PathBuf,
    /// The image that a machine has to hold, and the machine's memory in bytes.
    pub image: Option<(PathBuf, u64)>,
    /// For a console with addresses that are to be put into words.
    pub names: Option<Names>,
    /// What the program's exit status stands for.
    pub exit: Exit,
    /// The network it is started in.
    pub network: Network,
    /// Where a debugger finds it, where it waits for one.
    pub debugger: Option<u16>,
}

/// The network an application is started in.
pub(crate) enum Network {
    /// The host's own; and the ports that the kernel serves there, where its sockets are the host's.
    Host(Option<Vec<u16>>),
    /// A namespace with a TAP device, and the ports that can be reached on the kernel; none are known where its addresses
    /// are the user's.
    Tap(Option<Vec<u16>>),
    /// The host's own, in which these ports stand for ports of the kernel.
    Forwarded(Vec<rumpgen::machine::Forward>),
}

/// Decides how to start the application of a configuration that is built.
pub(crate) fn plan(
    generated: &Generated,
    about: &About,
    start: &Start,
    debugger: Option<u16>,
) -> Result<Launch, Failure> {
    let app = app(&generated.plan)?;
    let arguments = match &start.arguments[..] {
        [] => about.arguments.clone(),
        given => given.to_vec(),
    };
    match generated.plan.platform.image {
        Some(_) => machine::plan(generated, app, about, start, arguments, debugger),
        None => hosted::plan(generated, app, about, start, arguments, debugger),
    }
}

/// The application to start.
pub(crate) fn app(plan: &Plan) -> Result<&App, Failure> {
    plan.request.app.as_ref().ok_or_else(|| {
        let error = Diagnostic::new("there is no application to run");
        Failure::asked(error.help("name one: `--app examples/httpd`"))
    })
}

impl Launch {
    /// Sees whether we may make its network, before anything is built for it.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if !matches!(self.network, Network::Tap(_)) || debian::is_root() {
            return Ok(());
        }
        let error = Diagnostic::new(
            "the application is run in a network namespace with a TAP device, which takes root",
        );
        Err(Failure::asked(error.help(
            "`--platform pvh` runs it in an emulator without; docs/links.md names links that need no root: build \
             it, and start the program with one",
        )))
    }

    /// The network, made where it has to be, and the command to be run in it.
    pub(crate) fn command(&self) -> Result<(Option<Namespace>, Command), Failure> {
        if let Some(package) = &self.package {
            tools::find(&self.program.to_string_lossy(), package)?;
        }
        if let Some((image, memory)) = &self.image {
            rumpgen::machine::check_room(image, *memory).map_err(Failure::asked)?;
        }
        let namespace = match &self.network {
            Network::Tap(_) => Some(Namespace::new()?),
            Network::Host(_) | Network::Forwarded(_) => None,
        };
        let mut command = match &namespace {
            Some(namespace) => namespace.command(&self.program),
            None => Command::new(&self.program),
        };
        command.args(&self.arguments);
        Ok((namespace, command))
    }

    /// The command line, as a person would type it.
    pub(crate) fn shown(&self) -> String {
        let mut words = Vec::new();
        if let Network::Tap(_) = self.network {
            words.extend(["ip", "netns", "exec", "NAMESPACE"].map(str::to_owned));
        }
        words.push(display_path(&self.program));
        words.extend(self.arguments.iter().map(|word| quoted(word)));
        words.join(" ")
    }

    /// What a person can do with it from another terminal.
    pub(crate) fn reach(&self, namespace: Option<&Namespace>) -> Vec<String> {
        let inside = namespace.map(|it| format!("ip netns exec {} ", it.name()));
        let inside = inside.unwrap_or_default();
        let mut lines = Vec::new();
        let served = |at: &str, port: &u16| match port {
            80 => format!("  {inside}curl http://{at}/"),
            port => format!("  {inside}nc {at} {port}"),
        };
        match &self.network {
            Network::Host(None) => {}
            Network::Host(Some(ports)) => {
                let (at4, at6) = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
                let mut line = format!(
                    "The kernel's sockets are this host's: it is at {at4} and {at6}, and where else the host is"
                );
                line.push(if ports.is_empty() { '.' } else { ';' });
                lines.push(line);
                lines.extend(ports.iter().map(|port| served(&at4.to_string(), port)));
            }
            Network::Tap(None) => lines.push(format!(
                "The other end of the kernel's link is `{DEVICE}`, {inside}at {HOST4}/24 and {HOST6}/64."
            )),
            Network::Tap(Some(ports)) => {
                lines.push(format!(
                    "The kernel is at {KERNEL4} and {KERNEL6}; from another terminal:"
                ));
                lines.push(format!("  {inside}ping {KERNEL4}"));
                lines.extend(ports.iter().map(|port| served(KERNEL4, port)));
            }
            Network::Forwarded(forwards) => {
                let at = Ipv4Addr::LOCALHOST;
                lines.extend(forwards.iter().map(|forward| {
                    let (host, port) = (forward.host, forward.port);
                    format!("The kernel's TCP port {port} is port {host} of {at}.")
                }));
            }
        }
        if let Some(port) = self.debugger {
            let symbols = display_path(&self.symbols);
            lines.push("It waits for a debugger; attach one from another terminal:".to_owned());
            lines.push(format!(
                "  {inside}gdb {symbols} -ex 'target remote :{port}'"
            ));
        }
        if !lines.is_empty() {
            lines.push("Ctrl-C ends it.".to_owned());
        }
        lines
    }

    /// What our own exit code is after the program's end.
    pub(crate) fn code(
        &self,
        status: ExitStatus,
        program: &Foreground,
    ) -> Result<ExitCode, Failure> {
        if program.was_interrupted() {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let code = status.code().and_then(|status| self.exit.code(status));
        code.map(ExitCode::from).ok_or_else(|| {
            let program = display_path(&self.program);
            Failure::work(format!(
                "`{program}` ended without an exit code of the application ({status})"
            ))
        })
    }
}

/// A file among the artifacts of a configuration.
fn artifact(plan: &Plan, name: &str) -> PathBuf {
    repository::places(&plan.name).artifacts.join(name)
}

/// Values for parameters of the kernel, as far as it has such parameters and the user did not set them.
fn open_params<'a>(
    plan: &Plan,
    values: impl IntoIterator<Item = (&'a str, String)>,
) -> Vec<(String, String)> {
    let open = |name: &str| {
        plan.params
            .iter()
            .any(|it| it.name == name && it.value.is_none())
    };
    let values = values.into_iter().filter(|(name, _)| open(name));
    values
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A namespace with a TAP device, for this application.
fn tap(plan: &Plan, about: &About, start: &Start) -> Network {
    // Who gave the kernel an address gave it its routes, too.
    let ours = open_params(plan, addresses());
    let ours = ours.iter().any(|(name, _)| name == IP);
    Network::Tap(ours.then(|| served(about, start)))
}

/// What the kernel is told of that network, as far as the user did not say.
fn params_of(plan: &Plan, network: &Network) -> Vec<(String, String)> {
    match network {
        Network::Tap(Some(_)) => open_params(plan, addresses()),
        _ => Vec::new(),
    }
}

/// The ports that the application serves, as far as is known: which they are with other arguments than its own is for
/// whoever gave them to know.
fn served(about: &About, start: &Start) -> Vec<u16> {
    match &start.arguments[..] {
        [] => about.ports.clone(),
        _ => Vec::new(),
    }
}

/// The addresses of a kernel whose link leads to the TAP device in a namespace.
fn addresses() -> [(&'static str, String); 2] {
    [
        (IP, format!("{KERNEL4}/24,{KERNEL6}/64")),
        ("gateway", format!("{HOST4},{HOST6}")),
    ]
}

/// A TCP port of this host that is free now: the one that is wanted, if it is.
fn free_port(wanted: u16) -> u16 {
    let bound = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
    let listener = bound(wanted).or_else(|| bound(0));
    let address = listener.and_then(|listener| listener.local_addr().ok());
    address.map_or(wanted, |address| address.port())
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+,.:/@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("a,b=/c:d"), "a,b=/c:d");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn a_port_in_use_is_not_taken() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free_port(port), port);
    }
}
