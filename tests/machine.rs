//! The platform `pvh` on real machines, as far as QEMU is one: what a machine has to offer, what it does at its
//! end, and what becomes of bad input. An application tries one thing a boot (`tests/apps/machine`).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tests::{Configuration, need, within};

const QEMU: &str = "qemu-system-x86_64";
/// What a boot may take, on a host that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(300);

const MICROVM: &str = "microvm,isa-serial=on";
const Q35: &str = "q35";

/// The image, built once.
fn image() -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let app = "tests/apps/machine";
        let arguments = [
            "--components",
            "net,sockets",
            "--platform",
            "pvh",
            "--app",
            app,
        ];
        // As `images.rs` calls it.
        Configuration::build("machine-pvh", &arguments).app("machine.elf")
    };
    IMAGE.get_or_init(build).clone()
}

/// A machine that boots with this command line, without the device that takes an exit code.
fn bare(machine: &str, line: &str) -> Command {
    let mut qemu = within(LIMIT, QEMU);
    qemu.args(["-accel", "tcg", "-machine", machine, "-nodefaults"]);
    qemu.args(["-no-user-config", "-no-reboot", "-display", "none"]);
    qemu.args(["-serial", "stdio", "-append", line, "-kernel"]);
    qemu.arg(image()).stdin(Stdio::null());
    qemu
}

/// A machine that boots with this command line.
fn machine(machine: &str, line: &str) -> Command {
    let mut qemu = bare(machine, line);
    qemu.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
    qemu
}

/// The application's exit code for one of QEMU's, which ends with 1 if it cannot start a machine.
fn code(done: &Output) -> Option<i32> {
    done.status
        .code()
        .filter(|code| *code >= 33)
        .map(|code| (code - 33) / 2)
}

/// Runs a machine to its end, which is to be with this exit code; what it said.
#[track_caller]
fn ends_with(qemu: &mut Command, expected: i32) -> String {
    let done = qemu.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(
        code(&done),
        Some(expected),
        "{qemu:?}: {}\n{said}{errors}",
        done.status
    );
    said
}

/// What is to be in what the machine said.
#[track_caller]
fn expect(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no \"{part}\" in:\n{said}");
    }
}

#[test]
fn every_exercise_succeeds_on_every_machine() {
    if !need("every_exercise_succeeds_on_every_machine", &[QEMU]) {
        return;
    }
    for kind in [MICROVM, Q35] {
        for processors in ["1", "4"] {
            for exercise in ["threads", "deadlines", "exhaust", "loopback"] {
                let line = format!("-- {exercise} {processors}");
                let mut qemu = machine(kind, &line);
                let said = ends_with(qemu.args(["-m", "16", "-smp", processors]), 0);
                expect(&said, &[&format!("{exercise}: ")]);
            }
        }
    }
}

#[test]
fn four_mebibytes_are_enough() {
    if !need("four_mebibytes_are_enough", &[QEMU]) {
        return;
    }
    ends_with(machine(MICROVM, "-- loopback").args(["-m", "4"]), 0);
}

#[test]
fn memory_past_four_gibibytes_is_used() {
    if !need("memory_past_four_gibibytes_is_used", &[QEMU]) {
        return;
    }
    // As much is not there below.
    let mut qemu = machine(Q35, "-- reserve 3221225472");
    ends_with(qemu.args(["-m", "6G"]), 0);
}

#[test]
fn the_end_is_reported() {
    if !need("the_end_is_reported", &[QEMU]) {
        return;
    }
    let reports: [(&str, &[&str]); 5] = [
        (
            "panic",
            &["kernel: panicked at ", "ends.rs:", ": as asked\n"],
        ),
        (
            "overflow",
            &["kernel: stack overflow, in thread 1 on processor "],
        ),
        (
            "null",
            &["kernel: page fault (14): write of a null pointer, 0x18, in thread 1"],
        ),
        ("code", &["kernel: page fault (14): write of 0x1"]),
        ("execute", &["kernel: page fault (14): execution of 0x"]),
    ];
    for processors in ["1", "4"] {
        for (exercise, parts) in reports {
            let mut qemu = machine(MICROVM, &format!("-- {exercise}"));
            let said = ends_with(qemu.args(["-smp", processors]), 101);
            let said = said.replace('\r', "");
            expect(&said, parts);
            expect(&said, &["\n    at 0x0000000000"]);
            assert_eq!(said.matches("kernel:").count(), 1, "{said}");
        }
    }
}

#[test]
fn exit_codes_are_the_application_s() {
    if !need("exit_codes_are_the_application_s", &[QEMU]) {
        return;
    }
    for (asked, got) in [
        (0, 0),
        (1, 1),
        (42, 42),
        (111, 111),
        (112, 111),
        (4711, 111),
    ] {
        ends_with(&mut machine(MICROVM, &format!("-- exit {asked}")), got);
    }
    ends_with(&mut machine(Q35, "-- nonsense"), 2);
}

#[test]
fn without_a_device_for_it_the_machine_is_switched_off() {
    if !need(
        "without_a_device_for_it_the_machine_is_switched_off",
        &[QEMU],
    ) {
        return;
    }
    for kind in [MICROVM, Q35] {
        let done = bare(kind, "-- exit 3").output().unwrap();
        assert!(done.status.success(), "{kind}: {}", done.status);
    }
}

#[test]
fn the_command_line_is_taken_seriously() {
    if !need("the_command_line_is_taken_seriously", &[QEMU]) {
        return;
    }
    let said = ends_with(&mut machine(MICROVM, "tcp-bufer=1KiB -- exit 0"), 1);
    expect(
        &said,
        &["unknown parameter \"tcp-bufer\"; did you mean \"tcp-buffer\"?"],
    );
    let said = ends_with(&mut machine(MICROVM, "boot-chart=true -- exit 0"), 0);
    expect(&said, &["calibration", "machine", "sockets", "total"]);
}

#[test]
fn a_console_that_nobody_reads_holds_nothing_up() {
    if !need("a_console_that_nobody_reads_holds_nothing_up", &[QEMU]) {
        return;
    }
    let mut qemu = machine(MICROVM, "-- chatter");
    let mut child = qemu.stdout(Stdio::piped()).spawn().unwrap();
    // Held open and not read: more is said than a pipe takes.
    let _unread = child.stdout.take();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(33), "{status}");
}

#[test]
fn an_idle_machine_uses_no_time() {
    if !need("an_idle_machine_uses_no_time", &[QEMU]) {
        return;
    }
    const SPAN: Duration = Duration::from_secs(10);
    for processors in ["1", "4"] {
        let mut qemu = machine(MICROVM, "-- idle 1000");
        // Not under `timeout`: the time of this very process is of interest.
        let arguments: Vec<_> = qemu.get_args().skip(2).map(ToOwned::to_owned).collect();
        qemu = Command::new(QEMU);
        qemu.args(arguments).args(["-smp", processors]);
        let child = tests::Child::start(&mut qemu);
        child.expect("idle");
        std::thread::sleep(Duration::from_secs(1));
        let before = ticks(child.pid());
        let begin = Instant::now();
        std::thread::sleep(SPAN);
        let used = ticks(child.pid()) - before;
        // A tick is 10 ms.
        let percent = used as f64 / begin.elapsed().as_secs_f64();
        println!("{processors} processors: {percent:.1} % while idle");
        assert!(percent < 1.0, "{processors} processors: {percent:.1} %");
    }
}

/// Clock ticks that a process has used, its own and the system's for it (proc_pid_stat(5)).
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<_> = rest.split_whitespace().collect();
    // Fields 14 and 15, of which the first two are not here.
    [11, 12]
        .map(|index: usize| fields[index].parse::<u64>().unwrap())
        .iter()
        .sum()
}

#[test]
#[ignore = "long: boots a thousand times"]
fn a_thousand_boots_in_a_row() {
    if !need("a_thousand_boots_in_a_row", &[QEMU]) {
        return;
    }
    for boot in 0..1000 {
        let processors = if boot % 4 == 3 { "2" } else { "1" };
        let mut qemu = machine(MICROVM, "-- loopback");
        ends_with(qemu.args(["-m", "8", "-smp", processors]), 0);
    }
    println!("1000 boots");
}
