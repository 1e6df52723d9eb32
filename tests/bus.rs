//! Kernels on one Ethernet segment.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::{Child, Configuration, Link, compile, need, output, within};

/// What a program here may take.
const LIMIT: Duration = Duration::from_secs(120);

fn program(folder: &Path, name: &str) -> PathBuf {
    compile(
        folder,
        name,
        &[&format!("programs/{name}.c")],
        &[],
        Link::Static(&Configuration::net_sockets()),
    )
}

#[test]
fn a_thousand_kernels_ping_their_neighbours() {
    let name = "a_thousand_kernels_ping_their_neighbours";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let segment = program(folder.path(), "segment");
    let said = output(within(LIMIT, segment).args(["1000", "bus:segment"]));
    println!("1000 kernels: {} ms", said.trim());
}

#[test]
fn a_program_written_for_shmif_runs() {
    let name = "a_program_written_for_shmif_runs";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shmif = program(folder.path(), "shmif");
    let said = output(within(LIMIT, shmif).arg(folder.path().join("bus")));
    assert_eq!(said, "shmif0 shmif1: hello\n");
}

/// Two processes of `bench/stream.c` on a segment in a file.
struct Streams {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Streams {
    fn new() -> Streams {
        let folder = tempfile::tempdir().unwrap();
        let configuration = Configuration::net_sockets();
        let link = Link::Static(&configuration);
        let program = compile(folder.path(), "stream", &["bench/stream.c"], &[], link);
        Streams { folder, program }
    }

    /// The program with the kernel `10.64.0.NUMBER`.
    fn kernel(&self, number: u8) -> Command {
        let mut command = within(LIMIT, &self.program);
        command
            .env(
                "RUMP_VIRTIF",
                format!("bus:{}", self.folder.path().join("bus").display()),
            )
            .env("RUMP_IP", format!("10.64.0.{number}/24"));
        command
    }

    /// A kernel that takes one stream.
    fn sink(&self, number: u8) -> Child {
        let address = format!("10.64.0.{number}");
        let sink = Child::start(self.kernel(number).args(["sink", &address, "5001"]));
        sink.expect("listening");
        sink
    }

    /// A kernel that sends so many MiB to another.
    fn source(&self, number: u8, to: u8, size: u32) -> Command {
        let mut source = self.kernel(number);
        source.args([
            "source",
            &format!("10.64.0.{to}"),
            "5001",
            &size.to_string(),
        ]);
        source
    }
}

#[test]
fn two_processes_talk_over_a_file() {
    if !need("two_processes_talk_over_a_file", &["pkg-config", "timeout"]) {
        return;
    }
    let streams = Streams::new();
    let sink = streams.sink(1);
    let said = output(&mut streams.source(2, 1, 256));
    let (good, text) = sink.finish();
    assert!(good, "{text}");
    println!("256 MiB at {} MB/s", said.trim());
}

#[test]
fn a_process_that_is_killed_leaves_the_segment_to_the_others() {
    let name = "a_process_that_is_killed_leaves_the_segment_to_the_others";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let streams = Streams::new();
    let (first, second) = (streams.sink(1), streams.sink(2));
    let lasting = Child::start(&mut streams.source(3, 2, 4096));
    // Some die while they send, and one while it receives; each of the next has the place of the last.
    let mut victim = 4;
    for pause in [150, 230, 310, 390] {
        let sink = streams.sink(victim);
        let source = Child::start(&mut streams.source(victim + 1, victim, 100_000));
        std::thread::sleep(Duration::from_millis(pause));
        kill(&source);
        kill(&sink);
        victim += 2;
    }
    output(&mut streams.source(victim, 1, 64));
    for child in [first, second, lasting] {
        let (good, text) = child.finish();
        assert!(good, "{text}");
    }
}

/// `timeout` runs the program as its child, which ends as if struck by lightning.
fn kill(child: &Child) {
    let pid = child.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let program = children
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .unwrap();
    kill_process(program, Signal::KILL).unwrap();
}
