//! `run`: builds an application and starts it, in a network of its own where it wants one.

use std::io::IsTerminal;
use std::process::{Command, ExitCode};

use rumpgen::build::Options;
use rumpgen::diagnostic::Diagnostic;
use rumpgen::plan::Plan;

use super::build::build;
use crate::cli::Run;
use crate::failure::Failure;
use crate::network::{DEVICE, HOST4, HOST6, KERNEL4, KERNEL6, Namespace};
use crate::repository;

/// The hypercall group by which kernels reach links of the host.
const LINKS: &str = "frames";
/// The parameter that says which.
const LINK: &str = "virtif";

/// Runs the command.
pub(crate) fn run(asked: &Run) -> Result<ExitCode, Failure> {
    let generated = repository::generate(&asked.selection)?;
    let plan = &generated.plan;
    let Some(app) = &plan.request.app else {
        let error = Diagnostic::new("there is no application to run");
        return Err(Failure::asked(
            error.help("name one: `--app examples/httpd`"),
        ));
    };
    let options = Options {
        root: repository::root(),
        offline: asked.offline,
        colour: std::io::stderr().is_terminal(),
        ..Options::default()
    };
    build(&generated, &options, asked.verbosity)?;
    let program = repository::places(&plan.name).artifacts.join(&app.package);

    let wants_link = plan.groups.iter().any(|group| group.name == LINKS);
    let chosen = |name: &str| {
        plan.params
            .iter()
            .any(|p| p.name == name && p.value.is_some())
    };
    let namespace = match wants_link && !chosen(LINK) {
        true => Some(Namespace::new()?),
        false => None,
    };
    let mut command = match &namespace {
        Some(namespace) => {
            let mut command = namespace.command();
            command.arg(&program).args(parameters(plan));
            reach(namespace);
            command
        }
        None => Command::new(&program),
    };
    let status = command
        .args(&asked.arguments)
        .status()
        .map_err(|error| Failure::work(format!("cannot start {}: {error}", program.display())))?;
    drop(namespace);
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, Into::into))
}

/// Joins the kernel to the device in the namespace, as far as it has such parameters and the user did
/// not set them.
fn parameters(plan: &Plan) -> Vec<String> {
    let values = [
        (LINK, format!("tap:{DEVICE}")),
        ("ip", format!("{KERNEL4}/24,{KERNEL6}/64")),
        ("gateway", format!("{HOST4},{HOST6}")),
    ];
    let open = |name: &str| {
        plan.params
            .iter()
            .any(|p| p.name == name && p.value.is_none())
    };
    let values = values.into_iter().filter(|(name, _)| open(name));
    values
        .flat_map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")])
        .collect()
}

fn reach(namespace: &Namespace) {
    let inside = format!("ip netns exec {}", namespace.name());
    println!("The kernel is at {KERNEL4} and {KERNEL6}; from another terminal:");
    println!("  {inside} ping {KERNEL4}");
    println!("  {inside} curl http://{KERNEL4}/");
    println!("Ctrl-C ends it.");
}
