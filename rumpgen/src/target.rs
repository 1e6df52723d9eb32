//! Rust targets: which compiler has the core library of one.
//!
//! The compiler in use has its own target and those that rustup added. Others can be provided beside it, each
//! in a folder of its own that has the layout of a compiler's installation: the library was made by another
//! compiler there, and `bin/rustc` runs that one. `cargo xtask setup` makes such folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::diagnostic::Diagnostic;
use crate::tools;

/// Where the targets provided beside the compiler stand, from the repository's root.
const PROVIDED: &str = "target/sysroot";
/// The file in such a folder with what its compiler says of itself.
pub const VERSION: &str = "version";

/// The folder of a target provided beside the compiler.
pub fn folder(root: &Path, target: &str) -> PathBuf {
    root.join(PROVIDED).join(target)
}

/// The folder of a target's libraries in an installation.
pub fn libraries(installation: &Path, target: &str) -> PathBuf {
    installation.join("lib/rustlib").join(target).join("lib")
}

/// The compiler in such a folder.
pub fn compiler(folder: &Path) -> PathBuf {
    folder.join("bin/rustc")
}

/// What a compiler says of itself: all of it has to be the same for its libraries to fit.
pub fn version(rustc: &Path) -> Result<String, Diagnostic> {
    say(rustc, &["-vV"])
}

/// Says which compiler to take for a target: `None` is the one in use.
///
/// # Errors
/// That there is none, and how to provide one.
pub fn find(root: &Path, target: &str) -> Result<Option<PathBuf>, Diagnostic> {
    let place = say(
        Path::new("rustc"),
        &["--print", "target-libdir", "--target", target],
    );
    if place.is_ok_and(|place| has_core(Path::new(place.trim()))) {
        return Ok(None);
    }
    let way_out = format!("provide it with `cargo xtask setup --target {target}`");
    let folder = folder(root, target);
    if !has_core(&libraries(&folder, target)) {
        let message = format!("the Rust target `{target}` is not installed");
        return Err(Diagnostic::new(message).help(way_out));
    }
    let rustc = compiler(&folder);
    let made_by = fs::read_to_string(folder.join(VERSION)).unwrap_or_default();
    if version(&rustc).is_ok_and(|now| now == made_by) {
        return Ok(Some(rustc));
    }
    let message = format!(
        "the Rust target `{target}` was provided for a compiler that is not there any more"
    );
    Err(Diagnostic::new(message).help(way_out.replace("provide it", "provide it again")))
}

fn has_core(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().starts_with("libcore"))
}

fn say(rustc: &Path, arguments: &[&str]) -> Result<String, Diagnostic> {
    let mut command = Command::new(rustc);
    command.env_clear().envs(tools::build_environment());
    tools::run(command.args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_in_use_has_its_own_target() {
        let said = version(Path::new("rustc")).unwrap();
        let host = said
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap();
        assert_eq!(find(Path::new("/nowhere"), host).unwrap(), None);
    }

    #[test]
    fn a_target_that_is_not_there_says_how_to_provide_it() {
        let error = find(Path::new("/nowhere"), "abacus-none-wood").unwrap_err();
        let text = error.render(false);
        assert!(
            text.contains("`abacus-none-wood` is not installed"),
            "{text}"
        );
        assert!(
            text.contains("cargo xtask setup --target abacus-none-wood"),
            "{text}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_library_of_a_compiler_that_changed_is_of_no_use() {
        use std::os::unix::fs::PermissionsExt;
        let root = std::env::temp_dir().join(format!("rumpgen-target-{}", std::process::id()));
        let (folder, target) = (folder(&root, "abacus"), "abacus");
        fs::create_dir_all(libraries(&folder, target)).unwrap();
        fs::write(libraries(&folder, target).join("libcore-1.rlib"), "").unwrap();
        let rustc = compiler(&folder);
        fs::create_dir_all(rustc.parent().unwrap()).unwrap();
        fs::write(&rustc, "#!/bin/sh\necho rustc 7\n").unwrap();
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join(VERSION), "rustc 7\n").unwrap();
        assert_eq!(find(&root, target).unwrap(), Some(rustc));
        fs::write(folder.join(VERSION), "rustc 6\n").unwrap();
        let error = find(&root, target).unwrap_err();
        assert!(
            error.message().contains("not there any more"),
            "{}",
            error.message()
        );
        fs::remove_dir_all(&root).unwrap();
    }
}
