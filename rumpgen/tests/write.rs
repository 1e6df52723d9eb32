//! The writer changes what differs, removes what is stale, and leaves the rest alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rumpgen::emit::Tree;
use rumpgen::write::{Sourcing, Written, write};

/// A folder of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("rumpgen-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("source")).unwrap();
        fs::write(folder.join("source/lib.rs"), "//! Source.\n").unwrap();
        Scratch(folder)
    }

    fn out(&self) -> PathBuf {
        self.0.join("out")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tree(scratch: &Scratch, plan: &str) -> Tree {
    let text = |text: &str| text.to_owned();
    Tree {
        files: BTreeMap::from([
            (text("plan.json"), text(plan)),
            (text("components/a/Cargo.toml"), text("[package]\n")),
        ]),
        links: BTreeMap::from([(text("components/a/src"), scratch.0.join("source"))]),
        seeds: BTreeMap::from([(text("Cargo.lock"), text("seed\n"))]),
    }
}

fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap()
}

#[test]
fn the_second_time_nothing_changes() {
    let scratch = Scratch::new("again");
    let tree = tree(&scratch, "1");
    let first = write(&tree, &scratch.out(), Sourcing::Links).unwrap();
    assert_eq!(
        first,
        Written {
            changed: 4,
            kept: 0,
            removed: 0
        }
    );
    assert_eq!(
        read(&scratch.out(), "components/a/src/lib.rs"),
        "//! Source.\n"
    );
    let second = write(&tree, &scratch.out(), Sourcing::Links).unwrap();
    assert_eq!(
        second,
        Written {
            changed: 0,
            kept: 3,
            removed: 0
        }
    );
}

#[test]
fn stale_files_go_and_cargos_own_stay() {
    let scratch = Scratch::new("stale");
    write(&tree(&scratch, "1"), &scratch.out(), Sourcing::Links).unwrap();
    fs::create_dir_all(scratch.out().join("target/release")).unwrap();
    fs::create_dir_all(scratch.out().join("components/b/src")).unwrap();
    fs::write(scratch.out().join("components/b/src/lib.rs"), "").unwrap();
    let written = write(&tree(&scratch, "1"), &scratch.out(), Sourcing::Links).unwrap();
    assert_eq!(written.removed, 3);
    assert!(!scratch.out().join("components/b").exists());
    assert!(scratch.out().join("target/release").exists());
    assert!(scratch.0.join("source/lib.rs").exists());
}

#[test]
fn the_lock_file_is_cargos_until_the_plan_changes() {
    let scratch = Scratch::new("lock");
    write(&tree(&scratch, "1"), &scratch.out(), Sourcing::Links).unwrap();
    fs::write(scratch.out().join("Cargo.lock"), "pruned\n").unwrap();
    write(&tree(&scratch, "1"), &scratch.out(), Sourcing::Links).unwrap();
    assert_eq!(read(&scratch.out(), "Cargo.lock"), "pruned\n");
    write(&tree(&scratch, "2"), &scratch.out(), Sourcing::Links).unwrap();
    assert_eq!(read(&scratch.out(), "Cargo.lock"), "seed\n");
}

#[test]
fn copies_and_links_replace_each_other() {
    let scratch = Scratch::new("copies");
    let tree = tree(&scratch, "1");
    let place = scratch.out().join("components/a/src");
    write(&tree, &scratch.out(), Sourcing::Links).unwrap();
    assert!(place.is_symlink());
    write(&tree, &scratch.out(), Sourcing::Copies).unwrap();
    assert!(!place.is_symlink() && place.join("lib.rs").is_file());
    write(&tree, &scratch.out(), Sourcing::Links).unwrap();
    assert!(place.is_symlink());
    assert_eq!(read(&scratch.0, "source/lib.rs"), "//! Source.\n");
}

#[test]
fn a_foreign_folder_is_not_touched() {
    let scratch = Scratch::new("foreign");
    fs::create_dir_all(scratch.out()).unwrap();
    fs::write(scratch.out().join("thesis.tex"), "x").unwrap();
    let error = write(&tree(&scratch, "1"), &scratch.out(), Sourcing::Links).unwrap_err();
    assert!(error.message().ends_with("exists and holds something else"));
    assert!(scratch.out().join("thesis.tex").exists());
}
