//! What is emitted for a repository in small, and what is said about one that is wrong.

use std::path::{Path, PathBuf};

use rumpgen::emit::{Tree, emit};
use rumpgen::golden;
use rumpgen::plan::Plan;
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
fn a_group_that_glue_calls_must_be_offered() {
    let mut plan = plan();
    plan.platform.offers.retain(|group| group != "spark");
    let error = emit(&plan, &sources(&plan)).unwrap_err();
    assert_eq!(
        error.message(),
        "`cabi` needs the hypercall group `spark`, which the platform `stage` does not offer"
    );
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
