//! The command line: its words, its help.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rumpgen::build::Options;
use rumpgen::machine::Forward;
use rumpgen::value;

use crate::repository;

/// Kernel drivers as libraries: builds tailored rump kernels.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask build --components net,sockets
          a TCP/IP stack as a library, in target/rump/linux-net-sockets/
  cargo xtask run --components net,sockets --app examples/httpd
          a web server on a network stack of its own
  cargo xtask list
          the components and platforms there are
  cargo xtask graph --components net,sockets --format svg > graph.svg
          what such a kernel consists of, drawn
  cargo xtask test
          everything that can be tested here

Exit codes: 0 done, 1 it failed, 2 what was asked for makes no sense.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a kernel: libraries with headers, or an application with the kernel linked in
    #[command(after_help = BUILD_EXAMPLES)]
    Build(Build),
    /// Build an application and run it, with its network set up
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// As run, waiting for a debugger, and say how to attach it
    #[command(after_help = DEBUG_EXAMPLES)]
    Debug(Debug),
    /// Show the components of a kernel and who needs whom
    Graph(Graph),
    /// Say why a component is part of a kernel
    Why(Why),
    /// Write a workspace that builds anywhere, without this repository and without a network
    Extract(Extract),
    /// List the components by layer, and the platforms with what they offer
    List(List),
    /// Hold the manifests against the code
    Check(Check),
    /// Provide Rust targets that the compiler lacks
    #[command(after_help = SETUP_EXAMPLES)]
    Setup(Setup),
    /// Run every test and install missing tools where that is possible; or run one application as it expects
    #[command(after_help = TEST_EXAMPLES)]
    Test(Test),
    /// Feed what comes from wires, neighbours, loaders and files with inputs that reach ever more code
    #[command(after_help = FUZZ_EXAMPLES)]
    Fuzz(Fuzz),
    /// Measure, beside the host's kernel
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(Bench),
    /// Remove what was generated and built
    Clean(Clean),
}

const BUILD_EXAMPLES: &str = "\
Examples:
  cargo xtask build --components net,sockets
  cargo xtask build --components net,sockets --param tcp-buffer=128KiB
  cargo xtask build --components net,sockets --platform sim --dev
  cargo xtask build --config my/rump.toml
  cargo xtask build --components net,sockets --platform pvh --app examples/httpd --image iso,raw --param ip=dhcp
  cargo xtask build --components net --dry-run

The workspace is left in generated/<configuration>/; `cargo build` works there too.";

const RUN_EXAMPLES: &str = "\
Examples:
  cargo xtask run --components net,sockets --app examples/httpd
  cargo xtask run --components net,sockets --app examples/echo -- --port 8007
  cargo xtask run --config my/rump.toml --cpus 4 --memory 128MiB --disk disk.img

As root, the application gets a network namespace of its own with a TAP device in it. The
namespace is removed when the application ends, also by Ctrl-C. Without root's rights an image gets
a network of the machine's own, and ports of this host stand for ports of it.";

const DEBUG_EXAMPLES: &str = "\
Examples:
  cargo xtask debug --components net,sockets --app examples/httpd

It prints the one line to attach with, from another terminal.";

const TEST_EXAMPLES: &str = "\
Examples:
  cargo xtask test
  cargo xtask test --app examples/httpd

With --app, the application is run, and held against `[expect]` in the rump.toml beside it.";

const FUZZ_EXAMPLES: &str = "\
Examples:
  cargo xtask fuzz
          every target for a minute
  cargo xtask fuzz tcp --time 3600 --keep
          one for an hour; what it found is added to tests/fuzz/corpus/tcp
  cargo xtask fuzz tcp --input target/fuzz/failures/tcp-crash-0123abcd
          an input that ended in a failure, again

Inputs that ended in a failure are in target/fuzz/failures. Put one into tests/fuzz/corpus/TARGET once what it
found is mended: `cargo xtask test` reads all of them, and goes on from there for a second each.
What the targets are is in tests/fuzz/src/targets.rs.";

const BENCH_EXAMPLES: &str = "\
Examples:
  cargo xtask bench
  cargo xtask bench tcp
  cargo xtask bench instructions --accept
          what operations take now is what tests allow from now on";

const SETUP_EXAMPLES: &str = "\
Examples:
  cargo xtask setup --target x86_64-unknown-none

As root on Debian, the target's core library is built from packages, beside the compiler in use.
Elsewhere rustup adds the target to it.";

/// Which kernel.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Components, by name; what they need comes with them
    #[arg(long, short, value_name = "NAMES")]
    pub components: Option<String>,
    /// Leave out components that would come by default
    #[arg(long, value_name = "NAMES")]
    pub without: Option<String>,
    /// What the kernel runs on [default: linux]
    #[arg(long, short, value_name = "NAME")]
    pub platform: Option<String>,
    /// Compile for this Rust target [default: the platform's first]
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<String>,
    /// Link this application in: the folder of its crate
    #[arg(long, value_name = "FOLDER")]
    pub app: Option<PathBuf>,
    /// Set a parameter, such as tcp-buffer=128KiB
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Take all of this from a file
    #[arg(long, value_name = "RUMP.TOML")]
    pub config: Option<PathBuf>,
    /// Call the configuration this
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Build fast and checked instead of optimised
    #[arg(long)]
    pub dev: bool,
    /// More component manifests, from outside this repository
    #[arg(long, value_name = "FOLDER")]
    pub manifests: Vec<PathBuf>,
}

impl Selection {
    /// Whether it chooses anything, rather than everything there is.
    pub(crate) fn names_something(&self) -> bool {
        self.components.is_some() || self.config.is_some() || self.app.is_some()
    }
}

/// How much to say.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Verbosity {
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Say what is done, step by step
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// `build`
#[derive(Args, Debug)]
pub(crate) struct Build {
    #[command(flatten)]
    pub selection: Selection,
    /// Make a bootable CD (iso) or disk (raw) of an image, or a layout for container registries (oci)
    #[arg(long, value_name = "FORMATS")]
    pub image: Option<String>,
    /// Without the network
    #[arg(long)]
    pub offline: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
    /// Arguments of the application, where it is started from such a format
    #[arg(last = true, requires = "image")]
    pub arguments: Vec<String>,
}

/// How an application is started.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Start {
    #[command(flatten)]
    pub selection: Selection,
    /// Run an image on this machine [default: the platform's]
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
    /// Processors of the machine [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub cpus: Option<u32>,
    /// Memory of the machine, such as 64MiB [default: the platform's]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub memory: Option<u64>,
    /// A file that is a disk of the machine, or of a kernel on this host that has the host's disks; may be given again
    #[arg(long = "disk", value_name = "FILE")]
    pub disks: Vec<PathBuf>,
    /// In place of a TAP: a port of this host, 0 for any, that stands for a TCP port of the machine
    #[arg(long = "forward", value_name = "HOST:PORT", value_parser = forward)]
    pub forwards: Vec<Forward>,
    /// Without the network
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
    /// Arguments of the application
    #[arg(last = true)]
    pub arguments: Vec<String>,
}

impl Start {
    /// How it is built.
    pub(crate) fn build_options(&self) -> Options {
        Options {
            root: repository::root(),
            offline: self.offline,
            colour: std::io::stderr().is_terminal(),
            ..Options::default()
        }
    }
}

fn memory(text: &str) -> Result<u64, String> {
    value::bytes(text).ok_or_else(|| "it takes a size such as 64MiB".to_owned())
}

fn forward(text: &str) -> Result<Forward, String> {
    let forward = text.split_once(':').and_then(|(host, port)| {
        let (host, port) = (host.parse().ok()?, port.parse().ok()?);
        Some(Forward { host, port })
    });
    forward.ok_or_else(|| "it takes two ports, such as 8080:80".to_owned())
}

/// `run`
#[derive(Args, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    pub start: Start,
    /// Show the command that would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `debug`
#[derive(Args, Debug)]
pub(crate) struct Debug {
    #[command(flatten)]
    pub start: Start,
    /// The port of this host to attach at
    #[arg(long, value_name = "PORT", default_value_t = 1234)]
    pub port: u16,
    /// Show the command that would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `graph`
#[derive(Args, Debug)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub selection: Selection,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Forms of a graph.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// Graphviz
    Dot,
    /// A drawing
    Svg,
    /// For programs
    Json,
    /// A table
    #[default]
    Md,
}

/// `why`
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The component
    pub component: String,
    #[command(flatten)]
    pub selection: Selection,
}

/// `extract`
#[derive(Args, Debug)]
pub(crate) struct Extract {
    #[command(flatten)]
    pub selection: Selection,
    /// The folder to write to; it must not exist, or hold an earlier extract
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    /// Without the network
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// `list`
#[derive(Args, Debug)]
pub(crate) struct List {
    /// More component manifests, from outside this repository
    #[arg(long, value_name = "FOLDER")]
    pub manifests: Vec<PathBuf>,
}

/// `check`
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    pub selection: Selection,
    /// See that the components can be compiled for these Rust targets, too
    #[arg(long, value_name = "TRIPLES")]
    pub targets: Option<String>,
    /// Without the network
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// `setup`
#[derive(Args, Debug)]
pub(crate) struct Setup {
    /// A Rust target
    #[arg(long = "target", value_name = "TRIPLE", required = true)]
    pub targets: Vec<String>,
}

/// `test`
#[derive(Args, Debug)]
pub(crate) struct Test {
    /// Run the tests that take long, too
    #[arg(long)]
    pub long: bool,
    /// Only tests with this in their name
    pub filter: Option<String>,
    #[command(flatten)]
    pub start: Start,
}

/// `fuzz`
#[derive(Args, Debug)]
pub(crate) struct Fuzz {
    /// Only this target
    pub target: Option<String>,
    /// Seconds for each target
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub time: u32,
    /// Add to the inputs in git what reaches code that none of them reaches
    #[arg(long)]
    pub keep: bool,
    /// Run the target with this input, once
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with_all = ["time", "keep"])]
    pub input: Option<PathBuf>,
}

/// `bench`
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// Only measurements with this in their name
    pub filter: Option<String>,
    /// Make the counts of instructions the baseline that tests hold later ones against
    #[arg(long)]
    pub accept: bool,
}

/// `clean`
#[derive(Args, Debug)]
pub(crate) struct Clean {
    /// Only the configuration of this name
    pub name: Option<String>,
}
