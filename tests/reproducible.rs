//! The same plan gives the same bytes, wherever it is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{Configuration, Link, compile, need, need_network, output, repository};

/// Copies the working tree as it is, without what was built or generated.
fn clone_to(place: &Path) {
    let listing = output(Command::new("git").current_dir(repository()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]));
    let mut count = 0;
    // Git also names files that were removed since.
    for name in listing
        .lines()
        .filter(|name| repository().join(name).is_file())
    {
        let target = place.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(repository().join(name), target).unwrap();
        count += 1;
    }
    assert!(count > 100, "{count} files");
}

/// Builds a configuration in another clone, in `elsewhere`, and says where its artifacts are.
fn build_there(elsewhere: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    clone_to(elsewhere);
    let name = format!("test-{name}");
    // The generator is the same program, which was built for the configuration here; it takes the place from cargo's
    // variable.
    let here = std::env::current_exe().unwrap();
    let xtask = here.ancestors().nth(2).unwrap().join("xtask");
    output(
        Command::new(xtask)
            .current_dir(elsewhere)
            .env("CARGO_MANIFEST_DIR", elsewhere.join("xtask"))
            .args(["build", "-q", "--name", &name])
            .args(arguments),
    );
    elsewhere.join("target/rump").join(name)
}

/// Holds files of two builds against each other; in none of `unnamed` stands the name of a place.
fn compare(here: &Configuration, there: &Path, elsewhere: &Path, files: &[&str], unnamed: &[&str]) {
    for file in files.iter().chain(unnamed) {
        let [a, b] =
            [&here.artifacts(), there].map(|artifacts| fs::read(artifacts.join(file)).unwrap());
        let differing = a.iter().zip(&b).filter(|(a, b)| a != b).count();
        assert!(
            a == b,
            "{file}: {} and {} bytes, {differing} differ",
            a.len(),
            b.len()
        );
    }
    for place in [&repository(), elsewhere] {
        let place = place.display().to_string();
        for file in unnamed {
            let bytes = fs::read(there.join(file)).unwrap();
            let found = bytes
                .windows(place.len())
                .any(|window| window == place.as_bytes());
            assert!(!found, "{file} names {place}");
        }
    }
}

#[test]
fn two_clones_build_the_same_libraries() {
    if !need("two_clones_build_the_same_libraries", &["git"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("another place, of another length");
    let here = Configuration::net_sockets();
    let there = build_there(&elsewhere, "net-sockets", &["--components", "net,sockets"]);
    let files = ["plan.json", "report.md", "include/rump/rump_syscalls.h"];
    let libraries = ["librump.a", "librump.so.0"];
    compare(&here, &there, &elsewhere, &files, &libraries);
}

#[test]
fn two_clones_build_the_same_image() {
    if !need("two_clones_build_the_same_image", &["git"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("another place, of another length");
    // What `machine.rs` builds, too: here it is built once.
    let components = ["--components", "net,sockets", "--platform", "pvh"];
    let asked = [&components[..], &["--app", "tests/apps/machine"]].concat();
    let here = Configuration::build("machine-pvh", &asked);
    let there = build_there(&elsewhere, "machine-pvh", &asked);
    compare(&here, &there, &elsewhere, &["plan.json"], &["machine.elf"]);
}

#[test]
fn an_extracted_tree_builds_alone() {
    if !need("an_extracted_tree_builds_alone", &[]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written");
    output(
        Command::new(env!("CARGO"))
            .current_dir(repository())
            .args([
                "xtask",
                "extract",
                "-q",
                "--components",
                "net,sockets",
                "--to",
            ])
            .arg(&written),
    );
    let moved = folder.path().join("carried/away");
    fs::create_dir(moved.parent().unwrap()).unwrap();
    fs::rename(&written, &moved).unwrap();
    assert_eq!(links_below(&moved), Vec::<PathBuf>::new());

    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    // Without a network, where that can be had; and without leave to use it in any case.
    let mut command = match need_network(
        "an_extracted_tree_builds_alone (without any network)",
        &["unshare"],
    ) {
        true => {
            let mut command = Command::new("unshare");
            command.arg("--net").arg(env!("CARGO"));
            command
        }
        false => Command::new(env!("CARGO")),
    };
    output(
        command
            .current_dir(&moved)
            .env("CARGO_HOME", &home)
            .env("CARGO_NET_OFFLINE", "true")
            .env_remove("CARGO_TARGET_DIR")
            .args(["build", "--locked"]),
    );
    // What came of it is a kernel that works.
    let include = format!("-I{}", moved.join("capi/include").display());
    let library = moved
        .join("target/debug/librump_capi.a")
        .display()
        .to_string();
    let program = compile(
        folder.path(),
        "program",
        &["programs/library.c", &library],
        &["-DRUMP", &include, "-lm"],
        Link::Host,
    );
    assert_eq!(output(&mut Command::new(program)), "library: good\n");
}

fn links_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            found.push(path);
        } else if path.is_dir() {
            found.extend(links_below(&path));
        }
    }
    found
}
