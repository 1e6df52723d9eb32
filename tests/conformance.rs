//! The C programs of `tests/conformance`, on the host's kernel and on tailored ones: the same output.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tests::{
    Configuration, HOST_WITH_THREADS, HOST_WITHOUT_THREADS, HostC, Link, compile, need, repository,
};

/// Seconds a program may take; it needs about four.
const LIMIT: &str = "120";

/// A form of the kernel.
struct Variant {
    name: &'static str,
    arguments: &'static [&'static str],
    /// For both sides: cases that need what the kernel is without are left out, and counted.
    flags: &'static [&'static str],
    /// The host in C that the kernel is linked with, if its platform leaves one out.
    host: Option<HostC>,
    /// Whether the kernel's root is a directory of the host's.
    on_host: bool,
}

/// Locks for as many processors as enter.
const MP: Variant = Variant {
    name: "all",
    arguments: &["--components", "net,sockets,local,bpf,multicast,vfs"],
    flags: &[],
    host: None,
    on_host: false,
};

/// Locks for one virtual processor.
const UP: Variant = Variant {
    name: "all-up",
    arguments: &[
        "--components",
        "net,sockets,local,bpf,multicast,vfs",
        "--param",
        "sync=up",
    ],
    flags: &[],
    host: None,
    on_host: false,
};

/// The host's own sockets, to which no filters are attached.
const HOST_SOCKETS: Variant = Variant {
    name: "sockin",
    arguments: &["--components", "sockin"],
    flags: &["-DNO_FILTERS"],
    host: None,
    on_host: false,
};

/// No threads and no operating system.
const SIM: Variant = Variant {
    name: "all-sim",
    arguments: &[
        "--components",
        "net,sockets,local,bpf,multicast,vfs",
        "--platform",
        "sim",
    ],
    flags: &["-DNO_THREADS"],
    host: None,
    on_host: false,
};

/// A host in C with threads.
const HOST_C: Variant = Variant {
    name: "all-host-c",
    arguments: &[
        "--components",
        "net,sockets,local,bpf,multicast,vfs",
        "--platform",
        "host-c",
    ],
    flags: &[],
    host: Some(HOST_WITH_THREADS),
    on_host: false,
};

/// A host in C without.
const HOST_C_SINGLE: Variant = Variant {
    name: "all-host-c-single",
    arguments: &[
        "--components",
        "net,sockets,local,bpf,multicast,vfs",
        "--platform",
        "host-c-single",
    ],
    flags: &["-DNO_THREADS"],
    host: Some(HOST_WITHOUT_THREADS),
    on_host: false,
};

/// Files of the host's, in a kernel.
const FILES_OF_THE_HOST: Variant = Variant {
    name: "hostfs",
    arguments: &["--components", "hostfs"],
    flags: &["-DHOST_FILES"],
    host: None,
    on_host: true,
};

#[test]
fn readiness_with_locks() {
    same_output("readiness", &MP);
}

#[test]
fn readiness_on_one_virtual_processor() {
    same_output("readiness", &UP);
}

#[test]
fn readiness_of_the_hosts_sockets() {
    same_output("readiness", &HOST_SOCKETS);
}

#[test]
fn readiness_without_threads() {
    same_output("readiness", &SIM);
}

#[test]
fn readiness_on_a_host_in_c() {
    same_output("readiness", &HOST_C);
}

#[test]
fn readiness_on_a_host_in_c_without_threads() {
    same_output("readiness", &HOST_C_SINGLE);
}

#[test]
fn sockets_with_locks() {
    same_output("sockets", &MP);
}

#[test]
fn sockets_on_one_virtual_processor() {
    same_output("sockets", &UP);
}

#[test]
fn sockets_of_the_host() {
    same_output("sockets", &HOST_SOCKETS);
}

#[test]
fn sockets_without_threads() {
    same_output("sockets", &SIM);
}

#[test]
fn sockets_on_a_host_in_c() {
    same_output("sockets", &HOST_C);
}

#[test]
fn sockets_on_a_host_in_c_without_threads() {
    same_output("sockets", &HOST_C_SINGLE);
}

#[test]
fn local_with_locks() {
    same_output("local", &MP);
}

#[test]
fn local_on_one_virtual_processor() {
    same_output("local", &UP);
}

#[test]
fn local_without_threads() {
    same_output("local", &SIM);
}

#[test]
fn local_on_a_host_in_c() {
    same_output("local", &HOST_C);
}

#[test]
fn local_on_a_host_in_c_without_threads() {
    same_output("local", &HOST_C_SINGLE);
}

#[test]
fn files_with_locks() {
    same_output("files", &MP);
}

#[test]
fn files_on_one_virtual_processor() {
    same_output("files", &UP);
}

#[test]
fn files_without_threads() {
    same_output("files", &SIM);
}

#[test]
fn files_on_a_host_in_c() {
    same_output("files", &HOST_C);
}

#[test]
fn files_on_a_host_in_c_without_threads() {
    same_output("files", &HOST_C_SINGLE);
}

#[test]
fn files_of_the_host() {
    same_output("files", &FILES_OF_THE_HOST);
}

/// Compiles a program for the host and for a variant, and holds what they say side by side.
fn same_output(program: &str, variant: &Variant) {
    let test = format!("{program} of {}", variant.name);
    if !need(&test, &["pkg-config", "timeout"]) {
        return;
    }
    let configuration = Configuration::build(variant.name, variant.arguments);
    let build = |side: &str, link| {
        // Kept after the test: who looks into a difference runs single cases.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.join("conformance").join(variant.name).join(side);
        fs::create_dir_all(&folder).unwrap();
        let sources = sources(program);
        let mut sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        if let (Link::Static(_), Some(host)) = (link, &variant.host) {
            sources.extend(host.sources);
        }
        compile(&folder, program, &sources, variant.flags, link)
    };
    let host = build("host", Link::Host);
    let kernel = build("kernel", Link::Static(&configuration));
    // In memory, as the files of the host's side.
    let root = variant
        .on_host
        .then(|| tempfile::tempdir_in("/dev/shm").unwrap());
    let root = root
        .as_ref()
        .map(|root| format!("hostfs:{}", root.path().display()));
    let (expected, found) = (run(&host, None), run(&kernel, root.as_deref()));
    let differences = differences(&expected, &found);
    assert!(
        differences.is_empty(),
        "{program} of {} is not the host's (- host, + kernel):\n{differences}\
         a case alone: {} NAME",
        variant.name,
        kernel.display(),
    );
    assert!(expected.lines().count() > 40, "the host ran:\n{expected}");
}

/// The sources of a program, relative to `tests/`: all that begin with its name, and what they share. That of files
/// needs no sockets.
fn sources(program: &str) -> Vec<String> {
    let folder = fs::read_dir(repository().join("tests/conformance")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_part = |name: &String| {
        name.ends_with(".c")
            && (name.starts_with(program)
                || name == "case.c"
                || (name == "pair.c" && program != "files"))
    };
    let mut sources: Vec<String> = names
        .filter(is_part)
        .map(|name| format!("conformance/{name}"))
        .collect();
    sources.sort_unstable();
    sources
}

/// Runs a program to its end, with this root for its kernel, and returns what it said. Panics with the case it was at if it hangs or dies.
fn run(program: &Path, root: Option<&str>) -> String {
    let mut command = Command::new("timeout");
    if let Some(root) = root {
        command.env("RUMP_ROOT", root);
    }
    command
        .args(["-k", "5", LIMIT])
        .arg(program)
        .stdin(Stdio::null());
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if done.status.success() {
        return said;
    }
    let how = match done.status.code() {
        Some(124) => format!("takes more than {LIMIT} s"),
        _ => format!("failed ({})", done.status),
    };
    panic!(
        "{} {how}; it was at \"{}\"\n{}",
        program.display(),
        said.lines().last().unwrap_or("the beginning"),
        String::from_utf8_lossy(&done.stderr),
    );
}

/// What two runs said differently, case by case.
fn differences(expected: &str, found: &str) -> String {
    fn case(line: &str) -> &str {
        line.split(':').next().unwrap_or(line)
    }
    let mut text = String::new();
    for line in expected
        .lines()
        .filter(|line| !found.lines().any(|other| other == *line))
    {
        writeln!(text, "-{line}").unwrap();
        for other in found.lines().filter(|other| case(other) == case(line)) {
            writeln!(text, "+{other}").unwrap();
        }
    }
    for line in found
        .lines()
        .filter(|line| !expected.lines().any(|other| case(other) == case(line)))
    {
        writeln!(text, "+{line}").unwrap();
    }
    text
}
