//! Streams over wires that lose, delay, repeat and reorder packets: `tc netem` of a Linux in an emulator, since few
//! hosts have it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::linux::Linux;
use crate::{Configuration, Link, QEMU, compile, within};

/// What is in the machine beside the programs.
const MODULES: [&str; 4] = [
    "drivers/net/tun.ko",
    "drivers/net/veth.ko",
    "net/sched/sch_netem.ko",
    "net/sched/sch_tbf.ko",
];
const PACKAGES: [&str; 11] = [
    "iproute2",
    "libbpf1",
    "libbsd0",
    "libc6",
    "libcap2",
    "libelf1",
    "libgcc-s1",
    "libmd0",
    "libmnl0",
    "libxtables12",
    "zlib1g",
];

/// A machine with a rump kernel and a Linux as callers, a Linux as the server, and wires between.
pub struct Netem(Linux);

/// How a caller fared: the seconds that its bytes took to get there, and the server's to come back; or what it said.
pub type Took = Result<(f64, f64), String>;

impl Netem {
    /// Fetches what it takes, if it is not there. None if that fails: without a network, or another system.
    pub fn fetch() -> Option<Netem> {
        Linux::fetch("linux-netem", &MODULES, &PACKAGES).map(Netem)
    }

    /// Has so many KiB go there and back over each of these wires, which are as `tc qdisc … netem` has them: how the rump
    /// kernel fared on each, and how Linux.
    pub fn run(&self, wires: &[&str], kib: u32, limit: Duration) -> Vec<[Took; 2]> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let configuration = Configuration::net_sockets();
        let source = ["programs/transfer.c"];
        let program = |name, link| compile(folder.path(), name, &source, &[], link);
        let rump = program("rump", Link::Static(&configuration));
        let linux = program("linux", Link::Host);
        let lines: String = wires.iter().map(|wire| format!("wire {wire}\n")).collect();
        let texts = [
            ("init", include_str!("../programs/netem/init")),
            ("wires", &lines),
            ("amount", &format!("KIB={kib}\n")),
        ];
        let archive = self
            .0
            .archive(&texts, &[("rump", &rump), ("linux", &linux)]);
        let said = self.boot(archive.path(), limit);
        let results = said.lines().filter_map(|line| {
            let (who, took) = line.strip_prefix("@ ")?.split_once(' ')?;
            matches!(who, "rump" | "linux").then(|| parse(took))
        });
        let results: Vec<Took> = results.collect();
        assert_eq!(results.len(), 2 * wires.len(), "it said:\n{said}");
        let pairs = results.as_chunks::<2>().0.iter();
        pairs.cloned().collect()
    }

    /// Boots the machine, and returns all it says until it switches itself off.
    fn boot(&self, archive: &Path, limit: Duration) -> String {
        let mut qemu = within(limit, QEMU);
        qemu.args([
            "-accel", "tcg", "-cpu", "max", "-machine", "q35", "-m", "512",
        ]);
        qemu.args(["-nodefaults", "-no-user-config", "-no-reboot"]);
        qemu.args(["-display", "none", "-serial", "stdio"]);
        qemu.arg("-kernel").arg(self.0.kernel());
        qemu.arg("-initrd").arg(archive.join("initrd"));
        qemu.args(["-append", "console=ttyS0 quiet loglevel=3 panic=-1"]);
        let done = qemu.stdin(Stdio::null()).output().expect("an emulator");
        let said = String::from_utf8_lossy(&done.stdout).replace('\r', "");
        assert!(said.contains("@ end"), "{qemu:?}: {}\n{said}", done.status);
        said
    }
}

fn parse(took: &str) -> Took {
    let numbers: Vec<f64> = took
        .split(' ')
        .map_while(|it| it.trim().parse().ok())
        .collect();
    match numbers[..] {
        [there, back] => Ok((there, back)),
        _ => Err(took.to_owned()),
    }
}
