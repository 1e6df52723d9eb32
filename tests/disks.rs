//! Disks and their partitions: images that the host's programs make, used by kernels in a process and on a machine, and
//! looked at by the host again.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tests::{Board, Configuration, Machine, QEMU, need, output};

const MIB: u64 = 1 << 20;

/// Bytes of an image.
const SIZE: u64 = 32 * MIB;

/// Where a process is told of the host's disks.
const DISK: &str = "RUMP_DISK";

/// Two partitions by GPT, as `sfdisk` reads it: where they begin and how long they are, in MiB.
const GPT: (&str, &[(u64, u64)]) = (
    "label: gpt\nstart=1MiB, size=9MiB\nstart=12MiB, size=16MiB\n",
    &[(1, 9), (12, 16)],
);

/// A primary partition, and an extended one with two logical partitions.
const MBR: (&str, &[(u64, u64)]) = (
    "label: dos\nstart=1MiB, size=3MiB, type=83\nstart=5MiB, size=26MiB, type=5\n\
     start=6MiB, size=8MiB, type=83\nstart=16MiB, size=4MiB, type=83\n",
    &[(1, 3), (6, 8), (16, 4)],
);

/// The application that uses disks, for a process.
fn in_a_process() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let components = ["--components", "disk,md,memdev,part"];
        let app = ["--app", "tests/apps/devices"];
        Configuration::build("disks", &[components, app].concat()).app("devices")
    };
    BUILT.get_or_init(build).clone()
}

/// An image with partitions, which the host's `sfdisk` makes, and each of which `dd` fills with numbers of its own.
fn image(folder: &Path, (script, parts): (&str, &[(u64, u64)])) -> PathBuf {
    let path = folder.join("disk.img");
    File::create(&path).unwrap().set_len(SIZE).unwrap();
    let mut command = Command::new("sfdisk");
    let mut sfdisk = command
        .arg("--quiet")
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = sfdisk.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    drop(input);
    assert!(sfdisk.wait().unwrap().success());
    for (start, len) in parts {
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/urandom", "bs=1M", "conv=notrunc", "status=none"]);
        dd.args([format!("of={}", path.display()), format!("seek={start}")]);
        output(dd.arg(format!("count={len}")));
    }
    path
}

/// What is in a part of an image.
fn part(path: &Path, (start, len): (u64, u64)) -> Vec<u8> {
    let mut bytes = vec![0; (len * MIB) as usize];
    let file = File::open(path).unwrap();
    file.read_exact_at(&mut bytes, start * MIB).unwrap();
    bytes
}

/// The checksum that the application says.
fn sum(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{} bytes, sum {sum:016x}", bytes.len())
}

/// Whether the application has written its pattern to the beginning of this.
fn has_pattern(bytes: &[u8]) -> bool {
    let words = bytes.chunks_exact(8).take(1 << 20).enumerate();
    words.into_iter().all(|(at, word)| {
        let value = (8 * at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word == value.to_le_bytes()
    })
}

/// Does jobs with disks that a parameter names, and gives back the console. All has to succeed.
fn run(parameter: &str, disks: &str, jobs: &[&str]) -> String {
    let mut command = Command::new(in_a_process());
    command.env(parameter, disks).env("RUMP_LOG_LEVEL", "info");
    let ended = command.args(jobs).output().unwrap();
    let console = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{console}");
    console
}

#[test]
fn partitions_of_an_image_are_read_and_written_where_the_host_has_them() {
    let test = "partitions_of_an_image_are_read_and_written_where_the_host_has_them";
    if !need(test, &["dd", "sfdisk"]) {
        return;
    }
    for (layout, units) in [(GPT, &["p1", "p2"][..]), (MBR, &["p1", "p5", "p6"])] {
        let folder = tempfile::tempdir().unwrap();
        let image = image(folder.path(), layout);
        let before = fs::read(&image).unwrap();
        let names: Vec<String> = units.iter().map(|unit| format!("disk0{unit}")).collect();
        let jobs: Vec<&str> = names.iter().flat_map(|name| ["sum", name]).collect();
        let read_only = format!("{}:ro", image.display());
        let said = run(DISK, &read_only, &jobs);
        for (name, place) in names.iter().zip(layout.1) {
            let line = format!("devices: {name}: {}", sum(&part(&image, *place)));
            assert!(said.contains(&line), "{line}\n{said}");
        }
        assert!(fs::read(&image).unwrap() == before);

        // The last is written, and nothing else.
        let (name, place) = (names.last().unwrap(), layout.1.last().unwrap());
        run(DISK, &image.display().to_string(), &["disk", name]);
        let after = fs::read(&image).unwrap();
        assert!(has_pattern(&part(&image, *place)));
        let start = (place.0 * MIB) as usize;
        assert!(after[..start] == before[..start]);
        let end = start + (place.1.min(8) * MIB) as usize;
        assert!(after[end..] == before[end..]);
    }
}

#[test]
fn what_is_discarded_takes_no_room_on_the_host() {
    let test = "what_is_discarded_takes_no_room_on_the_host";
    if !need(test, &["dd", "sfdisk"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), GPT);
    let first = part(&image, GPT.1[0]);
    let before = fs::metadata(&image).unwrap();
    run(DISK, &image.display().to_string(), &["discard", "disk0p2"]);
    let after = fs::metadata(&image).unwrap();
    assert_eq!(before.blocks() - after.blocks(), 16 * MIB / 512);
    assert_eq!(before.len(), after.len());
    assert!(part(&image, GPT.1[0]) == first);
    assert!(part(&image, GPT.1[1]).iter().all(|byte| *byte == 0));
}

#[test]
fn a_table_with_a_damaged_beginning_is_read_from_its_copy() {
    let test = "a_table_with_a_damaged_beginning_is_read_from_its_copy";
    if !need(test, &["dd", "sfdisk", "sgdisk"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), GPT);
    // Another program's table is as good; then its first header is lost.
    output(
        Command::new("sgdisk")
            .args(["-s", "-c", "1:first"])
            .arg(&image),
    );
    let file = File::options().write(true).open(&image).unwrap();
    file.write_all_at(&[0; 512], 512).unwrap();
    let said = run(
        DISK,
        &format!("{}:ro", image.display()),
        &["sum", "disk0p2"],
    );
    assert!(said.contains(&sum(&part(&image, GPT.1[1]))), "{said}");
}

#[test]
fn one_image_is_written_by_one_kernel_at_a_time() {
    let test = "one_image_is_written_by_one_kernel_at_a_time";
    if !need(test, &[]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    File::create(&image).unwrap().set_len(MIB).unwrap();
    let image = image.display().to_string();
    let mut command = Command::new(in_a_process());
    command.env(DISK, format!("{image},{image}"));
    let refused = command.args(["sum", "disk0"]).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("another program has it open"), "{said}");
    run(
        DISK,
        &format!("{image}:ro,{image}:ro"),
        &["read-only", "disk1"],
    );
}

#[test]
fn with_one_virtual_processor_disks_are_waited_for_as_well() {
    let test = "with_one_virtual_processor_disks_are_waited_for_as_well";
    if !need(test, &["dd", "sfdisk"]) {
        return;
    }
    let arguments = [
        "--components",
        "disk,part",
        "--param",
        "sync=up",
        "--app",
        "tests/apps/devices",
    ];
    let program = Configuration::build("disks-up", &arguments).app("devices");
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), GPT);
    // What the host has forgotten, as far as it can, is read by other threads.
    let file = File::open(&image).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let expected = sum(&part(&image, GPT.1[0]));
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let mut command = Command::new(program);
    command.env(DISK, &image);
    let ended = command.args(["sum", "disk0p1", "disk", "disk0p2"]).output();
    let ended = ended.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains(&expected), "{said}");
    assert!(has_pattern(&part(&image, GPT.1[1])));
}

#[test]
fn disks_in_memory_hold_what_is_written() {
    let test = "disks_in_memory_hold_what_is_written";
    if !need(test, &[]) {
        return;
    }
    let jobs = ["disk", "md0", "disk", "md1", "discard", "md1"];
    let said = run("RUMP_MD", "16MiB,1024GiB", &jobs);
    assert!(
        said.contains("md1: 8388608 bytes written, flushed and read"),
        "{said}"
    );
    assert!(
        said.contains("md1: 1099511627776 bytes discarded"),
        "{said}"
    );
}

#[test]
fn a_machine_sees_the_same_partitions() {
    let test = "a_machine_sees_the_same_partitions";
    if !need(test, &["dd", "sfdisk", QEMU]) {
        return;
    }
    let arguments = [
        "--platform",
        "pvh",
        "--components",
        "virtio-blk,part",
        "--app",
        "tests/apps/devices",
    ];
    let configuration = Configuration::build("disks-pvh", &arguments);
    let folder = tempfile::tempdir().unwrap();
    let image = image(folder.path(), MBR);
    let line = "log-level=info -- sum vblk0p5 disk vblk0p6 discard vblk0p1";
    let elf = configuration.artifacts().join("devices.elf");
    let mut machine = Machine::new(Board::Microvm, &elf, line);
    let drive = format!(
        "id=disk,if=none,format=raw,discard=unmap,file={}",
        image.display()
    );
    machine.add(&["-drive", &drive]);
    machine.virtio("blk", ",drive=disk");
    let expected = sum(&part(&image, MBR.1[1]));
    let kernel = machine.start();
    kernel.expect(&format!("devices: vblk0p5: {expected}"));
    kernel.expect("devices: vblk0p1: 3145728 bytes discarded");
    kernel.finish();
    assert!(has_pattern(&part(&image, MBR.1[2])));
    assert!(part(&image, MBR.1[0]).iter().all(|byte| *byte == 0));
}
