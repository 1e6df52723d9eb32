//! An application that tries what a machine has to offer, one thing a run: `machine EXERCISE`. Tests read what
//! it prints, and its exit code: 0 if all went as it should, 2 if there is no such exercise.
#![no_std]

extern crate alloc;

mod ends;
mod loopback;
mod memory;
mod threads;
mod time;

use alloc::string::String;

use rump::Kernel;

/// Writes a line to the console.
macro_rules! say {
    ($kernel:expr, $($text:tt)+) => {
        $kernel.print(format_args!($($text)+))
    };
}
pub(crate) use say;

/// Does the exercise that the first argument names.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    let number = |index: usize| args.get(index).and_then(|text| text.parse::<u64>().ok());
    match args.first().map(String::as_str) {
        Some("threads") => threads::try_them(kernel, number(1).unwrap_or(1) as u32),
        Some("deadlines") => time::deadlines(kernel),
        Some("date") => time::date(kernel, number(1).unwrap_or(1)),
        Some("idle") => time::idle(kernel, number(1).unwrap_or(u64::MAX)),
        Some("exhaust") => memory::exhaust(kernel),
        Some("reserve") => memory::reserve(number(1).unwrap_or(0)),
        Some("chatter") => chatter(kernel),
        Some("loopback") => loopback::transfer(kernel),
        Some("exit") => number(1).map_or(2, |code| code as i32),
        Some("panic") => ends::panic(),
        Some("overflow") => ends::overflow(),
        Some("null") => ends::null(),
        Some("code") => ends::code(),
        Some("execute") => ends::execute(),
        _ => {
            say!(kernel, "machine: no such exercise");
            2
        }
    }
}

/// Says more than anybody wants to hear.
fn chatter(kernel: &Kernel) -> i32 {
    for line in 0..20_000 {
        say!(kernel, "chatter: line {line} of very many");
    }
    0
}
