//! Core libraries for Rust targets, built from the distribution's packages.
//!
//! Compiler and library source have to match exactly, so that the compiler in use cannot be taken with the
//! packages' source: the packages have a compiler of their own. What comes of it is a folder in the layout of an
//! installation, as [`rumpgen::target`] describes.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rumpgen::diagnostic::Diagnostic;
use rumpgen::target;
use rumpgen::tools::{self, Tool};

use crate::debian;

/// A matching compiler, cargo and library source.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

const LLD: Tool = Tool {
    name: "ld.lld",
    package: "lld",
};
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const SOURCE: &str = "/usr/lib/rustlib/src/rust/library";
/// What is linked into every program. The last one has `memcpy` and its like where no C library does.
const CRATES: &str = "core,alloc,compiler_builtins";
const FEATURES: &str = "compiler-builtins-mem";

/// The compiler of an installation: the packages' one, with the installation's libraries.
const SCRIPT: &str = "\
#!/bin/sh
here=$(cd \"$(dirname \"$0\")/..\" && pwd) || exit 1
exec /usr/bin/rustc --sysroot \"$here\" \"$@\"
";

/// The compiler of the packages.
pub(crate) struct Compiler {
    /// What it says of itself.
    version: String,
}

impl Compiler {
    /// Finds it, or installs it where that is possible.
    ///
    /// # Errors
    /// That it is missing or too old, and which packages to install.
    pub(crate) fn get() -> Result<Compiler, Diagnostic> {
        Compiler::find().or_else(|missing| {
            if !debian::can_install() {
                return Err(missing);
            }
            debian::install(&PACKAGES);
            Compiler::find()
        })
    }

    fn find() -> Result<Compiler, Diagnostic> {
        let wanted = env!("CARGO_PKG_RUST_VERSION");
        let help = format!(
            "install {}, in a version from {wanted} on; or rustup, which adds targets by itself",
            PACKAGES.join(", ")
        );
        if ![RUSTC, CARGO, SOURCE]
            .iter()
            .all(|path| Path::new(path).exists())
        {
            let message = "no compiler is here that other targets can be made with";
            return Err(Diagnostic::new(message).help(help));
        }
        let version = target::version(Path::new(RUSTC))?;
        if number(field(&version, "release: ")) < number(wanted) {
            let message = format!("{RUSTC} is too old: {}", field(&version, "release: "));
            return Err(Diagnostic::new(message).help(help));
        }
        Ok(Compiler { version })
    }

    /// Builds the library for a target, into a folder that is replaced.
    pub(crate) fn build(&self, target: &str, folder: &Path) -> Result<(), Diagnostic> {
        let release = field(&self.version, "release: ");
        println!("building {CRATES} for {target} with rustc {release}, which takes a minute");
        let work = folder.with_extension("work");
        let made = checked(&work, seed(&work)).and_then(|()| self.compile(target, &work));
        let done = made.and_then(|libraries| {
            let new = folder.with_extension("new");
            checked(&new, self.install(target, &libraries, &new))?;
            checked(folder, replace(&new, folder))
        });
        // What is left of a failure is in nobody's way.
        let _ = fs::remove_dir_all(&work);
        done
    }

    /// Compiles the library on the way to an empty crate, and says where it is.
    fn compile(&self, target: &str, work: &Path) -> Result<PathBuf, Diagnostic> {
        let mut cargo = Command::new(CARGO);
        cargo
            .current_dir(work)
            .env_clear()
            .envs(tools::build_environment());
        // The source may use what is not stable yet; the crates it needs lie beside it.
        cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
        // Link-time optimisation of what uses it goes through the library, too.
        cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes");
        let vendored = [
            "source.crates-io.replace-with=\"vendored\"".to_owned(),
            format!("source.vendored.directory=\"{SOURCE}/vendor\""),
        ];
        cargo.args(["build", "--release", "--offline", "--target", target]);
        cargo.args(vendored.iter().flat_map(|setting| ["--config", setting]));
        cargo.arg(format!("-Zbuild-std={CRATES}"));
        cargo.arg(format!("-Zbuild-std-features={FEATURES}"));
        // Its progress is shown as it is.
        let status = cargo
            .status()
            .map_err(|error| Diagnostic::new(format!("cannot start {CARGO}: {error}")))?;
        if !status.success() {
            let message = format!("the library of `{target}` could not be built");
            return Err(Diagnostic::new(message)
                .help("does the compiler know that target? `rustc --print target-list`"));
        }
        Ok(work.join("target").join(target).join("release/deps"))
    }

    /// Puts an installation together.
    fn install(&self, target: &str, made: &Path, folder: &Path) -> io::Result<()> {
        let libraries = target::libraries(folder, target);
        fs::create_dir_all(&libraries)?;
        for entry in fs::read_dir(made)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            let is_library = path
                .extension()
                .is_some_and(|extension| extension == "rlib");
            if is_library && !name.to_string_lossy().starts_with(&format!("lib{SEED}")) {
                fs::copy(&path, libraries.join(name))?;
            }
        }
        let host = field(&self.version, "host: ");
        // Build scripts and macros are for the host, whose library the compiler has; its linker it may lack.
        let own = libraries.join("../..");
        fs::create_dir_all(own.join(host).join("bin"))?;
        symlink(
            target::libraries(Path::new("/usr"), host),
            own.join(host).join("lib"),
        )?;
        if let Some(linker) = linker(host) {
            symlink(linker, own.join(host).join("bin/rust-lld"))?;
        }
        let rustc = target::compiler(folder);
        fs::create_dir_all(rustc.parent().unwrap_or(folder))?;
        fs::write(&rustc, SCRIPT)?;
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755))?;
        fs::write(folder.join(target::VERSION), &self.version)
    }
}

/// The name of the empty crate.
const SEED: &str = "seed";

fn seed(folder: &Path) -> io::Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    // No debug information, which is most of the size, but for the lines that traces show.
    let manifest = format!(
        "[package]\nname = \"{SEED}\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
         [profile.release]\ndebug = \"line-tables-only\"\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("lib.rs"), "#![no_std]\n")
}

/// The linker of freestanding targets: the one that came with the compiler in use, or the distribution's.
fn linker(host: &str) -> Option<PathBuf> {
    let said = tools::run(Command::new("rustc").args(["--print", "sysroot"])).ok()?;
    let folder = Path::new(said.trim()).join("lib/rustlib").join(host);
    let own = folder.join("bin/rust-lld");
    own.is_file().then_some(own).or_else(|| LLD.find())
}

fn replace(new: &Path, folder: &Path) -> io::Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::rename(new, folder)
}

/// The value of a line of `rustc -vV`.
fn field<'a>(version: &'a str, name: &str) -> &'a str {
    let mut lines = version.lines();
    lines
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default()
}

/// A version as something to compare.
fn number(version: &str) -> Vec<u32> {
    version
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect()
}

fn checked<T>(path: &Path, result: io::Result<T>) -> Result<T, Diagnostic> {
    result.map_err(|error| Diagnostic::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(number("1.96.0") >= number("1.95"));
        assert!(number("1.100.0-nightly") > number("1.95.1"));
        assert!(number("1.85.0") < number("1.95"));
        assert_eq!(
            field("rustc 1\nrelease: 1.96.0\nhost: h\n", "release: "),
            "1.96.0"
        );
    }
}
