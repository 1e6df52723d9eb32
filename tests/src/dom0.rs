//! Guests of Xen's beside a first domain that is Linux, with Xen's own tools to start and to watch them.
//!
//! Both come from Debian's packages, which are fetched, unpacked and kept: nothing of them is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::{QEMU, repository, within};

/// The version of Xen that goes with the hypervisor.
const VERSION: &str = "4.17";
/// Where what was fetched is, from the repository on.
const KEPT: &str = "target/dom0";

/// What boots may take, with guests one after the other, on a host that is busy with other tests.
const LIMITS: [Duration; 2] = [Duration::from_secs(100), Duration::from_secs(200)];
const LAST_LIMIT: Duration = Duration::from_secs(300);
/// What `timeout` says of a program that it ended.
const TOO_LONG: i32 = 124;

/// A first domain.
pub struct Dom0 {
    folder: PathBuf,
}

/// What became of a guest.
#[derive(Debug)]
pub struct Guest {
    /// What it said on its console.
    pub said: String,
    /// Why it ended, as `xl` says: 0 when it switched itself off, 3 when it crashed.
    pub reason: Option<u32>,
    /// Seconds since 1970 before it began and after its end.
    pub span: (u64, u64),
}

impl Dom0 {
    /// Fetches what it takes, if it is not there. None if that fails: without a network, or another system.
    pub fn fetch() -> Option<Dom0> {
        let folder = repository().join(KEPT);
        if !folder.exists() {
            let parent = folder.parent().expect("a folder in another");
            let place = tempfile::tempdir_in(parent).expect("a folder can be made");
            let mut shell = Command::new("bash");
            shell.args([
                "-c",
                include_str!("../programs/dom0/fetch.sh"),
                "fetch",
                VERSION,
            ]);
            let done = shell.current_dir(&place).output().expect("a shell");
            if !done.status.success() {
                println!("{}", String::from_utf8_lossy(&done.stderr));
                return None;
            }
            // Another test may have been faster.
            let _ = fs::rename(place.path(), &folder);
        }
        Some(Dom0 { folder })
    }

    /// Boots Xen of the file `xen` with this domain, has guests run as a shell script says with `guest PROCESSORS
    /// "COMMAND LINE" [OPTIONS OF xl create]`, and returns what became of them. `image` is what they run.
    pub fn run(&self, xen: &Path, image: &Path, script: &str) -> Vec<Guest> {
        let archive = self.archive(image, script);
        let kernel = self.folder.join("kernel");
        let modules = format!(
            "{} console=hvc0 quiet loglevel=0,{}",
            kernel.display(),
            archive.path().join("initrd").display()
        );
        let done = emulate_xen(|qemu| {
            // Emulated, Xen does not find a paravirtual guest's stack with SMAP.
            qemu.args(["-cpu", "max,-smap", "-m", "768"]);
            qemu.arg("-kernel").arg(xen);
            qemu.args(["-append", "console=com1 com1=115200 dom0_mem=384M"]);
            qemu.args(["-initrd", &modules]);
        });
        let said = String::from_utf8_lossy(&done.stdout).replace('\r', "");
        assert!(done.status.success(), "{}\n{said}", done.status);
        let guests = said.split("@ begin ").skip(1).map(Guest::parse).collect();
        let guests: Option<Vec<_>> = guests;
        guests.unwrap_or_else(|| panic!("it said:\n{said}"))
    }

    /// A folder with the first domain's files in `initrd`: the tools, and after them what is of this test.
    fn archive(&self, image: &Path, script: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let files = [
            ("init", include_str!("../programs/dom0/init")),
            ("guests", script),
        ];
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        fs::copy(image, folder.path().join("guest")).expect("an image");
        let kept = self.folder.display();
        let pack = format!(
            "chmod +x init; cp '{kept}/tools.cpio' initrd; ls init guests guest | '{kept}/busybox' cpio -o -H newc >> initrd"
        );
        let mut shell = Command::new("sh");
        crate::output(shell.current_dir(&folder).args(["-ec", &pack]));
        folder
    }
}

/// Runs Xen in an emulated PC. Some boots of it stop for ever, whatever they are to run; then it is begun again, twice.
pub fn emulate_xen(further: impl Fn(&mut Command)) -> Output {
    let attempt = |limit: Duration| {
        let mut qemu = within(limit, QEMU);
        qemu.args(["-accel", "tcg", "-machine", "q35", "-nodefaults"]);
        qemu.args(["-no-user-config", "-no-reboot", "-display", "none"]);
        qemu.args(["-serial", "stdio"]).stdin(Stdio::null());
        further(&mut qemu);
        qemu.output().expect("an emulator")
    };
    for limit in LIMITS {
        let done = attempt(limit);
        if done.status.code() != Some(TOO_LONG) {
            return done;
        }
        println!("Xen was not done after {limit:?}, and is begun again");
    }
    attempt(LAST_LIMIT)
}

impl Guest {
    /// What the first domain says of one, without the first word.
    fn parse(text: &str) -> Option<Guest> {
        let (begin, text) = text.split_once('\n')?;
        let (said, text) = text.split_once("@ reason ")?;
        let (reason, text) = text.split_once('\n')?;
        let end = text.split_once("@ end ")?.1.lines().next()?;
        Some(Guest {
            said: said.to_owned(),
            reason: reason.parse().ok(),
            span: (begin.parse().ok()?, end.parse().ok()?),
        })
    }
}
