//! With one virtual processor, taking a lock is not an atomic operation: shown by the instructions.
//!
//! The probes below are what a driver's code is: locks and leaf locks taken, changed, released. This
//! program takes itself apart and looks at them. On more processors than one there must be atomic
//! instructions, which shows that the test would find them.

use std::collections::BTreeMap;
use std::process::Command;

use base::sync::{Leaf, Mutex, Word};
use base::{Events, Lwp, Readiness, enter};

#[inline(never)]
fn probe_mutex(mutex: &Mutex<u64>, lwp: &Lwp<'_>) -> u64 {
    let mut guard = mutex.lock(lwp);
    *guard += 1;
    *guard
}

#[inline(never)]
fn probe_try(mutex: &Mutex<u64>, lwp: &Lwp<'_>) -> bool {
    mutex.try_lock(lwp).is_some()
}

#[inline(never)]
fn probe_leaf(leaf: &Leaf<u64>) -> u64 {
    leaf.with(|number| {
        *number += 1;
        *number
    })
}

#[inline(never)]
fn probe_word(word: &Word) -> u32 {
    word.set(word.get() + 1);
    word.get()
}

#[inline(never)]
fn probe_news(mutex: &Mutex<u64>, readiness: &Readiness, lwp: &Lwp<'_>) {
    let mut guard = mutex.lock(lwp);
    let (number, wakes) = guard.split();
    *number += 1;
    readiness.update(Events::IN, Events::IN, wakes);
}

const PROBES: [&str; 5] = ["mutex", "try", "leaf", "word", "news"];

/// The program's functions, each with its instructions.
fn disassembly() -> BTreeMap<String, Vec<String>> {
    let program = std::env::current_exe().unwrap();
    let output = Command::new("objdump")
        .args(["--disassemble", "--no-show-raw-insn", "--demangle"])
        .arg(&program)
        .output()
        .expect("objdump is needed: it is in the package binutils");
    assert!(output.status.success(), "objdump {}", program.display());
    let mut functions = BTreeMap::new();
    let mut current: Option<(String, Vec<String>)> = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|l| l.split_once(" <")) {
            functions.extend(current.replace((name.1.to_string(), Vec::new())));
        } else if let (Some((_, code)), Some((_, instruction))) =
            (&mut current, line.split_once(":\t"))
        {
            code.push(instruction.trim().to_string());
        }
    }
    functions.extend(current);
    functions
}

/// Whether other processors are kept out for the time of the instruction.
fn is_locked(instruction: &str) -> bool {
    let exchanges_memory = instruction.starts_with("xchg") && instruction.contains('(');
    instruction.starts_with("lock ") || exchanges_memory
}

/// The function of the locks that an instruction calls.
fn callee(instruction: &str) -> Option<&str> {
    let (_, name) = instruction.strip_suffix('>')?.split_once('<')?;
    (instruction.starts_with("call") && name.contains("base::sync::")).then_some(name)
}

#[test]
#[cfg(target_arch = "x86_64")]
fn locks_are_atomic_only_between_processors() {
    // They are real: they are called.
    let kernel = base_threads::kernel();
    enter(kernel.process(), |lwp| {
        let (mutex, leaf) = (Mutex::new(0), Leaf::new(0));
        assert_eq!(probe_mutex(&mutex, lwp), 1);
        assert!(probe_try(&mutex, lwp));
        assert_eq!(probe_leaf(&leaf), 1);
        assert_eq!(probe_word(&Word::new(0)), 1);
        probe_news(&mutex, &Readiness::new(Events::NONE), lwp);
        Ok(())
    })
    .unwrap();

    let functions = disassembly();
    for probe in PROBES {
        let name = format!("unlocked::probe_{probe}");
        let (_, code) = functions
            .iter()
            .find(|(function, _)| function.contains(&name))
            .unwrap_or_else(|| panic!("no function {name}"));
        assert!(code.len() > 3, "{name}: {code:?}");
        let found = code.iter().any(|instruction| is_locked(instruction))
            // What was not inlined, as far as it is a lock's.
            || code.iter().filter_map(|instruction| callee(instruction)).any(|name| {
                let code = functions.get(name).into_iter().flatten();
                code.clone().any(|instruction| is_locked(instruction))
            });
        // A word is written under a lock: its own accesses are plain in both.
        let expected = cfg!(not(feature = "up")) && !matches!(probe, "word");
        assert_eq!(found, expected, "{name}: {code:#?}");
    }
}
