//! Golden output: everything emitted for a configuration as one text, kept beside a test.

use std::fs;
use std::path::Path;

use crate::emit::Tree;

/// The variable that, when set, has golden files rewritten instead of compared.
pub const UPDATE: &str = "UPDATE";

/// A tree as one text: a line naming each file, then the file. Seeds are left out, since they are
/// copies. `root` is cut off the places that links point to.
pub fn text(tree: &Tree, root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut text = String::new();
    for (path, content) in &tree.files {
        text.push_str(&format!("==== {path}\n{content}"));
    }
    for (path, target) in &tree.links {
        let target = target.strip_prefix(&root).unwrap_or(target).display();
        text.push_str(&format!("==== {path} -> {target}\n"));
    }
    text
}

/// Holds `actual` against the golden file.
///
/// # Errors
/// The first line that differs, and how to accept the change.
pub fn compare(actual: &str, golden: &Path) -> Result<(), String> {
    if std::env::var_os(UPDATE).is_some() {
        return fs::write(golden, actual).map_err(|error| format!("{}: {error}", golden.display()));
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    let same = expected
        .lines()
        .zip(actual.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("<end>").to_owned();
    Err(format!(
        "{}:{} differs\n  expected: {}\n  actual:   {}\nIf this is meant, run the test with {UPDATE}=1 set.",
        golden.display(),
        same + 1,
        line(&expected),
        line(actual)
    ))
}
