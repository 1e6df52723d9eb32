//! The machine: two registers, sixteen words, and a packet.

use crate::instruction::{Fact, WORDS, code};
use crate::{Packet, Program};

impl Program {
    /// How many bytes of a packet are to be kept, from where the program counts; zero: it is dropped. So is one that
    /// the program reads beyond the end of, or divides by zero at.
    pub fn run(&self, packet: &Packet<'_>) -> u32 {
        self.steps(packet).unwrap_or(0)
    }

    fn steps(&self, packet: &Packet<'_>) -> Option<u32> {
        use code::*;
        let (mut a, mut x) = (0u32, 0u32);
        let mut memory = [0u32; WORDS];
        // What is passed is gone: whatever the program is, it ends.
        let mut rest = self.instructions();
        loop {
            let (instruction, after) = rest.split_first()?;
            rest = after;
            let k = instruction.k;
            match instruction.code {
                LD_W_ABS | LD_H_ABS | LD_B_ABS if let Some(fact) = Fact::at(k) => {
                    a = match fact {
                        Fact::Xor => a ^ x,
                        fact => packet.fact(fact)?,
                    }
                }
                LD_W_ABS => a = packet.load::<4>(k)?,
                LD_H_ABS => a = packet.load::<2>(k)?,
                LD_B_ABS => a = packet.load::<1>(k)?,
                LD_W_IND => a = packet.load::<4>(x.wrapping_add(k))?,
                LD_H_IND => a = packet.load::<2>(x.wrapping_add(k))?,
                LD_B_IND => a = packet.load::<1>(x.wrapping_add(k))?,
                LD_IMM => a = k,
                LD_MEM => a = *memory.get(k as usize)?,
                LD_LEN => a = packet.len(),
                LDX_IMM => x = k,
                LDX_MEM => x = *memory.get(k as usize)?,
                LDX_LEN => x = packet.len(),
                LDX_MSH => x = (packet.load::<1>(k)? & 0xf) * 4,
                ST => *memory.get_mut(k as usize)? = a,
                STX => *memory.get_mut(k as usize)? = x,
                TAX => x = a,
                TXA => a = x,
                NEG => a = a.wrapping_neg(),
                JA => rest = rest.get(k as usize..)?,
                RET_K => return Some(k),
                RET_A => return Some(a),
                other => {
                    let operand = if other & X == 0 { k } else { x };
                    let holds = match other & !X {
                        JEQ => a == operand,
                        JGT => a > operand,
                        JGE => a >= operand,
                        JSET => a & operand != 0,
                        operation => {
                            a = compute(operation, a, operand)?;
                            continue;
                        }
                    };
                    let distance = match holds {
                        true => instruction.jt,
                        false => instruction.jf,
                    };
                    rest = rest.get(usize::from(distance)..)?;
                }
            }
        }
    }
}

fn compute(operation: u16, a: u32, operand: u32) -> Option<u32> {
    use code::*;
    Some(match operation {
        ADD => a.wrapping_add(operand),
        SUB => a.wrapping_sub(operand),
        MUL => a.wrapping_mul(operand),
        DIV => a.checked_div(operand)?,
        MOD => a.checked_rem(operand)?,
        AND => a & operand,
        OR => a | operand,
        XOR => a ^ operand,
        // By the lower bits of a register, as processors have it.
        LSH => a.wrapping_shl(operand),
        RSH => a.wrapping_shr(operand),
        _ => return None,
    })
}
