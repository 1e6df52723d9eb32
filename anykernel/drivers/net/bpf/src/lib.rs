//! Classic packet filters (McCanne and Jacobson, "The BSD Packet Filter", USENIX 1993): small programs that say of a
//! packet how much of it is to be kept, as `tcpdump` compiles them and Linux's `SO_ATTACH_FILTER` takes them.
//!
//! The instructions are Linux's (`Documentation/networking/filter.rst`), with its loads of what is known beside the
//! bytes; so is what makes a program a good one. A good program ends: it jumps forward only, and returns last.
//!
//! Captures take them as text. Whoever else has a packet makes a [`Packet`] of it and asks a [`Program`]; this crate
//! knows no sockets.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod capture;
mod check;
mod instruction;
mod machine;
mod packet;
#[cfg(test)]
mod tests;
mod text;

use alloc::vec::Vec;

pub use check::Flaw;
pub use instruction::{Instruction, MOST};
pub use packet::Packet;

/// The driver as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("bpf").start(capture::start);

/// A program that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Vec<Instruction>);

impl Program {
    /// A program of these instructions, if it is a good one.
    pub fn new(instructions: Vec<Instruction>) -> Result<Self, Flaw> {
        check::check(&instructions)?;
        Ok(Program(instructions))
    }

    /// Its instructions.
    pub fn instructions(&self) -> &[Instruction] {
        &self.0
    }
}
