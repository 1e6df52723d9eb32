//! The platforms of hosts in C: what the archive asks of a host, and the hosts of `examples/host-c` beside real
//! programs. That sockets behave on them as anywhere is `conformance`'s.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::{
    Child, Configuration, HOST_WITH_THREADS, HOST_WITHOUT_THREADS, HostC, Link, Namespace, compile,
    need, need_network, output, within,
};

/// What `docs/porting.md` says that an archive uses of a C library.
const C_LIBRARY: [&str; 6] = ["bcmp", "memcmp", "memcpy", "memmove", "memset", "strlen"];
/// For the sources of hosts: each function is one that a header declares.
const STRICT: [&str; 3] = ["-pedantic", "-Wmissing-prototypes", "-Wstrict-prototypes"];

const HOSTS: [HostC; 2] = [HOST_WITH_THREADS, HOST_WITHOUT_THREADS];

/// Compiles a program, relative to `tests/`, together with a host.
fn on_host(
    host: &HostC,
    name: &str,
    program: &[&str],
    flags: &[&str],
) -> (PathBuf, tempfile::TempDir) {
    let configuration = host.net_sockets_local();
    let folder = tempfile::tempdir().unwrap();
    let sources = [program, host.sources].concat();
    let flags = [&STRICT, flags].concat();
    let link = Link::Static(&configuration);
    let program = compile(folder.path(), name, &sources, &flags, link);
    (program, folder)
}

#[test]
fn the_archive_needs_what_its_header_declares_and_nothing_else() {
    if !need(
        "the_archive_needs_what_its_header_declares_and_nothing_else",
        &["nm"],
    ) {
        return;
    }
    for host in HOSTS {
        let artifacts = host.net_sockets_local().artifacts();
        let header = fs::read_to_string(artifacts.join("include/rump/rumpuser.h")).unwrap();
        let declared = header.lines().filter(|line| line.ends_with(");"));
        let names = declared.filter_map(|line| {
            let from = line.find("rumpuser_")?;
            line[from..].split('(').next()
        });
        let promised: BTreeSet<&str> = names.chain(C_LIBRARY).collect();
        let archive = artifacts.join("librump.a");
        let listing = output(Command::new("nm").arg("--undefined-only").arg(&archive));
        let undefined = listing
            .lines()
            .filter_map(|line| line.trim().strip_prefix("U "));
        assert_eq!(
            undefined.collect::<BTreeSet<_>>(),
            promised,
            "{}",
            host.platform
        );
        assert!(
            promised.contains("rumpuser_clock_monotonic"),
            "{promised:?}"
        );
        // A library that lacks a host cannot be a shared one.
        assert!(!artifacts.join("librump.so").exists());
    }
}

#[test]
fn a_host_without_threads_is_asked_for_none() {
    let of = |host: HostC| {
        let header = host
            .net_sockets_local()
            .artifacts()
            .join("include/rump/rumpuser.h");
        fs::read_to_string(header).unwrap()
    };
    assert!(of(HOST_WITH_THREADS).contains("rumpuser_threads_park"));
    assert!(!of(HOST_WITHOUT_THREADS).contains("rumpuser_threads"));
}

#[test]
fn the_header_is_c_and_c_plus_plus() {
    if !need("the_header_is_c_and_c_plus_plus", &["c++"]) {
        return;
    }
    is_c_and_c_plus_plus(&header(&HOST_WITH_THREADS.net_sockets_local()));
}

fn header(configuration: &Configuration) -> PathBuf {
    configuration.artifacts().join("include/rump/rumpuser.h")
}

fn is_c_and_c_plus_plus(header: &Path) {
    for (compiler, language, standard) in [("cc", "c", "c11"), ("c++", "c++", "c++11")] {
        let mut command = Command::new(compiler);
        command.args(["-x", language, &format!("-std={standard}")]);
        command.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]);
        output(command.arg(header));
    }
}

#[test]
fn sockets_of_a_host_are_asked_for_where_they_are_needed() {
    if !need(
        "sockets_of_a_host_are_asked_for_where_they_are_needed",
        &["c++"],
    ) {
        return;
    }
    let platform = HOST_WITHOUT_THREADS.platform;
    let arguments = ["--components", "sockin", "--platform", platform];
    let configuration = Configuration::build("sockin-host-c-single", &arguments);
    let with = header(&configuration);
    is_c_and_c_plus_plus(&with);
    let with = fs::read_to_string(with).unwrap();
    let without = fs::read_to_string(header(&HOST_WITHOUT_THREADS.net_sockets_local())).unwrap();
    for (group, is_with) in [("hostsockets", true), ("frames", false), ("random", false)] {
        let prefix = format!("rumpuser_{group}_");
        assert_eq!(
            (with.contains(&prefix), without.contains(&prefix)),
            (is_with, !is_with),
            "{group}"
        );
    }
}

#[test]
fn a_program_on_a_host_with_threads_has_what_it_has_on_linux() {
    let name = "a_program_on_a_host_with_threads_has_what_it_has_on_linux";
    if !need(name, &["pkg-config"]) {
        return;
    }
    let (program, _folder) = on_host(&HOST_WITH_THREADS, "library", &["programs/library.c"], &[]);
    assert_eq!(output(&mut Command::new(program)), "library: good\n");
}

#[test]
fn a_panic_is_a_line_on_the_console_and_the_end() {
    if !need(
        "a_panic_is_a_line_on_the_console_and_the_end",
        &["pkg-config", "timeout"],
    ) {
        return;
    }
    let configuration = Configuration::build(
        "gremlin-host-c",
        &[
            "--components",
            "net,sockets,gremlin",
            "--manifests",
            "tests/components/manifests",
            "--platform",
            HOST_WITH_THREADS.platform,
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let sources = [&["programs/panics.c"], HOST_WITH_THREADS.sources].concat();
    let link = Link::Static(&configuration);
    let program = compile(folder.path(), "panics", &sources, &[], link);
    let done = within(Duration::from_secs(60), program).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(101), "{said}");
    assert!(said.starts_with("kernel: panicked at "), "{said}");
    assert!(said.ends_with(": gremlin: holding a lock\n"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_web_server_with_calls_that_wait_runs_on_either_host() {
    let name = "a_web_server_with_calls_that_wait_runs_on_either_host";
    for host in HOSTS {
        serves(name, &host, "hello.c");
    }
}

#[test]
fn a_web_server_with_a_loop_of_its_own_runs_without_threads() {
    let name = "a_web_server_with_a_loop_of_its_own_runs_without_threads";
    serves(name, &HOST_WITHOUT_THREADS, "loop.c");
}

/// A web server of `examples/host-c` answers pings and serves its page to many visitors at a time.
fn serves(test: &str, host: &HostC, server: &str) {
    if !need_network(test, &["bash", "curl", "ping", "pkg-config"]) {
        return;
    }
    let server = format!("../examples/host-c/{server}");
    let sources = [&server, "../examples/host-c/page.c"];
    let (program, _folder) = on_host(host, "server", &sources, &[]);
    let namespace = Namespace::new();
    let server = Child::start(&mut namespace.kernel(program));
    server.expect("listening");
    let said = namespace.run("ping -c 3 -i 0.2 -W 2 10.77.0.2");
    assert!(said.contains(" 0% packet loss"), "{said}");
    let pages = namespace
        .shell("for visitor in {1..100}; do curl -sS --max-time 30 http://10.77.0.2/ & done; wait");
    assert_eq!(pages.matches("Hello from a kernel").count(), 100, "{pages}");
}
