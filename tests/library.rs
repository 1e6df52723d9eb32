//! C programs against `librump.a` and `librump.so`.

use std::process::Command;

use tests::{Configuration, Link, compile, need, output};

#[test]
fn a_c_program_links_and_runs_with_the_static_library() {
    if !need(
        "a_c_program_links_and_runs_with_the_static_library",
        &["pkg-config", "readelf"],
    ) {
        return;
    }
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "static",
        &["programs/library.c"],
        &[],
        Link::Static(&configuration),
    );
    assert_eq!(output(&mut Command::new(&program)), "library: good\n");
    // Nothing of it is left to be found at run time.
    let needed = output(Command::new("readelf").arg("-d").arg(&program));
    assert!(!needed.contains("librump"), "{needed}");
}

#[test]
fn a_c_program_links_and_runs_with_the_shared_library() {
    if !need(
        "a_c_program_links_and_runs_with_the_shared_library",
        &["pkg-config", "readelf"],
    ) {
        return;
    }
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "shared",
        &["programs/library.c"],
        &[],
        Link::Shared(&configuration),
    );
    assert_eq!(output(&mut Command::new(&program)), "library: good\n");
    let needed = output(Command::new("readelf").arg("-d").arg(&program));
    assert!(needed.contains("librump.so.0"), "{needed}");
}

#[test]
fn the_libraries_export_rump_names_only() {
    if !need("the_libraries_export_rump_names_only", &["nm"]) {
        return;
    }
    let configuration = Configuration::net_sockets();
    for (flag, library) in [("-D", "librump.so"), ("-g", "librump.a")] {
        let path = configuration.artifacts().join(library);
        let listing = output(Command::new("nm").args([flag, "--defined-only"]).arg(path));
        let names: Vec<&str> = listing
            .lines()
            .filter_map(|line| line.split_whitespace().nth(2))
            .collect();
        assert!(names.contains(&"rump_sys_socket"), "{library}: {names:?}");
        let others: Vec<_> = names
            .iter()
            .filter(|name| !name.starts_with("rump_"))
            .collect();
        assert!(others.is_empty(), "{library} exports {others:?}");
    }
}

#[test]
fn a_program_with_the_whole_stack_is_small() {
    if !need("a_program_with_the_whole_stack_is_small", &["pkg-config"]) {
        return;
    }
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "small",
        &["programs/fetch.c"],
        &["-s", "-Wl,--gc-sections"],
        Link::Static(&configuration),
    );
    let size = std::fs::metadata(program).unwrap().len();
    println!("a C program with TCP/IP, stripped: {size} bytes");
    assert!(size < 600_000, "{size} bytes; the goal is 600,000");
}

/// A header is somebody's first line: it brings what it needs, in C and in C++, with and without the host's extensions.
#[test]
fn each_header_stands_alone() {
    if !need("each_header_stands_alone", &["cc", "c++"]) {
        return;
    }
    let include = Configuration::net_sockets().artifacts().join("include");
    let mut headers = Vec::new();
    for entry in std::fs::read_dir(include.join("rump")).unwrap() {
        headers.push(entry.unwrap().file_name().into_string().unwrap());
    }
    assert!(headers.len() > 3, "{headers:?}");
    for header in headers {
        for (compiler, language, standards) in [
            ("cc", "c", ["-std=c11", "-std=gnu11"]),
            ("c++", "c++", ["-std=c++17", "-std=gnu++17"]),
        ] {
            for flags in standards.map(|standard| [standard, "-Wall"]) {
                let mut command = Command::new(compiler);
                command.args(["-fsyntax-only", "-Wextra", "-Werror"]);
                command.args(flags).arg("-I").arg(&include);
                command.args(["-include", &format!("rump/{header}")]);
                output(command.args(["-x", language, "/dev/null"]));
            }
        }
    }
}
