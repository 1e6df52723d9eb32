//! What is emitted for a repository in small, and what is said about one that is wrong.

use std::path::{Path, PathBuf};

use rumpgen::emit::{Tree, emit};
use rumpgen::golden;
use rumpgen::plan::{Artifact, Plan};
use rumpgen::source::{Sources, constants, hypercalls, syscalls};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn plan() -> Plan {
    let text = std::fs::read_to_string(fixtures().join("tree/plan.json")).unwrap();
    Plan::from_json(&text).unwrap()
}

fn sources(plan: &Plan) -> Sources {
    let root = fixtures().join("tree");
    Sources::read(plan, &root, hypercalls::read_all(&root).unwrap()).unwrap()
}

fn emitted(plan: &Plan) -> Tree {
    emit(plan, &sources(plan)).unwrap()
}

#[test]
fn a_configuration_has_its_golden_form() {
    let text = golden::text(&emitted(&plan()), &fixtures().join("tree"));
    golden::compare(&text, &fixtures().join("stage-lamp.golden")).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn an_optional_dependency_comes_only_with_its_feature() {
    let mut plan = plan();
    assert!(
        !emitted(&plan)
            .files
            .contains_key("components/shade/Cargo.toml")
    );
    plan.facade = vec!["shading".to_owned()];
    assert!(
        emitted(&plan)
            .files
            .contains_key("components/shade/Cargo.toml")
    );
}

#[test]
fn a_header_that_a_component_brings_is_passed_on_unless_its_name_is_taken() {
    let plan = plan();
    let mut sources = sources(&plan);
    let text = sources.headers["bulb.h"].clone();
    let tree = emit(&plan, &sources).unwrap();
    assert_eq!(tree.files["capi/include/rump/bulb.h"], text);
    sources.headers.insert("rump.h".to_owned(), text);
    let error = emit(&plan, &sources).unwrap_err();
    assert_eq!(
        error.message(),
        "a component brings the header `rump.h`, which is also generated"
    );
}

#[test]
fn a_group_that_glue_calls_must_be_offered() {
    let mut plan = plan();
    plan.platform.offers.retain(|group| group != "spark");
    let error = emit(&plan, &sources(&plan)).unwrap_err();
    assert_eq!(
        error.message(),
        "`cabi` needs the hypercall group `spark`, which the platform `stage` does not offer"
    );
}

#[test]
fn a_host_in_c_has_a_header_and_is_called() {
    let mut plan = plan();
    plan.platform.artifacts = vec![Artifact::Archive];
    plan.platform.imports = vec!["spark".to_owned()];
    let files = emitted(&plan).files;
    let header = &files["capi/include/rump/rumpuser.h"];
    golden::compare(header, &fixtures().join("rumpuser.h")).unwrap_or_else(|e| panic!("{e}"));
    let bindings = &files["kernel/src/bindings.rs"];
    assert!(bindings.contains("safe fn rumpuser_spark_quench() -> !;"));
    assert!(!bindings.contains("hypercall::Spark>::"), "{bindings}");
    assert!(files["capi/src/lib.rs"].contains("#![no_std]"));
}

/// Reads the groups of an interface that consists of `text`.
fn groups(name: &str, text: &str) -> Result<Vec<hypercalls::Group>, String> {
    let root = std::env::temp_dir().join(format!("rumpgen-{}-{name}", std::process::id()));
    let folder = root.join("glue/hypercall/src");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("lib.rs"), text).unwrap();
    let groups = hypercalls::read_all(&root);
    std::fs::remove_dir_all(&root).unwrap();
    groups.map_err(|error| error.render(false))
}

#[test]
fn a_hypercall_without_a_form_in_c_is_an_error_at_its_place() {
    let cases = [
        ("fn f(name: &str);", "`str`"),
        ("fn f(name: Option<u8>);", "`Option<u8>`"),
        ("fn f(pair: (u8, u8));", "`(u8, u8)`"),
        ("fn f(call: fn(usize));", "`fn(usize)`"),
        ("fn f(bytes: &[u8; 4]);", "`[u8; 4]`"),
        ("fn f(thing: Thing);", "`Thing`"),
        ("fn f() -> Result<(), Errno>;", "`Result<(), Errno>`"),
    ];
    for (index, (call, ty)) in cases.into_iter().enumerate() {
        let thing = "pub struct Thing {\n    pub bytes: u64,\n}\n";
        let text =
            format!("{thing}group! {{\n    pub trait G as g {{\n        {call}\n    }}\n}}\n");
        let error = groups(&format!("form{index}"), &text).unwrap_err();
        assert!(error.contains(&format!("{ty} has no form in C")), "{error}");
        assert!(error.contains("lib.rs:6:"), "{error}");
    }
    let field = "#[repr(C)]\npub struct Thing {\n    pub name: String,\n}\n";
    let error = groups("field", field).unwrap_err();
    assert!(error.contains("`String` has no form in C"), "{error}");
    assert!(error.contains("lib.rs:3:15"), "{error}");
}

/// Writes `text` to a file of its own and reads system calls from it.
fn calls(name: &str, text: &str) -> Result<Vec<syscalls::Call>, String> {
    let file = std::env::temp_dir().join(format!("rumpgen-{}-{name}.rs", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let calls = syscalls::read(&file);
    std::fs::remove_file(&file).unwrap();
    calls.map_err(|errors| {
        errors
            .iter()
            .map(|e| e.render(false))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

#[test]
fn a_type_outside_the_vocabulary_is_an_error_at_its_place() {
    let error = calls(
        "type",
        "#[syscall]\npub fn f(lwp: &Lwp, name: &str) -> Result<(), Errno> {}\n",
    );
    let error = error.unwrap_err();
    assert!(
        error.contains("`&str` is no type of the system call vocabulary"),
        "{error}"
    );
    assert!(error.contains(".rs:2:27"), "{error}");
}

#[test]
fn each_rule_about_a_signature_is_checked() {
    let cases = [
        (
            "pub fn f() -> Result<(), Errno> {}",
            "does not take the calling thread",
        ),
        (
            "fn f(lwp: &Lwp) -> Result<(), Errno> {}",
            "is not a plain public function",
        ),
        (
            "pub async fn f(lwp: &Lwp) -> Result<(), Errno> {}",
            "is not a plain public function",
        ),
        (
            "pub fn f<T>(lwp: &Lwp) -> Result<(), Errno> {}",
            "is not a plain public function",
        ),
        ("pub fn f(lwp: &Lwp) {}", "returns no result"),
        ("pub fn f(lwp: &Lwp) -> i32 {}", "cannot return `i32`"),
        (
            "pub fn f(lwp: &Lwp) -> Result<u8, Errno> {}",
            "cannot return `Result<u8, Errno>`",
        ),
    ];
    for (index, (text, expected)) in cases.into_iter().enumerate() {
        let error = calls(&format!("rule{index}"), &format!("#[syscall]\n{text}\n")).unwrap_err();
        assert!(error.contains(expected), "{text}\n{error}");
    }
    let error = calls(
        "public",
        "#[public]\npub fn f(lwp: &Lwp) -> Result<(), Errno> {}\n",
    );
    assert!(error.unwrap_err().contains("is public in no module"));
}

#[test]
fn constants_keep_their_notation() {
    let file = fixtures().join("tree/glue/syscall/src/consts.rs");
    let constants = constants::read(&file).unwrap();
    let shown: Vec<_> = constants
        .iter()
        .map(|c| format!("{} {}", c.name, c.value))
        .collect();
    assert_eq!(shown, ["L_ON 1", "L_MASK 0x800", "L_EDGE 0x80000000u"]);
}
