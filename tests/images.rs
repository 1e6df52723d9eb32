//! Images, from the command line to the machine and back: what is built boots, what a machine says is what we say,
//! and nothing is left behind.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use tests::{Child, need, need_network, output, repository, wait_until, within};

/// What a build and a run may take: an emulated machine on a busy host is slow.
const LIMIT: Duration = Duration::from_secs(600);
const QEMU: &str = "qemu-system-x86_64";

/// The platforms of images: one on a machine, and one from outside the tree that needs none.
const PVH: [&str; 2] = ["--platform", "pvh"];
const RAW: [&str; 4] = [
    "--platform",
    "raw",
    "--manifests",
    "tests/platforms/manifests",
];

/// The application for tests on a platform, under a name of our own.
fn machine(command: &str, platform: &[&str]) -> Command {
    let mut cargo = within(LIMIT, env!("CARGO"));
    cargo
        .current_dir(repository())
        .args(["xtask", command, "-q"]);
    cargo.args(["--components", "net,sockets", "--app", "tests/apps/machine"]);
    let target = platform
        .iter()
        .skip_while(|word| **word != "--target")
        .nth(1);
    let target = target.map_or_else(String::new, |target| format!("-{target}"));
    cargo.args(["--name", &format!("test-machine-{}{target}", platform[1])]);
    cargo.args(platform);
    cargo
}

fn run(platform: &[&str], more: &[&str]) -> Output {
    machine("run", platform).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn ends_with(done: &Output, code: i32) -> String {
    let (said, errors) = (text(&done.stdout), text(&done.stderr));
    assert_eq!(done.status.code(), Some(code), "{said}{errors}");
    said + &errors
}

#[test]
fn an_applications_exit_code_is_ours() {
    if !need("an_applications_exit_code_is_ours", &[QEMU]) {
        return;
    }
    for platform in [&PVH[..], &RAW[..]] {
        for code in [0, 7, 101] {
            ends_with(&run(platform, &["--", "exit", &code.to_string()]), code);
        }
    }
}

#[test]
fn a_machine_that_cannot_start_is_no_success() {
    if !need("a_machine_that_cannot_start_is_no_success", &[QEMU]) {
        return;
    }
    // The default machine has no room for so many.
    let said = ends_with(&run(&PVH, &["--cpus", "100000", "--", "exit", "0"]), 1);
    assert!(
        said.contains("ended without an exit code of the application"),
        "{said}"
    );
}

#[test]
fn a_panic_is_traced_by_name() {
    if !need("a_panic_is_traced_by_name", &[QEMU]) {
        return;
    }
    let said = ends_with(&run(&PVH, &["--", "panic"]), 101);
    let frame = "machine::ends::panic at components/machine/src/ends.rs:";
    assert!(said.contains(frame), "{said}");
}

#[test]
fn what_would_be_run_is_shown() {
    let disk = tempfile::NamedTempFile::new().unwrap();
    let path = disk.path().display().to_string();
    let asked = [
        "--machine",
        "q35",
        "--cpus",
        "3",
        "--memory",
        "32MiB",
        "--disk",
        &path,
    ];
    let shown = ["--dry-run", "--", "exit", "two words"];
    let said = ends_with(&run(&PVH, &[&asked[..], &shown].concat()), 0);
    let image = repository().join("target/rump/test-machine-pvh/machine.elf");
    for part in [
        "-machine q35".to_owned(),
        "-smp 3 -m 33554432B".to_owned(),
        format!("-kernel {}", image.display()),
        r#" -- exit "two words"'"#.to_owned(),
        format!("file={path}"),
    ] {
        assert!(said.contains(&part), "no {part} in {said}");
    }
}

#[test]
fn a_wish_that_makes_no_sense_is_refused() {
    let refused = |platform: &[&str], more: &[&str], why: &str| {
        let said = ends_with(&run(platform, more), 2);
        assert!(said.contains(why), "{said}");
    };
    refused(&PVH, &["--machine", "q53"], "did you mean `q35`?");
    refused(
        &PVH,
        &["--disk", "no-such-file"],
        "there is no disk no-such-file",
    );
    refused(&PVH, &["--memory", "1MiB"], "say `--memory 4MiB`, or more");
    refused(&PVH, &["--memory", "much"], "it takes a size such as 64MiB");
    refused(&PVH, &["--", "a\"b"], "a machine cannot be told `a\\\"b`");
    refused(
        &PVH,
        &["--target", "x86_64-unknown-nine"],
        "did you mean `x86_64-unknown-none`?",
    );
    refused(
        &RAW,
        &["--disk", "Cargo.toml"],
        "machines of this platform cannot have a disk",
    );
    let linux = ["--platform", "linux"];
    refused(&linux, &["--cpus", "2"], "leave out --cpus");
    let mut cargo = within(LIMIT, env!("CARGO"));
    cargo
        .current_dir(repository())
        .args(["xtask", "build", "--components", "net"]);
    let said = ends_with(&cargo.args(PVH).output().unwrap(), 2);
    assert!(said.contains("boots into an application"), "{said}");
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("manifests");
    fs::create_dir(&manifests).unwrap();
    let raw = repository().join("tests/platforms/manifests/raw.toml");
    let text = fs::read_to_string(raw).unwrap();
    let crate_folder = repository().join("tests/platforms/raw");
    let text = text
        .replace(
            "crate = \"raw\"",
            &format!("crate = \"{}\"", crate_folder.display()),
        )
        .replace("program = \"env\"", "program = \"no-such-emulator\"")
        .replace("package = \"coreutils\"", "package = \"emulators\"");
    fs::write(manifests.join("raw.toml"), text).unwrap();
    let manifests = manifests.display().to_string();
    let platform = ["--platform", "raw", "--manifests", &manifests];
    let said = ends_with(&run(&platform, &["--", "exit", "0"]), 1);
    assert!(said.contains("`no-such-emulator` is missing"), "{said}");
    assert!(said.contains("install the package `emulators`"), "{said}");
}

/// What a program that is built first says, up to a line with this text.
fn said_until(child: &Child, text: &str) -> Vec<String> {
    let mut lines = vec![child.line(LIMIT)];
    while !lines.last().is_some_and(|line| line.contains(text)) {
        lines.push(child.line(LIMIT));
    }
    lines
}

/// Waits for the line to attach a debugger with, and takes it, with a script.
fn attach(debug: &mut Command, function: &str) -> String {
    let waiting = Child::start(debug);
    let said = said_until(&waiting, "gdb ");
    let line = said.last().expect("a line");
    let script = "-q -batch -iex 'set confirm off' -iex 'set debuginfod enabled off'";
    let line = line.trim().replacen("gdb ", &format!("gdb {script} "), 1);
    let line = format!("{line} -ex 'break {function}' -ex continue -ex backtrace -ex kill");
    let mut shell = within(LIMIT, "sh");
    output(shell.current_dir(repository()).args(["-c", &line]))
}

#[test]
fn a_debugger_attaches_to_a_machine() {
    if !need("a_debugger_attaches_to_a_machine", &[QEMU, "gdb"]) {
        return;
    }
    let said = attach(
        machine("debug", &PVH).args(["--", "panic"]),
        "machine::ends::panic",
    );
    assert!(
        said.contains("#0") && said.contains("machine::ends::panic"),
        "{said}"
    );
    assert!(said.contains("app::main"), "{said}");
}

#[test]
fn a_debugger_attaches_to_a_program_of_this_host() {
    if !need(
        "a_debugger_attaches_to_a_program_of_this_host",
        &["gdb", "gdbserver"],
    ) {
        return;
    }
    // A link that is named is no reason for a namespace, which takes rights.
    let linux = ["--platform", "linux", "--without", "virtif"];
    let said = attach(machine("debug", &linux).args(["--", "exit", "0"]), "main");
    assert!(said.contains("#0") && said.contains("main"), "{said}");
}

/// The outcome of `test --app` with these expectations, for an exercise of the application.
fn outcome(expect: &str, exercise: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rump.toml");
    fs::write(
        &file,
        format!("arguments = [{exercise}]\n\n[expect]\n{expect}\n"),
    )
    .unwrap();
    let mut command = machine("test", &RAW);
    command.arg("--config").arg(&file).output().unwrap()
}

#[test]
fn an_application_is_held_against_what_it_expects() {
    let exit7 = r#""exit", "7""#;
    ends_with(&outcome("exit = 7", exit7), 0);
    let said = ends_with(&outcome("exit = 8", exit7), 1);
    assert!(said.contains("FAILED: it ended with exit code 7"), "{said}");

    let stranger = r#""stranger""#;
    let line = r#"console = "^machine: no such ex\\w+$""#;
    ends_with(&outcome(&format!("exit = 2\n{line}"), stranger), 0);
    ends_with(&outcome(line, stranger), 0);
    let said = ends_with(&outcome(r#"console = "^no such$""#, stranger), 1);
    assert!(said.contains("and has not said what is expected"), "{said}");

    let said = ends_with(&outcome("exit = 0\ntime = \"300ms\"", r#""idle", "60""#), 1);
    assert!(said.contains("its end was not seen within 300ms"), "{said}");

    let said = ends_with(&machine("test", &RAW).output().unwrap(), 2);
    assert!(said.contains("add a table `[expect]`"), "{said}");
}

#[test]
fn the_examples_do_what_they_expect_of_themselves() {
    if !need("the_examples_do_what_they_expect_of_themselves", &[QEMU]) {
        return;
    }
    for example in ["examples/echo", "examples/httpd"] {
        for platform in [&PVH[..], &RAW[..]] {
            let mut cargo = within(LIMIT, env!("CARGO"));
            cargo
                .current_dir(repository())
                .args(["xtask", "test", "-q", "--app", example]);
            ends_with(&cargo.args(platform).output().unwrap(), 0);
        }
    }
}

#[test]
fn a_signal_ends_the_machine_first() {
    if !need("a_signal_ends_the_machine_first", &[QEMU]) {
        return;
    }
    // Built before: what is interrupted is the run.
    ends_with(&run(&PVH, &["--", "exit", "0"]), 0);
    let mut xtask = machine("run", &PVH);
    let mut child = xtask.args(["--", "idle", "3600"]).spawn().unwrap();
    let running = || {
        processes()
            .iter()
            .any(|it| it.contains(QEMU) && it.contains("idle 3600"))
    };
    wait_until("a machine", LIMIT, running);
    output(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    let status = child.wait().unwrap();
    assert!(!status.success(), "{status}");
    wait_until("no machine", LIMIT, || !running());
}

/// Starts the web server on a machine, and gives what it says before it listens.
fn serve(more: &[&str]) -> (Child, Vec<String>) {
    let mut cargo = within(LIMIT, env!("CARGO"));
    cargo.current_dir(repository()).args(["xtask", "run", "-q"]);
    cargo.args(["--app", "examples/httpd", "--name", "test-httpd-image"]);
    let server = Child::start(cargo.args(PVH).args(more));
    let said = said_until(&server, "listening");
    (server, said)
}

#[test]
fn a_server_is_reached_through_a_port_of_this_host() {
    if !need(
        "a_server_is_reached_through_a_port_of_this_host",
        &[QEMU, "curl"],
    ) {
        return;
    }
    let (_server, said) = serve(&["--forward", "0:80"]);
    let line = said
        .iter()
        .find(|line| line.contains("TCP port 80 is port"));
    let words: Vec<&str> = line.expect("a port").split_whitespace().collect();
    let port = words[7];
    let url = format!("http://127.0.0.1:{port}/");
    let page = output(Command::new("curl").args(["-sS", "--max-time", "60", &url]));
    assert!(page.contains("<html"), "{page}");
    let image = repository().join("target/rump/test-httpd-image/httpd.elf");
    let size = fs::metadata(image).unwrap().len();
    assert!(size < 400_000, "{size} bytes; the goal is 400,000");
}

#[test]
fn a_server_is_reached_as_it_says() {
    if !need_network("a_server_is_reached_as_it_says", &[QEMU, "curl"]) {
        return;
    }
    let (_server, said) = serve(&[]);
    let line = said.iter().find(|line| line.contains("curl"));
    let line = line
        .expect("how to reach it")
        .replace("curl ", "curl -sS --max-time 60 ");
    let page = output(Command::new("sh").args(["-c", &line]));
    assert!(page.contains("<html"), "{page}");
}

/// The command lines of all processes.
fn processes() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| text(&line).replace('\0', " ")).collect()
}

#[test]
fn both_targets_boot() {
    if !need("both_targets_boot", &[QEMU]) {
        return;
    }
    let target = "x86_64-unknown-none";
    let done = run(
        &["--platform", "pvh", "--target", target],
        &["--", "exit", "7"],
    );
    if text(&done.stderr).contains("is not installed") {
        tests::skip("both_targets_boot", &format!("the Rust target {target}"));
        return;
    }
    ends_with(&done, 7);
}

#[test]
fn on_kvm_the_date_is_from_kvm() {
    let name = "on_kvm_the_date_is_from_kvm";
    if !need(name, &[QEMU]) {
        return;
    }
    let kvm = fs::File::options().read(true).write(true).open("/dev/kvm");
    if kvm.is_err() {
        tests::skip(name, "/dev/kvm");
        return;
    }
    // Without SSE, which not all that offers KVM can do: some is an emulator itself.
    let target = "x86_64-unknown-none";
    let built = machine("build", &["--platform", "pvh", "--target", target]).output();
    let built = built.unwrap();
    if text(&built.stderr).contains("is not installed") {
        tests::skip(name, &format!("the Rust target {target}"));
        return;
    }
    ends_with(&built, 0);
    let image = format!("target/rump/test-machine-pvh-{target}/machine.elf");
    let mut qemu = within(LIMIT, QEMU);
    // There is no other clock that says the date.
    qemu.args(["-accel", "kvm", "-cpu", "kvm64", "-machine"]);
    qemu.args(["microvm,isa-serial=on,rtc=off", "-smp", "2", "-nodefaults"]);
    qemu.args(["-display", "none", "-serial", "stdio", "-no-reboot"]);
    qemu.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
    qemu.args(["-append", "-- date 1", "-kernel"]).arg(image);
    let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let begin = now();
    let said = ends_with(&qemu.current_dir(repository()).output().unwrap(), 33);
    let dates = said.lines().filter_map(|line| line.strip_prefix("date: "));
    let dates: Vec<u64> = dates.map(|date| date.trim().parse().unwrap()).collect();
    let [before, after] = dates[..] else {
        panic!("{said}");
    };
    assert!(
        begin - 1000 < before && after < now() + 1000,
        "{begin}: {said}"
    );
    assert!(after - before >= 1000, "{said}");
}
