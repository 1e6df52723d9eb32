//! Applications that are images and run on a machine.

use std::path::Path;

use rumpgen::config::About;
use rumpgen::diagnostic::Diagnostic;
use rumpgen::machine::{self as machines, Forward, Run, Wish};
use rumpgen::pipeline::Generated;
use rumpgen::plan::{App, Plan};

use super::{Launch, Network, artifact, free_port, open_params, params_of, tap};
use crate::cli::Start;
use crate::console::Names;
use crate::debian;
use crate::failure::Failure;
use crate::network::DEVICE;
use crate::repository;

/// The factions that drivers of network cards stand on.
const CARDS: [&str; 2] = ["net", "dev"];
/// Ports below are the host's own business: others stand for them.
const PRIVILEGED: u16 = 1024;
const ABOVE: u16 = 8000;

pub(super) fn plan(
    generated: &Generated,
    app: &App,
    about: &About,
    start: &Start,
    arguments: Vec<String>,
    debugger: Option<u16>,
) -> Result<Launch, Failure> {
    let plan = &generated.plan;
    let (image, symbols) = (artifact(plan, &app.image()), artifact(plan, &app.symbols()));
    let platform = &generated.catalogue.platforms[&plan.platform.name];
    let run = platform.run.as_ref().ok_or_else(|| {
        let message = format!(
            "the platform `{}` does not say how its images are run",
            plan.platform.name
        );
        let help = format!(
            "boot {} yourself, or add a table `[run]` to the manifest",
            image.display()
        );
        Failure::asked(Diagnostic::new(message).help(help))
    })?;
    let machine = run
        .machine(start.machine.as_deref())
        .map_err(Failure::asked)?;
    for disk in &start.disks {
        if !disk.is_file() {
            let message = format!("there is no disk {}", disk.display());
            return Err(Failure::asked(Diagnostic::new(message)));
        }
    }
    let network = network(plan, run, about, start);
    let params = match &network {
        Network::Host(_) | Network::Tap(_) => params_of(plan, &network),
        Network::Forwarded(_) => {
            let params = run.user.iter().flat_map(|user| &user.params);
            open_params(plan, params.map(|(name, value)| (&**name, value.clone())))
        }
    };
    let debugger = debugger.map(|port| match network {
        Network::Tap(_) => port,
        Network::Host(_) | Network::Forwarded(_) => free_port(port),
    });
    let wish = Wish {
        image: image.display().to_string(),
        params,
        arguments,
        cpus: start.cpus.unwrap_or(1),
        memory: start.memory,
        disks: start
            .disks
            .iter()
            .map(|disk| disk.display().to_string())
            .collect(),
        network: match &network {
            Network::Host(_) => machines::Network::None,
            Network::Tap(_) => machines::Network::Tap(DEVICE.to_owned()),
            Network::Forwarded(forwards) => machines::Network::User(forwards.clone()),
        },
        debugger,
    };
    Ok(Launch {
        arguments: run.arguments(machine, &wish).map_err(Failure::asked)?,
        program: run.program.clone().into(),
        package: Some(run.package.clone()),
        names: Some(Names {
            symbols: symbols.clone(),
            workspace: repository::places(&plan.name).workspace,
        }),
        symbols,
        image: Some((image, start.memory.unwrap_or(run.memory))),
        exit: run.exit,
        network,
        debugger,
    })
}

/// A kernel with a driver of a network card gets one: on a TAP where we may make one, else by the
/// program's own means.
fn network(plan: &Plan, run: &Run, about: &About, start: &Start) -> Network {
    let needs = |name: &str, other: &str| {
        let mut edges = plan.edges.iter();
        edges.any(|edge| edge.from == name && edge.to == other)
    };
    let drives = plan
        .components
        .iter()
        .any(|component| CARDS.iter().all(|faction| needs(&component.name, faction)));
    let may = debian::is_root() && Path::new("/dev/net/tun").exists() && start.forwards.is_empty();
    if !drives {
        Network::Host(None)
    } else if may && !run.tap.is_empty() {
        tap(plan, about, start)
    } else if run.user.is_some() {
        Network::Forwarded(forwards(about, start))
    } else {
        Network::Host(None)
    }
}

/// The forwards asked for, and for each other port that the application serves one that is free.
fn forwards(about: &About, start: &Start) -> Vec<Forward> {
    let mut forwards = start.forwards.clone();
    for forward in forwards.iter_mut().filter(|forward| forward.host == 0) {
        forward.host = free_port(0);
    }
    for port in &about.ports {
        if !forwards.iter().any(|forward| forward.port == *port) {
            let wanted = if *port < PRIVILEGED {
                port + ABOVE
            } else {
                *port
            };
            let host = free_port(wanted);
            forwards.push(Forward { host, port: *port });
        }
    }
    forwards
}
