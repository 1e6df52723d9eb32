//! Tests that cannot run here: counted, and told why.

use std::io::Write;

/// Says that a test is left out. `cargo xtask test` names a file in `RUMP_TEST_SKIPS` and counts its
/// lines.
pub fn skip(test: &str, why: &str) {
    println!("skipped {test}: {why}");
    let Ok(path) = std::env::var("RUMP_TEST_SKIPS") else {
        return;
    };
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path);
    let mut file = file.unwrap_or_else(|error| panic!("{path}: {error}"));
    writeln!(file, "{test}: {why}").unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// Whether namespaces and TAPs can be made; says that the test is left out if not.
pub fn need_root(test: &str) -> bool {
    // The owner of a file just made is who we are.
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").map(|meta| meta.uid());
    let root = matches!(own, Ok(0)) && std::path::Path::new("/dev/net/tun").exists();
    if !root {
        skip(
            test,
            "needs root and /dev/net/tun, for a network namespace with a TAP",
        );
    }
    root
}
