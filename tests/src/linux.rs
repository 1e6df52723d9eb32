//! Debian's Linux, to boot in an emulator: its kernel, and an archive of files that is all it has.
//!
//! Both come from Debian's packages, which are fetched, unpacked and kept: nothing of them is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repository;

/// A kernel, and the programs and modules to begin with.
pub(crate) struct Linux {
    folder: PathBuf,
}

impl Linux {
    /// Fetches what it takes, if it is not in `target/NAME`: these modules, as patterns in the folder of the kernel's, and
    /// the files of these packages. None if that fails: without a network, or another system.
    pub(crate) fn fetch(name: &str, modules: &[&str], packages: &[&str]) -> Option<Linux> {
        let folder = repository().join("target").join(name);
        if !folder.exists() {
            let parent = folder.parent().expect("a folder in another");
            let place = tempfile::tempdir_in(parent).expect("a folder can be made");
            let mut shell = Command::new("bash");
            shell.args(["-c", include_str!("../programs/linux/fetch.sh"), "fetch"]);
            shell.arg(modules.join(" ")).args(packages);
            let done = shell.current_dir(&place).output().expect("a shell");
            if !done.status.success() {
                println!("{}", String::from_utf8_lossy(&done.stderr));
                return None;
            }
            // Another test may have been faster.
            let _ = fs::rename(place.path(), &folder);
        }
        Some(Linux { folder })
    }

    /// The kernel.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.folder.join("kernel")
    }

    /// A folder with an archive `initrd`: what was fetched, and after it files with these names. `init` is what is started.
    pub(crate) fn archive(
        &self,
        texts: &[(&str, &str)],
        files: &[(&str, &Path)],
    ) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in texts {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        for (name, file) in files {
            fs::copy(file, folder.path().join(name)).expect("a file can be copied");
        }
        let names = texts.iter().map(|(name, _)| *name);
        let names = names.chain(files.iter().map(|(name, _)| *name));
        let names: Vec<&str> = names.collect();
        let kept = self.folder.display();
        let pack = format!(
            "chmod +x init; cp '{kept}/files.cpio' initrd; ls {} | '{kept}/busybox' cpio -o -H newc >> initrd",
            names.join(" ")
        );
        let mut shell = Command::new("sh");
        crate::output(shell.current_dir(&folder).args(["-ec", &pack]));
        folder
    }
}
