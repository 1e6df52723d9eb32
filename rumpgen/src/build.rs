//! Runs cargo in a tailored workspace.
//!
//! Cargo sees a short list of the environment and the compiler flags of the plan, so that the
//! result is a matter of the plan alone. Its messages are read, not shown: a [`Progress`] hears what is
//! done, and what the compiler has to say comes back with the error.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::emit::rustflags;
use crate::plan::{Plan, Profile};
use crate::target;
use crate::tools;

/// How to run cargo.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The repository's root, where targets may be provided.
    pub root: PathBuf,
    /// Without the network.
    pub offline: bool,
    /// Only these packages of the workspace; empty for all.
    pub packages: Vec<String>,
    /// Features of them, as `package/feature`.
    pub features: Vec<String>,
    /// Compile nothing, but check that it could be compiled for this Rust target.
    pub check_for: Option<String>,
    /// With colours in what the compiler says.
    pub colour: bool,
}

/// Hears how a build comes along.
pub trait Progress {
    /// So many crates may have to be built.
    fn total(&mut self, crates: usize);
    /// A crate is ready.
    fn done(&mut self, name: &str);
    /// The compiler has something to say; an error is why the build fails.
    fn message(&mut self, text: &str, error: bool);
}

/// The files cargo made, by the name of the target, such as `kernel`.
pub type Products = BTreeMap<String, Vec<PathBuf>>;

/// The command that builds a workspace.
///
/// # Errors
/// That the target of the plan is not installed.
pub fn command(plan: &Plan, folder: &Path, options: &Options) -> Result<Command, Diagnostic> {
    let mut command = Command::new(tools::CARGO.name);
    command
        .current_dir(folder)
        .env_clear()
        .envs(tools::build_environment());
    // Crates downloaded to another place must give the same bytes. The place cannot stand in the
    // workspace's own configuration, which is the same everywhere.
    let mut flags = match options.check_for {
        // The platform's flags are for its own targets, and for what is linked.
        Some(_) => Vec::new(),
        None => rustflags(plan),
    };
    if let Some(home) = cargo_home() {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
        // Places in crates stand in what is built: short, and without the name of the registry's copy.
        let registries = folders(&home.join("registry/src"));
        let short = |registry: &PathBuf| format!("--remap-path-prefix={}/=", registry.display());
        flags.extend(registries.iter().map(short));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    command
        .arg(match options.check_for {
            Some(_) => "check",
            None => "build",
        })
        .arg("--target-dir")
        .arg(folder.join("target"));
    if plan.request.profile == Profile::Release {
        command.arg("--release");
    }
    let image = plan.platform.image.as_ref().map(|image| &image.target);
    if let Some(target) = options.check_for.as_ref().or(image) {
        // Also where it is the compiler's own: the flags are then not for build scripts.
        command.args(["--target", target]);
        if let Some(compiler) = target::find(&options.root, target)? {
            command.env("RUSTC", compiler);
        }
    }
    if options.offline {
        command.arg("--offline");
    }
    for package in &options.packages {
        command.args(["--package", package]);
    }
    for feature in &options.features {
        command.args(["--features", feature]);
    }
    if options.packages.is_empty() {
        command.args(
            default_packages(plan)
                .into_iter()
                .flat_map(|p| ["--package".into(), p]),
        );
    }
    Ok(command)
}

/// The generated packages. The components are built as far as these need them.
fn default_packages(plan: &Plan) -> Vec<OsString> {
    let mut packages: Vec<OsString> = vec!["kernel".into()];
    if crate::emit::has_c_interface(plan) {
        packages.push("capi".into());
    }
    if plan.request.app.is_some() {
        packages.push("app".into());
    }
    packages
}

/// Builds the workspace of `plan` in `folder`.
pub fn build(
    plan: &Plan,
    folder: &Path,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Products, Diagnostic> {
    tools::CARGO.require()?;
    tools::CC.require()?;
    let format = if options.colour {
        "json-diagnostic-rendered-ansi"
    } else {
        "json"
    };
    let mut child = command(plan, folder, options)?
        .arg(format!("--message-format={format}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Diagnostic::new(format!("cannot start `cargo`: {error}")))?;
    let mut errors = child.stderr.take().expect("standard error is piped");
    let errors = thread::spawn(move || {
        let mut text = String::new();
        // What is not text is not worth failing for: it is only shown.
        let _ = errors.read_to_string(&mut text);
        text
    });

    let mut products = Products::new();
    let messages = BufReader::new(child.stdout.take().expect("standard output is piped"));
    for line in messages.lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if products.is_empty() {
            // Only now has cargo cut the lock file down to what this workspace needs.
            progress.total(packages_in_lock(folder));
        }
        hear(&message, &mut products, progress);
    }
    let status = child
        .wait()
        .map_err(|error| Diagnostic::new(format!("cannot wait for `cargo`: {error}")))?;
    let said = errors.join().unwrap_or_default();
    if status.success() {
        return Ok(products);
    }
    // Cargo's own errors, without the list of what it was compiling.
    let said: Vec<_> = said
        .lines()
        .skip_while(|line| !line.contains("error"))
        .collect();
    Err(Diagnostic::new(format!(
        "`cargo build` failed in {}\n{}",
        folder.display(),
        said.join("\n")
    )))
}

fn hear(message: &Value, products: &mut Products, progress: &mut dyn Progress) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match message["reason"].as_str() {
        Some("compiler-artifact") => {
            let target = text(&message["target"]["name"]);
            let files = message["filenames"].as_array().into_iter().flatten();
            let executable = message["executable"]
                .as_str()
                .into_iter()
                .map(PathBuf::from);
            let files = files
                .filter_map(Value::as_str)
                .map(PathBuf::from)
                .chain(executable);
            products.entry(target.clone()).or_default().extend(files);
            if !message["target"]["kind"]
                .to_string()
                .contains("custom-build")
            {
                progress.done(&target);
            }
        }
        Some("compiler-message") => {
            let rendered = text(&message["message"]["rendered"]);
            let error = message["message"]["level"] == "error";
            progress.message(rendered.trim_end(), error);
        }
        _ => {}
    }
}

/// An upper bound of the crates there are to build.
fn packages_in_lock(folder: &Path) -> usize {
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap_or_default();
    lock.lines().filter(|line| *line == "[[package]]").count()
}

/// The folders in a folder, in order; none where there is no such folder.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

fn cargo_home() -> Option<PathBuf> {
    let set = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}
