//! One program with every target, for libFuzzer. `FUZZ_TARGET` names the one that is run.
//!
//! Most targets are one kernel, on the simulated platform, with everything in it that reads from a network, and a
//! **script** of what its neighbours and its programs do: the fuzzer's bytes. What they may do differs by target, so
//! that each gets deep into one thing; the target `input` may do everything. Whatever happened, the kernel has to be
//! alive in the end, what it sent has to be well-formed, a ping has to be answered, and all memory has to be back.
//!
//! The parsers of platforms and of the generator that a kernel on that platform does not reach are targets by
//! themselves.
#![no_main]

mod bytes;
mod kernel;
mod packets;
mod peer;
mod script;
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// What is fuzzed.
static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = targets::ALL.iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("{name} is no target"));
    *target
});

/// Without a target the program lists them.
fn list() {
    if std::env::var_os("FUZZ_TARGET").is_none() {
        for (name, _) in targets::ALL {
            println!("{name}");
        }
        std::process::exit(0);
    }
}

fuzz_target!(init: list(), |bytes: &[u8]| TARGET(bytes));
