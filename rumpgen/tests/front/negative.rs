//! One folder for each rule that a user can break, and the exact message beside it.
//!
//! `tests/negative/cases/<rule>/` has `manifests/`, read after those in `common/`; `arguments`, the command
//! line, where it is not `--components beta`; and `message`. All crates stand in `crates/`. With
//! `UPDATE_MESSAGES=1` the messages are written instead of compared.

use std::fs;
use std::path::{Path, PathBuf};

use rumpgen::diagnostic::Diagnostics;

use crate::harness;

#[test]
fn every_rule_says_what_is_wrong_where_and_what_to_do() {
    let update = std::env::var_os("UPDATE_MESSAGES").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let rule = case
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let said = match outcome(&case) {
            Ok(()) => "nothing is wrong\n".to_owned(),
            Err(found) => found.to_string(),
        };
        let file = case.join("message");
        if update {
            fs::write(&file, &said).expect("a message can be written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{rule}: expected\n{expected}\nbut it says\n{said}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_MESSAGES=1 takes these over",
        wrong.join("\n")
    );
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir("tests/negative/cases").expect("there are cases");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn outcome(case: &Path) -> Result<(), Diagnostics> {
    let arguments = fs::read_to_string(case.join("arguments"));
    let arguments = arguments.as_deref().unwrap_or("--components beta");
    let arguments = arguments.replace("CASE", &case.display().to_string());
    harness::build(&arguments, "tests/negative", &case.join("manifests"))
}
