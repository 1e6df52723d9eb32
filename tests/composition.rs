//! What is selected is there, and what is not leaves no trace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::{Configuration, Link, compile, need, output, repository};

const MANIFESTS: &str = "tests/components/manifests";

/// Links and IP alone. Components from outside are known to the generator, but neither asked for nor needed.
fn net() -> Configuration {
    Configuration::build("net", &["--components", "net", "--manifests", MANIFESTS])
}

/// The names of all symbols of a library, also those that only it can see.
fn symbols(library: &Path) -> BTreeSet<String> {
    let listing = output(Command::new("nm").arg("--defined-only").arg(library));
    listing
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned))
        .collect()
}

/// Those of sockets and TCP. In mangled names (Rust's v0) the length stands before each part of a path.
fn of_sockets(symbols: &BTreeSet<String>) -> Vec<&String> {
    const PARTS: [&str; 5] = ["7sockets", "4inet", "3tcp", "10tcp_socket", "9TcpSocket"];
    let named = |name: &&String| {
        PARTS.iter().any(|part| name.contains(part)) || name.starts_with("rump_sys_sock")
    };
    symbols.iter().filter(named).collect()
}

#[test]
fn a_kernel_without_sockets_has_no_code_of_them() {
    if !need("a_kernel_without_sockets_has_no_code_of_them", &["nm"]) {
        return;
    }
    let (without, with) = (net(), Configuration::net_sockets());
    for library in ["librump.a", "librump.so"] {
        let without = symbols(&without.artifacts().join(library));
        assert!(
            without.iter().any(|name| name.contains("3net")),
            "{library} has lost its names"
        );
        assert_eq!(of_sockets(&without), Vec::<&String>::new(), "{library}");
        // The same look finds them where they are.
        let with = symbols(&with.artifacts().join(library));
        let found = of_sockets(&with);
        for part in ["7sockets", "4inet", "3tcp", "rump_sys_socket"] {
            assert!(
                found.iter().any(|name| name.contains(part)),
                "{library}: no {part} in {found:?}"
            );
        }
    }
    let header =
        fs::read_to_string(without.artifacts().join("include/rump/rump_syscalls.h")).unwrap();
    assert!(
        header.contains("rump_sys_read") && !header.contains("sockaddr"),
        "{header}"
    );
    let [less, more] =
        [&without, &with].map(|c| fs::metadata(c.artifacts().join("librump.a")).unwrap().len());
    println!("librump.a: {less} bytes without sockets, {more} with them");
    assert!(less < more);
}

#[test]
fn unix_domain_sockets_need_no_network() {
    let test = "unix_domain_sockets_need_no_network";
    if !need(test, &["nm", "pkg-config"]) {
        return;
    }
    let configuration = Configuration::build("local", &["--components", "local"]);
    let symbols = symbols(&configuration.artifacts().join("librump.a"));
    let has = |part: &str| symbols.iter().any(|name| name.contains(part));
    assert!(has("5local") && has("7sockets"));
    for part in ["3net", "4inet", "7smoltcp"] {
        assert!(!has(part), "{part}");
    }
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "rights",
        &["programs/rights.c"],
        &[],
        Link::Static(&configuration),
    );
    assert_eq!(output(&mut Command::new(program)), "passed\n");
}

#[test]
fn the_hosts_sockets_need_no_network() {
    if !need("the_hosts_sockets_need_no_network", &["nm"]) {
        return;
    }
    // As `conformance` has it.
    let configuration = Configuration::build("sockin", &["--components", "sockin"]);
    let names = symbols(&configuration.artifacts().join("librump.a"));
    let has = |part: &str| names.iter().any(|name| name.contains(part));
    assert!(has("6sockin") && has("7sockets"));
    for part in ["3net", "4inet", "7smoltcp", "6virtif"] {
        assert!(!has(part), "{part}");
    }
    // And who does not ask for them has nothing of them.
    let without = symbols(&net().artifacts().join("librump.a"));
    let parts = ["6sockin", "11hostsockets"];
    let of_them = |name: &&String| parts.iter().any(|part| name.contains(part));
    assert_eq!(without.iter().find(of_them), None);
}

fn xtask(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(repository())
        .args(["xtask"])
        .args(arguments)
        .output()
        .unwrap()
}

fn said(arguments: &[&str]) -> String {
    let done = xtask(arguments);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{arguments:?}: {text}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    text
}

#[test]
fn checks_take_turns_and_leave_no_configuration() {
    let test = "checks_take_turns_and_leave_no_configuration";
    if !need(test, &[]) {
        return;
    }
    let check = ["check", "-q", "--components", "net", "--name", test];
    let at_once = [(); 2].map(|()| std::thread::spawn(move || said(&check)));
    for checked in at_once {
        let text = checked.join().unwrap();
        assert!(
            text.contains("depend on what their manifests require"),
            "{text}"
        );
    }
    for folder in ["generated", "target/rump"] {
        assert!(!repository().join(folder).join(test).exists(), "{folder}");
    }
}

#[test]
fn a_component_from_outside_is_like_any_other() {
    if !need(
        "a_component_from_outside_is_like_any_other",
        &["pkg-config"],
    ) {
        return;
    }
    let selection = ["--components", "courtesy", "--manifests", MANIFESTS];
    let configuration = Configuration::build("greeter", &selection);
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "greeting",
        &["programs/greeting.c"],
        &[],
        Link::Static(&configuration),
    );
    // The parameter, the provider of the capability, and the optional group: without it they are always the same.
    assert_eq!(output(&mut Command::new(program)), "100 greetings: drawn\n");

    let header = fs::read_to_string(
        configuration
            .artifacts()
            .join("include/rump/rump_syscalls.h"),
    )
    .unwrap();
    assert!(
        header.contains("ssize_t rump_sys_greet(void *text, size_t text_len);"),
        "{header}"
    );
    let why = said(&[&["why", "greeter"][..], &selection].concat());
    assert!(why.contains("greeter") && why.contains("courtesy"), "{why}");
    let graph: serde_json::Value = serde_json::from_str(&said(
        &[&["graph", "--format", "json"][..], &selection].concat(),
    ))
    .unwrap();
    let all = |key: &str| graph[key].as_array().unwrap().clone();
    let greeter = all("nodes")
        .into_iter()
        .find(|node| node["name"] == "greeter")
        .unwrap();
    assert_eq!(greeter["origin"], "out-of-tree");
    let capability = all("lines")
        .into_iter()
        .find(|line| line["kind"] == "capability")
        .unwrap();
    assert_eq!(
        (
            &capability["from"],
            &capability["to"],
            &capability["capability"]
        ),
        (&"greeter".into(), &"courtesy".into(), &"phrase".into())
    );
    let group = all("groups")
        .into_iter()
        .find(|group| group["name"] == "random")
        .unwrap();
    assert!(
        group["used-by"]
            .as_array()
            .unwrap()
            .contains(&"greeter".into()),
        "{group}"
    );
}

#[test]
fn a_component_that_is_not_selected_leaves_no_trace() {
    if !need("a_component_that_is_not_selected_leaves_no_trace", &[]) {
        return;
    }
    let traces = |configuration: &Configuration| {
        let mut files = Vec::new();
        list(&configuration.workspace(), &mut files);
        list(&configuration.artifacts(), &mut files);
        assert!(files.len() > 20, "{files:?}");
        files.retain(|file| {
            let bytes = fs::read(file).unwrap_or_default();
            ["greeter", "greeted", "courtesy", "gremlin"]
                .iter()
                .any(|word| contains(&bytes, word))
        });
        files
    };
    assert_eq!(traces(&net()), Vec::<PathBuf>::new());
    let selected = Configuration::build(
        "greeter",
        &["--components", "courtesy", "--manifests", MANIFESTS],
    );
    assert!(!traces(&selected).is_empty());
    let why = said(&[
        "why",
        "greeter",
        "--components",
        "net",
        "--manifests",
        MANIFESTS,
    ]);
    assert!(why.contains("not part of linux-net"), "{why}");
    let unknown = xtask(&["why", "greeter", "--components", "net"]);
    assert_eq!(
        unknown.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&unknown.stderr)
    );
}

/// The files below a folder, but what cargo keeps there.
fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() && entry.file_name() != "target" {
            list(&entry.path(), files);
        } else if entry.path().is_file() {
            files.push(entry.path());
        }
    }
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

#[test]
fn the_generator_knows_no_component() {
    // Words of the language, of cargo and the toolchain, and programs of the host's as well: a name of theirs would
    // not be noticed among the others.
    const WORDS: [&str; 17] = [
        "base", "bridge", "dev", "disk", "ext2", "ext4", "fat", "filter", "forward", "iso9660",
        "local", "loop", "md", "part", "resolver", "squashfs", "wg",
    ];
    let mut manifests = Vec::new();
    list(&repository().join("component-manifests"), &mut manifests);
    let names: Vec<String> = manifests
        .iter()
        .filter(|path| !path.parent().unwrap().ends_with("platforms"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !WORDS.contains(&name.as_str()))
        .collect();
    assert!(names.iter().any(|name| name == "sockets"), "{names:?}");

    let mut files = Vec::new();
    for folder in ["rumpgen", "templates"] {
        list(&repository().join(folder), &mut files);
    }
    let mut found = Vec::new();
    for file in &files {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
        for (number, line) in text.lines().enumerate() {
            for name in names.iter().filter(|name| has_word(line, name)) {
                found.push(format!(
                    "{}:{}: {name}: {}",
                    file.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Whether a name stands in a line, alone or in a path, but not as a part of a longer name.
fn has_word(line: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}
