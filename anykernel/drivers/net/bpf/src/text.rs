//! Programs as text: what `tcpdump -ddd` writes. The number of instructions, and then each one as four decimal
//! numbers, of lines or between commas (as `iptables -m bpf` has them).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::str::FromStr;

use crate::{Instruction, MOST, Program};

impl FromStr for Program {
    type Err = String;

    /// Reads a program, or says what is wrong with it.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = text
            .split(['\n', ','])
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let count = lines.next().unwrap_or_default();
        let count = count
            .parse::<usize>()
            .ok()
            .filter(|count| (1..=MOST).contains(count))
            .ok_or_else(|| {
                format!("begins with {count:?} and not with a number of instructions up to {MOST}")
            })?;
        let mut instructions: Vec<Instruction> = vec![];
        for line in lines {
            let instruction = instruction(line).ok_or_else(|| {
                format!(
                    "instruction {} is {line:?} and not four numbers, as tcpdump -ddd writes them",
                    instructions.len()
                )
            })?;
            instructions.push(instruction);
        }
        if instructions.len() != count {
            return Err(format!(
                "has {} instructions and not {count}",
                instructions.len()
            ));
        }
        Program::new(instructions).map_err(|flaw| flaw.to_string())
    }
}

fn instruction(line: &str) -> Option<Instruction> {
    let mut words = line.split_ascii_whitespace();
    let instruction = Instruction {
        code: words.next()?.parse().ok()?,
        jt: words.next()?.parse().ok()?,
        jf: words.next()?.parse().ok()?,
        k: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(instruction)
}
