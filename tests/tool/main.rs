//! The tool `rump` on images that the tools of each kind made, held against the trees they were made of.

#[path = "../image/mod.rs"]
mod image;

mod changes;
mod copies;
mod hostile;
mod looks;
mod makes;
mod mounts;
mod signals;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tests::{Configuration, output, within};

use image::host::{Wanted, plant};

/// What a command of the tool may take.
const LIMIT: Duration = Duration::from_secs(120);

/// All that is hard on file systems.
const HARD: Wanted = Wanted {
    any_names: true,
    unix: true,
    xattrs: true,
    crowd: 500,
    depth: 12,
};

/// The tool, and a directory to work in.
struct Tool {
    program: PathBuf,
    place: TempDir,
}

impl Tool {
    fn new() -> Tool {
        Tool {
            program: Configuration::tool().app("rump"),
            place: TempDir::new().expect("a directory"),
        }
    }

    /// A path in the directory.
    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The tool with these words, in the directory.
    fn command(&self, words: &str) -> Command {
        let mut command = self.within(&self.program);
        command.args(words.split(' '));
        command
    }

    /// A program in the directory.
    fn within(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = within(LIMIT, program);
        command.current_dir(&self.place);
        command
    }

    /// What it writes; it is to succeed.
    fn run(&self, words: &str) -> String {
        output(&mut self.command(words))
    }

    /// What it writes, whatever comes of it.
    fn ends(&self, words: &str) -> (Option<i32>, String, String) {
        let command = &mut self.command(words);
        let Output {
            status,
            stdout,
            stderr,
        } = command
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (status.code(), text(stdout), text(stderr))
    }

    /// A directory with a tree in it.
    fn tree(&self, wanted: Wanted) -> PathBuf {
        let from = self.path("tree");
        std::fs::create_dir(&from).expect("a directory");
        plant(&from, wanted);
        from
    }

    /// An ext4 with a tree in it.
    fn ext4(&self, name: &str, from: &Path, size: &str) {
        let mut mke2fs = Command::new("mke2fs");
        mke2fs
            .args(["-q", "-t", "ext4", "-b", "4096", "-d"])
            .arg(from);
        output(mke2fs.arg(self.path(name)).arg(size));
    }

    /// Panics unless `e2fsck` finds nothing to mend.
    fn is_clean(&self, name: &str) {
        output(Command::new("e2fsck").arg("-fn").arg(self.path(name)));
    }
}
