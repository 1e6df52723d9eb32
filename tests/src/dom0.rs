//! Guests of Xen's beside a first domain that is Linux, with Xen's own tools to start and to watch them.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::linux::Linux;
use crate::{QEMU, within};

/// What Xen's tools take, of the version that goes with the hypervisor.
const PACKAGES: [&str; 18] = [
    "libc6",
    "libgcc-s1",
    "liblzma5",
    "libuuid1",
    "libxencall1",
    "libxendevicemodel1",
    "libxenevtchn1",
    "libxenforeignmemory1",
    "libxengnttab1",
    "libxenhypfs1",
    "libxenmisc4.17",
    "libxenstore4",
    "libxentoolcore1",
    "libxentoollog1",
    "libyajl2",
    "libzstd1",
    "xen-utils-4.17",
    "zlib1g",
];

/// What boots may take, with guests one after the other, on a host that is busy with other tests.
const LIMITS: [Duration; 2] = [Duration::from_secs(100), Duration::from_secs(200)];
const LAST_LIMIT: Duration = Duration::from_secs(300);
/// What `timeout` says of a program that it ended.
const TOO_LONG: i32 = 124;

/// A first domain.
pub struct Dom0(Linux);

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
        Linux::fetch("linux-dom0", &["drivers/xen/*"], &PACKAGES).map(Dom0)
    }

    /// Boots Xen of the file `xen` with this domain, has guests run as a shell script says with `guest PROCESSORS
    /// "COMMAND LINE" [OPTIONS OF xl create]`, and returns what became of them. `image` is what they run.
    pub fn run(&self, xen: &Path, image: &Path, script: &str) -> Vec<Guest> {
        let init = include_str!("../programs/dom0/init");
        let texts = [("init", init), ("guests", script)];
        let archive = self.0.archive(&texts, &[("guest", image)]);
        let kernel = self.0.kernel();
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
