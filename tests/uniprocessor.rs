//! With one virtual processor, taking a lock is not an atomic operation: shown by every instruction of the library.
#![cfg(target_arch = "x86_64")]

use std::io::Write;
use std::process::{Command, Stdio};

use tests::{Configuration, need, output, repository};

/// The two files of locks.
const LOCKS: &str = "/base/src/sync/";
/// The only component that may use what locks are made of.
const BASE: &str = "/base/src/";
/// What the locks of many processors are made of. With one it guards what is reached without being inside, and
/// the processor itself.
const PARTS: [&str; 2] = ["/base/src/spin.rs", "/base/src/rawlock.rs"];
/// The library of the language.
const LANGUAGE: &str = "/library/";
/// The counts of owners, which are atomic in every build; what runs or drops inside a lock may change them.
const COUNTS: &str = "/library/alloc/src/sync.rs";

#[test]
fn locks_are_atomic_only_between_processors() {
    let test = "locks_are_atomic_only_between_processors";
    if !need(test, &["addr2line", "objdump"]) {
        return;
    }
    let [one, many] = [
        ("net-sockets-local-up", "sync=up"),
        ("net-sockets-local", "sync=mp"),
    ]
    .map(|(name, sync)| atomics(name, sync));
    let in_locks = |atomics: &[Atomic]| atomics.iter().filter(|it| it.is_of_a_lock()).count();
    println!(
        "locked instructions: {} with one processor, {} with many; of locks: {} and {}",
        one.len(),
        many.len(),
        in_locks(&one),
        in_locks(&many),
    );
    if let Some(atomic) = one.iter().find(|it| it.is_of_a_lock()) {
        panic!("a lock of one processor: {:#?}", atomic.files);
    }
    // The same look finds what is there: the locks of many processors, and the one processor that is passed on.
    assert!(in_locks(&many) > 100);
    for part in PARTS {
        assert!(one.iter().any(|it| it.owner().contains(part)), "{part}");
    }
}

/// An instruction that keeps other processors out.
struct Atomic {
    /// Where it was written: the place itself, then the one it was inlined into, and so on.
    files: Vec<String>,
}

impl Atomic {
    /// The place outside the language's own library.
    fn owner(&self) -> &str {
        let mut own = self.files.iter().filter(|file| !file.contains(LANGUAGE));
        own.next().map_or("", String::as_str)
    }

    /// Whether it is there to take or release a lock, under whatever name: beside the locks, only base itself uses
    /// their parts.
    fn is_of_a_lock(&self) -> bool {
        let is_part = |file: &str| PARTS.iter().any(|part| file.contains(part));
        let used_part = is_part(self.owner());
        let mut own = self
            .files
            .iter()
            .filter(|file| !file.contains(LANGUAGE))
            .skip_while(|file| is_part(file));
        !self.files.iter().any(|file| file.contains(COUNTS))
            && match own.next() {
                Some(user) => user.contains(LOCKS) || (used_part && !user.contains(BASE)),
                None => false,
            }
    }
}

/// Those of the library of a configuration.
fn atomics(name: &str, sync: &str) -> Vec<Atomic> {
    let library = with_lines(name, sync);
    let code = output(
        Command::new("objdump")
            .args(["--disassemble", "--no-show-raw-insn"])
            .arg(&library),
    );
    let addresses: String = code
        .lines()
        .filter_map(|line| line.split_once(":\t"))
        .filter(|(_, instruction)| is_locked(instruction))
        .map(|(address, _)| format!("{}\n", address.trim()))
        .collect();
    let mut resolver = Command::new("addr2line")
        .args(["--addresses", "--inlines", "--exe", &library])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = resolver.stdin.take().unwrap();
    let asking = std::thread::spawn(move || input.write_all(addresses.as_bytes()));
    let answer = resolver.wait_with_output().unwrap();
    asking.join().unwrap().unwrap();
    let mut atomics = Vec::new();
    for line in String::from_utf8_lossy(&answer.stdout).lines() {
        if line.starts_with("0x") {
            atomics.push(Atomic { files: Vec::new() });
        } else if let Some(atomic) = atomics.last_mut() {
            atomic.files.push(line.to_owned());
        }
    }
    atomics
}

/// Whether other processors are kept out for the time of the instruction.
fn is_locked(instruction: &str) -> bool {
    let exchanges_memory = instruction.starts_with("xchg") && instruction.contains('(');
    instruction.starts_with("lock ") || exchanges_memory
}

/// The library of a configuration, whole, compiled as ever but with the line of each instruction.
fn with_lines(name: &str, sync: &str) -> String {
    let selection = ["--components", "net,sockets,local", "--param", sync];
    let configuration = Configuration::build(name, &selection);
    // Kept from run to run.
    let target = repository().join("target/lines").join(name);
    output(
        Command::new(env!("CARGO"))
            .current_dir(configuration.workspace())
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
            .args(["build", "--quiet", "--locked", "--release", "--package"])
            .args(["capi", "--target-dir"])
            .arg(&target),
    );
    let library = target.join("whole.so").display().to_string();
    output(
        Command::new("cc")
            .args(["-shared", "-o", &library, "-Wl,--whole-archive"])
            .arg(target.join("release/librump_capi.a"))
            .args(["-Wl,--no-whole-archive", "-lm"]),
    );
    library
}
