//! Applications that are programs of this host.

use rumpgen::config::About;
use rumpgen::diagnostic::Diagnostic;
use rumpgen::machine::Exit;
use rumpgen::pipeline::Generated;
use rumpgen::plan::App;
use rumpgen::tools::Tool;

use super::{Launch, Network, artifact, free_port, open_params, params_of, served, tap};
use crate::cli::Start;
use crate::failure::Failure;
use crate::network::DEVICE;

/// The hypercall group by which kernels have sockets of the host, and so its network.
const SOCKETS: &str = "hostsockets";
/// The hypercall group by which kernels reach links of the host.
const LINKS: &str = "frames";
/// The parameter that says which.
const LINK: &str = "virtif";
/// The scheme of the links that there are in a namespace of the application's own.
const SCHEME: &str = "tap";
/// The hypercall group by which kernels reach files of the host as disks.
const DISKS: &str = "block";
/// The parameter that says which.
const DISK: &str = "disk";

const GDBSERVER: Tool = Tool {
    name: "gdbserver",
    package: "gdbserver",
};

pub(super) fn plan(
    generated: &Generated,
    app: &App,
    about: &About,
    start: &Start,
    arguments: Vec<String>,
    debugger: Option<u16>,
) -> Result<Launch, Failure> {
    let plan = &generated.plan;
    let uses = |name: &str| plan.groups.iter().any(|group| group.name == name);
    of_a_machine(&plan.platform.name, start, uses(DISKS))?;
    let link = open_params(plan, [(LINK, format!("{SCHEME}:{DEVICE}"))]);
    let (network, params) = if uses(SOCKETS) {
        (Network::Host(Some(served(about, start))), Vec::new())
    } else if uses(LINKS) && !link.is_empty() {
        opens_taps(generated)?;
        let network = tap(plan, about, start);
        let ours = params_of(plan, &network);
        (network, [link, ours].concat())
    } else {
        (Network::Host(None), Vec::new())
    };
    let program = artifact(plan, &app.program);
    let params = params
        .into_iter()
        .chain(disks(start))
        .flat_map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")]);
    let mut launch = Launch {
        symbols: program.clone(),
        program,
        package: None,
        arguments: params.chain(arguments).collect(),
        names: None,
        image: None,
        exit: Exit { first: 0, step: 1 },
        network,
        debugger: None,
    };
    if let Some(port) = debugger {
        debug(&mut launch, port);
    }
    Ok(launch)
}

/// What the platform cannot open is said before anything is built.
fn opens_taps(generated: &Generated) -> Result<(), Failure> {
    let plan = &generated.plan;
    let name = &plan.platform.name;
    let platform = &generated.catalogue.platforms[name];
    if platform.links.iter().any(|link| link.value == SCHEME) {
        return Ok(());
    }
    let message = format!(
        "the application is run with a link of the kind `{SCHEME}`, which the platform `{name}` does not open"
    );
    let diagnostic = match platform.links.first() {
        Some(first) => Diagnostic::new(message).primary(&first.place, "the kinds it opens"),
        None => Diagnostic::new(message).primary(&platform.name.place, "it names no `links`"),
    };
    let groups = plan.groups.iter().filter(|group| group.name == LINKS);
    let drivers: Vec<&str> = groups
        .flat_map(|group| &group.needed_by)
        .map(String::as_str)
        .collect();
    let drivers = drivers.join(",");
    Err(Failure::asked(diagnostic.help(format!(
        "name another with `--param {LINK}=URL`, or have none: `--without {drivers}`"
    ))))
}

/// Lets a debugger's server start the program, which waits before its first instruction.
fn debug(launch: &mut Launch, port: u16) {
    let port = match launch.network {
        // A namespace has all ports to itself.
        Network::Tap(_) => port,
        Network::Host(_) | Network::Forwarded(_) => free_port(port),
    };
    let program = launch.program.display().to_string();
    let server = ["--once".to_owned(), format!("localhost:{port}"), program];
    launch.arguments.splice(..0, server);
    launch.program = GDBSERVER.name.into();
    launch.package = Some(GDBSERVER.package.to_owned());
    launch.debugger = Some(port);
}

/// The parameter that names the disks asked for.
fn disks(start: &Start) -> Option<(String, String)> {
    let names: Vec<String> = start
        .disks
        .iter()
        .map(|disk| disk.display().to_string())
        .collect();
    (!names.is_empty()).then(|| (DISK.to_owned(), names.join(",")))
}

/// What is asked for a machine has no meaning here.
fn of_a_machine(platform: &str, start: &Start, has_disks: bool) -> Result<(), Failure> {
    let asked = [
        ("--machine", start.machine.is_some()),
        ("--cpus", start.cpus.is_some()),
        ("--memory", start.memory.is_some()),
        ("--disk", !start.disks.is_empty() && !has_disks),
        ("--forward", !start.forwards.is_empty()),
    ];
    let asked: Vec<_> = asked
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let message =
        format!("the platform `{platform}` runs on this host, which is no machine to choose");
    let help = format!("leave out {}", asked.join(", "));
    Err(Failure::asked(Diagnostic::new(message).help(help)))
}
