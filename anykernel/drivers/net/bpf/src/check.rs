//! What a good program is: Linux's `bpf_check_classic`, rule by rule.

use alloc::vec;
use core::fmt;

use crate::instruction::{Fact, Instruction, MOST, WORDS, beyond, code};

/// Why a program is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The instruction, counted from zero.
    pub at: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}: {}", self.at, self.what)
    }
}

/// Whether a code is one of a jump that has a condition.
fn is_branch(code: u16) -> bool {
    use code::*;
    matches!(code & !X, JEQ | JGT | JGE | JSET)
}

pub(crate) fn check(program: &[Instruction]) -> Result<(), Flaw> {
    if program.len() > MOST {
        let what = "more than 4096 of them";
        return Err(Flaw { at: MOST, what });
    }
    for (at, instruction) in program.iter().enumerate() {
        let after = program.len() - at - 1;
        check_one(instruction, after).map_err(|what| Flaw { at, what })?;
    }
    let returns = |last: &Instruction| matches!(last.code, code::RET_K | code::RET_A);
    if !program.last().is_some_and(returns) {
        return Err(Flaw {
            at: program.len().saturating_sub(1),
            what: "the last one does not return",
        });
    }
    check_memory(program)
}

/// Checks what can be seen of an instruction with so many after it.
fn check_one(instruction: &Instruction, after: usize) -> Result<(), &'static str> {
    use code::*;
    let Instruction { code, jt, jf, k } = *instruction;
    match code {
        LD_W_ABS | LD_H_ABS | LD_B_ABS if k >= beyond::FACTS && Fact::at(k).is_none() => {
            Err("loads what is not known here")
        }
        LD_W_ABS | LD_H_ABS | LD_B_ABS | LD_W_IND | LD_H_IND | LD_B_IND => Ok(()),
        LD_IMM | LD_LEN | LDX_IMM | LDX_LEN | LDX_MSH | NEG | TAX | TXA | RET_K | RET_A => Ok(()),
        LD_MEM | LDX_MEM | ST | STX if k >= WORDS as u32 => Err("memory has 16 words"),
        LD_MEM | LDX_MEM | ST | STX => Ok(()),
        DIV | MOD if k == 0 => Err("divides by zero"),
        LSH | RSH if k >= 32 => Err("shifts by more bits than there are"),
        JA if k as usize >= after => Err("jumps beyond the end"),
        JA => Ok(()),
        _ if is_branch(code) && usize::from(jt.max(jf)) >= after => Err("jumps beyond the end"),
        _ if is_branch(code) => Ok(()),
        _ => match code & !X {
            ADD | SUB | MUL | DIV | MOD | AND | OR | XOR | LSH | RSH => Ok(()),
            _ => Err("no such instruction"),
        },
    }
}

/// Checks that no way through the program reads a word of memory that it did not write.
fn check_memory(program: &[Instruction]) -> Result<(), Flaw> {
    // Of each instruction, the words that are written on all ways that jump to it.
    let mut written_before = vec![u16::MAX; program.len()];
    let mut written = 0;
    for (at, instruction) in program.iter().enumerate() {
        written &= written_before[at];
        let word = 1u16.checked_shl(instruction.k).unwrap_or(0);
        let mut lead = |distance: usize| {
            if let Some(before) = written_before.get_mut(at + 1 + distance) {
                *before &= written;
            }
        };
        match instruction.code {
            code::ST | code::STX => written |= word,
            code::LD_MEM | code::LDX_MEM if written & word == 0 => {
                let what = "reads a word of memory that may not have been written";
                return Err(Flaw { at, what });
            }
            code::JA => {
                lead(instruction.k as usize);
                written = u16::MAX;
            }
            code if is_branch(code) => {
                lead(instruction.jt.into());
                lead(instruction.jf.into());
                written = u16::MAX;
            }
            _ => {}
        }
    }
    Ok(())
}
