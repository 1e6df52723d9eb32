//! The tool `rump` beside the host: a tree copied out of an image beside `mount`, `cp -a` and `umount`, directories with many names
//! beside `mount`, `ls` and `umount`, and the most memory the tool has meanwhile, beside what its caches may have.
//!
//! Speed is memory to memory; memory is measured on a disk. A round takes seconds, so there are fewer than of calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use tests::{Configuration, Link, compile, need, output, skip};

use crate::table::Spread;

/// The most rounds of what takes seconds.
const ROUNDS: usize = 5;
/// The most rounds of what takes half a minute.
const FEW_ROUNDS: usize = 3;
/// Names in the directory that is listed.
const NAMES: usize = 100_000;
const MIB: u64 = 1 << 20;
/// What the kernel's caches may have: `page-cache` and `buffer-cache` as they are unless somebody says otherwise.
const BOUND: u64 = 256 + 8;

/// Where the host has files in memory.
const MEMORY: &str = "/dev/shm";

const CP: &str = "tool-cp";
const LISTS: [&str; 4] = [
    "tool-ls-ext4",
    "tool-ls-l-ext4",
    "tool-ls-squashfs",
    "tool-ls-l-squashfs",
];
const LARGE: &str = "tool-memory-4GiB";
const SMALL: &str = "tool-memory-20000-files";

/// Measures what is wanted, prints it and adds it to the figures. The host's side needs root, and loop devices.
pub(crate) fn measure(
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    rounds: usize,
    figures: &mut Value,
) {
    let lists: Vec<_> = LISTS.into_iter().filter(|name| is_wanted(name)).collect();
    if is_wanted(CP) && can_mount(CP, &[]) {
        copy(rounds.min(ROUNDS), figures);
    }
    if !lists.is_empty() && can_mount(&lists.join(", "), &["mksquashfs"]) {
        list(&lists, rounds.min(ROUNDS), figures);
    }
    for (name, files, size) in [(LARGE, 4, 1024 * MIB), (SMALL, 20_000, 40 << 10)] {
        if is_wanted(name) && need(name, &["mke2fs"]) {
            memory(name, files, size, folder, rounds.min(FEW_ROUNDS), figures);
        }
    }
}

/// Whether the host mounts images, and what images take is here.
fn can_mount(name: &str, programs: &[&str]) -> bool {
    if !need(name, &[&["mke2fs", "mount", "umount"], programs].concat()) {
        return false;
    }
    let free = Command::new("losetup").arg("--find").output();
    let can = free.is_ok_and(|free| free.status.success());
    if !can {
        skip(name, "root and a free loop device (`losetup --find`)");
    }
    can
}

/// The tool, and a place to work in.
struct Bench {
    tool: PathBuf,
    place: tempfile::TempDir,
}

impl Bench {
    fn new(place: &Path) -> Bench {
        let bench = Bench {
            tool: Configuration::tool().app("rump"),
            place: tempfile::tempdir_in(place).expect("a folder"),
        };
        fs::create_dir(bench.path("mounted")).expect("a directory to mount on");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A command of the tool, in the folder.
    fn tool(&self, words: &str) -> Command {
        self.command(&self.tool, words)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, words: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.place).args(words.split(' '));
        command
    }

    fn host(&self, line: &str) {
        let (program, words) = line.split_once(' ').expect("a program and its words");
        output(&mut self.command(program, words));
    }

    /// What the host takes for something in a mounted image, with both ends of the mount.
    fn mounted(&self, image: &str, line: &str) -> f64 {
        seconds(|| {
            self.host(&format!("mount -o loop,ro {image} mounted"));
            self.host(line);
            self.host("umount mounted");
        })
    }

    /// So many files of so many bytes, in directories of a thousand.
    fn plant(&self, tree: &str, files: usize, size: u64) {
        let bytes = vec![0x5a; MIB as usize];
        for number in 0..files {
            let directory = self.path(tree).join((number / 1000).to_string());
            fs::create_dir_all(&directory).expect("a directory");
            let file = fs::File::create(directory.join(format!("{size}-{number}")));
            let mut file = file.expect("a file");
            let mut left = size;
            while left > 0 {
                let some = left.min(MIB);
                std::io::Write::write_all(&mut file, &bytes[..some as usize]).expect("room");
                left -= some;
            }
        }
    }

    fn remove(&self, name: &str) {
        fs::remove_dir_all(self.path(name)).expect("it was just made");
    }
}

fn seconds(f: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    f();
    begin.elapsed().as_secs_f64()
}

/// Prints both sides, and how many times as fast the tool is; `goal` is what it is to be.
fn report(name: &str, sides: [Vec<f64>; 2], goal: &str, figures: &mut Value) {
    let rounds = sides[0].len();
    let [host, ours] = sides.map(|seconds| {
        Spread::of(
            seconds
                .into_iter()
                .map(|seconds| seconds * 1000.0)
                .collect(),
        )
    });
    println!(
        "{name}: {ours} ms, and with mount and umount {host} ms: {:.2} times as fast ({goal}; {rounds} rounds)",
        host.median / ours.median
    );
    figures[name] = json!({ "ms": ours.json(), "host-ms": host.json(), "rounds": rounds });
}

/// 1 GiB out of an ext4: 6 large files and 10,000 small ones.
fn copy(rounds: usize, figures: &mut Value) {
    eprintln!("{CP}: {rounds} rounds");
    let bench = Bench::new(Path::new(MEMORY));
    bench.plant("tree/large", 6, 104 * MIB);
    bench.plant("tree/small", 10_000, 41 << 10);
    bench.host("mke2fs -q -t ext4 -d tree image 1500M");
    bench.remove("tree");
    let mut sides = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        sides[0].push(bench.mounted("image", "cp -a mounted out"));
        bench.remove("out");
        sides[1].push(seconds(|| {
            output(&mut bench.tool("fs cp -a image:/ out"));
        }));
        bench.remove("out");
    }
    report(CP, sides, "to be 0.5", figures);
}

/// A directory with many names.
fn list(wanted: &[&str], rounds: usize, figures: &mut Value) {
    let bench = Bench::new(Path::new(MEMORY));
    bench.host(&format!("mke2fs -q -t ext4 -N {} ext4 512M", 2 * NAMES));
    // The host's kernel makes an index of names, which mke2fs does not.
    bench.host("mount -o loop ext4 mounted");
    let directory = bench.path("mounted/many");
    fs::create_dir(&directory).expect("a directory");
    for number in 0..NAMES {
        fs::File::create(directory.join(format!("name-{number}"))).expect("a file");
    }
    bench.host("mksquashfs mounted squashfs -quiet -no-progress");
    bench.host("umount mounted");
    for name in wanted {
        eprintln!("{name}: {rounds} rounds");
        let kind = name.rsplit('-').next().expect("a name has parts");
        let option = if name.contains("-l-") { "-l " } else { "" };
        let mut sides = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            sides[0].push(bench.mounted(kind, &format!("ls {option}mounted/many")));
            sides[1].push(seconds(|| {
                let said = output(&mut bench.tool(&format!("fs ls {option}{kind}:/many")));
                assert_eq!(said.lines().count(), NAMES, "{name}");
            }));
        }
        report(name, sides, "to be less than 1000 ms", figures);
    }
}

/// The most memory while files are copied into an ext4, and out of it.
fn memory(name: &str, files: usize, size: u64, folder: &Path, rounds: usize, figures: &mut Value) {
    eprintln!("{name}: {rounds} rounds");
    let bench = Bench::new(folder);
    let peak = compile(
        bench.place.path(),
        "peak",
        &["bench/peak.c"],
        &[],
        Link::Host,
    );
    bench.plant("tree", files, size);
    let mib = files as u64 * size / MIB;
    let mut sides = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        // With a journal that does not fill meanwhile: rsext4 0.9.2 refuses to unmount with one that is full (`Busy`).
        let room = 2 * mib + 1024;
        bench.host(&format!("mke2fs -q -F -t ext4 -J size=512 image {room}M"));
        for (words, side) in ["fs cp -w -r tree image:/", "fs cp -r image:/tree out"]
            .iter()
            .zip(&mut sides)
        {
            let mut command = bench.command(&peak, bench.tool.to_str().expect("a path in UTF-8"));
            let said = output(command.args(words.split(' ')));
            let kilobytes: f64 = said.trim().parse().expect("kB");
            side.push(kilobytes / 1024.0);
        }
        bench.remove("out");
    }
    let [into, out] = sides.map(Spread::of);
    println!(
        "{name}: at most {into} MiB while they are copied in, {out} MiB out; caches may have {BOUND} ({rounds} rounds)"
    );
    figures[name] = json!({ "in-mib": into.json(), "out-mib": out.json(), "rounds": rounds });
}
