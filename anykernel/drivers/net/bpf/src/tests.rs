//! Programs, good and bad, and many of them at random.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use net::testing::Numbers;

use crate::instruction::{beyond, code::*};
use crate::{Instruction, MOST, Packet, Program};

fn one(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}

fn program(instructions: &[Instruction]) -> Program {
    Program::new(instructions.to_vec()).unwrap()
}

/// Why a program is refused.
fn flaw(instructions: &[Instruction]) -> (usize, &'static str) {
    let flaw = Program::new(instructions.to_vec()).unwrap_err();
    (flaw.at, flaw.what)
}

const fn ret(k: u32) -> Instruction {
    Instruction {
        code: RET_K,
        jt: 0,
        jf: 0,
        k,
    }
}

/// A packet with a link's header of two bytes and a network's of four, of which programs see what follows.
const BYTES: [u8; 12] = [
    0xaa, 0xbb, 0x45, 2, 3, 4, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
];

fn packet() -> Packet<'static> {
    Packet {
        bytes: &BYTES,
        start: 6,
        network: Some(2),
        link: Some(0),
        protocol: 0x0800,
        kind: 2,
        interface: Some((7, 1)),
    }
}

/// What A is after these, on that packet.
fn a_after(instructions: &[Instruction]) -> u32 {
    let mut all = instructions.to_vec();
    all.push(one(RET_A, 0, 0, 0));
    program(&all).run(&packet())
}

#[test]
fn loads_of_the_packet() {
    let load = |code, k| a_after(&[one(code, 0, 0, k)]);
    assert_eq!(load(LD_W_ABS, 0), 0x1020_3040);
    assert_eq!(load(LD_H_ABS, 4), 0x5060);
    assert_eq!(load(LD_B_ABS, 5), 0x60);
    assert_eq!(load(LD_LEN, 0), 6);
    assert_eq!(load(LD_IMM, 99), 99);
    assert_eq!(load(LD_B_ABS, beyond::NETWORK), 0x45);
    assert_eq!(load(LD_H_ABS, beyond::LINK), 0xaabb);
    let indirect = |code, x, k| a_after(&[one(LDX_IMM, 0, 0, x), one(code, 0, 0, k)]);
    assert_eq!(indirect(LD_H_IND, 1, 2), 0x4050);
    assert_eq!(indirect(LD_W_IND, 5, u32::MAX - 2), 0x3040_5060);
    assert_eq!(indirect(LD_B_IND, beyond::NETWORK, 1), 2);
    let header = [one(LDX_MSH, 0, 0, beyond::NETWORK), one(TXA, 0, 0, 0)];
    assert_eq!(a_after(&header), 20);
    assert_eq!(a_after(&[one(LDX_LEN, 0, 0, 0), one(TXA, 0, 0, 0)]), 6);
}

#[test]
fn what_is_not_in_the_packet_drops_it() {
    for (code, k) in [
        (LD_W_ABS, 3),
        (LD_W_ABS, 6),
        (LD_H_ABS, 5),
        (LD_B_ABS, 6),
        (LD_B_ABS, i32::MAX as u32),
        (LD_W_ABS, beyond::NETWORK + 7),
        (LD_B_ABS, beyond::LINK + 12),
        (LD_B_ABS, beyond::LINK - 1),
        (LD_B_ABS, 0x8000_0000),
        (LDX_MSH, 6),
    ] {
        let kept = program(&[one(code, 0, 0, k), ret(9)]).run(&packet());
        assert_eq!(kept, 0, "{code:#x} {k:#x}");
    }
    // Without the headers there is nothing there.
    let bare = Packet {
        network: None,
        link: None,
        interface: None,
        ..packet()
    };
    for k in [
        beyond::NETWORK,
        beyond::LINK,
        beyond::FACTS + 8,
        beyond::FACTS + 28,
    ] {
        assert_eq!(program(&[one(LD_B_ABS, 0, 0, k), ret(9)]).run(&bare), 0);
    }
    // The start may be beyond all there is.
    let short = Packet {
        bytes: &BYTES[..3],
        ..packet()
    };
    assert_eq!(program(&[one(LD_B_ABS, 0, 0, 0), ret(9)]).run(&short), 0);
    assert_eq!(program(&[one(LD_LEN, 0, 0, 0), ret(9)]).run(&short), 9);
}

#[test]
fn facts() {
    let fact = |offset| a_after(&[one(LD_W_ABS, 0, 0, beyond::FACTS + offset)]);
    assert_eq!(fact(0), 0x0800);
    assert_eq!(fact(4), 2);
    assert_eq!(fact(8), 7);
    assert_eq!(fact(28), 1);
    // No tag was taken out of it, and nobody marked it.
    assert_eq!((fact(20), fact(44), fact(48)), (0, 0, 0));
    let numbers: Vec<u32> = (0..4).map(|_| fact(56)).collect();
    assert!(numbers.iter().any(|number| *number != numbers[0]));
    // Of any size, as on Linux.
    assert_eq!(a_after(&[one(LD_B_ABS, 0, 0, beyond::FACTS)]), 0x0800);
    let xor = [
        one(LD_IMM, 0, 0, 0b1100),
        one(LDX_IMM, 0, 0, 0b1010),
        one(LD_W_ABS, 0, 0, beyond::FACTS + 40),
    ];
    assert_eq!(a_after(&xor), 0b0110);
}

#[test]
fn arithmetic() {
    let with_k = |code, a, k| a_after(&[one(LD_IMM, 0, 0, a), one(code, 0, 0, k)]);
    let with_x = |code, a, x| {
        a_after(&[
            one(LDX_IMM, 0, 0, x),
            one(LD_IMM, 0, 0, a),
            one(code | X, 0, 0, 0),
        ])
    };
    for (code, a, operand, result) in [
        (ADD, u32::MAX, 2, 1),
        (SUB, 1, 2, u32::MAX),
        (MUL, 0x8000_0001, 2, 2),
        (DIV, 7, 2, 3),
        (MOD, 7, 4, 3),
        (AND, 0b1100, 0b1010, 0b1000),
        (OR, 0b1100, 0b1010, 0b1110),
        (XOR, 0b1100, 0b1010, 0b0110),
        (LSH, 3, 31, 0x8000_0000),
        (RSH, 0x8000_0000, 31, 1),
    ] {
        assert_eq!(with_k(code, a, operand), result, "{code:#x}");
        assert_eq!(with_x(code, a, operand), result, "{code:#x}");
    }
    assert_eq!(with_x(LSH, 3, 33), 6);
    assert_eq!(with_x(DIV, 7, 0), 0);
    assert_eq!(with_x(MOD, 7, 0), 0);
    assert_eq!(with_k(NEG, 1, 0), u32::MAX);
}

#[test]
fn memory_and_registers() {
    let all = [
        one(LD_IMM, 0, 0, 5),
        one(ST, 0, 0, 15),
        one(TAX, 0, 0, 0),
        one(ADD | X, 0, 0, 0),
        one(STX, 0, 0, 0),
        one(LDX_MEM, 0, 0, 15),
        one(MUL | X, 0, 0, 0),
        one(LDX_MEM, 0, 0, 0),
        one(SUB | X, 0, 0, 0),
    ];
    assert_eq!(a_after(&all), 45);
}

#[test]
fn jumps() {
    let chosen = |code, a, k| {
        let all = [one(LD_IMM, 0, 0, a), one(code, 0, 1, k), ret(1), ret(2)];
        program(&all).run(&packet()) == 1
    };
    assert!(chosen(JEQ, 5, 5) && !chosen(JEQ, 5, 6));
    assert!(chosen(JGT, 6, 5) && !chosen(JGT, 5, 5));
    assert!(chosen(JGE, 5, 5) && !chosen(JGE, 4, 5));
    assert!(chosen(JSET, 6, 4) && !chosen(JSET, 6, 1));
    let far = [one(JA, 0, 0, 1), ret(1), ret(2)];
    assert_eq!(program(&far).run(&packet()), 2);
    let by_x = [
        one(LDX_IMM, 0, 0, 3),
        one(LD_IMM, 0, 0, 3),
        one(JEQ | X, 0, 1, 9),
        ret(1),
        ret(2),
    ];
    assert_eq!(program(&by_x).run(&packet()), 1);
}

#[test]
fn bad_programs_and_why() {
    let reads = "reads a word of memory that may not have been written";
    let end = "jumps beyond the end";
    assert_eq!(flaw(&[]), (0, "the last one does not return"));
    assert_eq!(
        flaw(&[one(LD_LEN, 0, 0, 0)]),
        (0, "the last one does not return")
    );
    assert_eq!(flaw(&vec![ret(0); MOST + 1]).1, "more than 4096 of them");
    assert!(Program::new(vec![ret(0); MOST]).is_ok());
    for (bad, what) in [
        (one(DIV, 0, 0, 0), "divides by zero"),
        (one(MOD, 0, 0, 0), "divides by zero"),
        (one(LSH, 0, 0, 32), "shifts by more bits than there are"),
        (one(RSH, 0, 0, 99), "shifts by more bits than there are"),
        (one(ST, 0, 0, 16), "memory has 16 words"),
        (one(LD_MEM, 0, 0, u32::MAX), "memory has 16 words"),
        (one(LD_MEM, 0, 0, 3), reads),
        (one(LDX_MEM, 0, 0, 0), reads),
        (one(JA, 0, 0, 1), end),
        (one(JA, 0, 0, u32::MAX), end),
        (one(JEQ, 1, 0, 0), end),
        (one(JSET | X, 0, 255, 0), end),
        (
            one(LD_W_ABS, 0, 0, beyond::FACTS + 1),
            "loads what is not known here",
        ),
        (
            one(LD_B_ABS, 0, 0, u32::MAX),
            "loads what is not known here",
        ),
        // A length without a size, a return of X, a code of more bits, and a negation with a source.
        (one(0x88, 0, 0, 0), "no such instruction"),
        (one(0x0e, 0, 0, 0), "no such instruction"),
        (one(0x106, 0, 0, 0), "no such instruction"),
        (one(NEG | X, 0, 0, 0), "no such instruction"),
        (one(u16::MAX, 0, 0, 0), "no such instruction"),
    ] {
        assert_eq!(flaw(&[bad, ret(0)]), (0, what), "{bad:?}");
    }
    // Written on one of two ways is not enough; on both it is.
    let ways = |second| {
        [
            one(LD_LEN, 0, 0, 0),
            one(JEQ, 0, 2, 6),
            one(ST, 0, 0, 4),
            one(JA, 0, 0, 1),
            one(second, 0, 0, 4),
            one(LD_MEM, 0, 0, 4),
            ret(1),
        ]
    };
    assert_eq!(flaw(&ways(ADD)), (5, reads));
    assert_eq!(program(&ways(STX)).run(&packet()), 1);
}

#[test]
fn text() {
    let text = "4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n";
    let parsed: Program = text.parse().unwrap();
    let expected = [
        one(LD_H_ABS, 0, 0, 12),
        one(JEQ, 0, 1, 2048),
        ret(262_144),
        ret(0),
    ];
    assert_eq!(parsed.instructions(), expected);
    assert_eq!(text.replace('\n', ",").parse(), Ok(parsed));
    for (bad, why) in [
        ("", "begins with \"\""),
        ("ip", "begins with \"ip\""),
        ("0", "begins with \"0\""),
        ("4097", "begins with \"4097\""),
        ("1", "has 0 instructions and not 1"),
        ("1\n6 0 0 0\n6 0 0 0", "has 2 instructions and not 1"),
        ("1\n6 0 0", "instruction 0 is \"6 0 0\""),
        ("1\n6 0 0 0 0", "instruction 0 is"),
        ("1\n6 0 256 0", "instruction 0 is"),
        ("1\n6 0 0 -1", "instruction 0 is"),
        ("2\n5 0 0 1\n6 0 0 0", "instruction 0: jumps beyond the end"),
    ] {
        let said = bad.parse::<Program>().unwrap_err().to_string();
        assert!(said.starts_with(why), "{bad:?}: {said}");
    }
}

/// Instructions by chance.
struct Chance(Numbers);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0.draw()
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit as usize) as u64
    }

    /// An instruction that is often a good one.
    fn instruction(&mut self, after: u64) -> Instruction {
        const CODES: [u16; 24] = [
            LD_W_ABS, LD_H_ABS, LD_B_ABS, LD_W_IND, LD_H_IND, LD_B_IND, LD_IMM, LD_MEM, LD_LEN,
            LDX_IMM, LDX_MEM, LDX_MSH, ST, STX, ADD, DIV, LSH, NEG, JEQ, JGT, JSET, JA, TAX, TXA,
        ];
        let code = match self.below(20) {
            0 => self.next() as u16 & 0xff,
            1 => RET_A,
            _ => CODES[self.below(CODES.len() as u64) as usize],
        };
        let k = match self.below(4) {
            0 => self.next() as u32,
            1 => beyond::FACTS.wrapping_add(4 * self.below(16) as u32),
            _ => self.below(16) as u32,
        };
        let mut distance = || match self.below(8) {
            0 => self.next() as u8,
            _ => self.below(after.clamp(1, 255)) as u8,
        };
        one(code, distance(), distance(), k)
    }

    fn program(&mut self) -> Vec<Instruction> {
        let len = 1 + self.below(24);
        let mut all: Vec<_> = (1..len).map(|at| self.instruction(len - at)).collect();
        all.push(ret(self.below(3) as u32));
        all
    }
}

/// What the check has to promise, found out by going all ways through a program instead of by its rules.
fn ways_end_well(program: &[Instruction]) -> bool {
    // Where to go on, and which words were written: each pair once.
    let mut seen = alloc::collections::BTreeSet::new();
    let mut left = vec![(0usize, 0u16)];
    while let Some((at, mut written)) = left.pop() {
        if !seen.insert((at, written)) {
            continue;
        }
        let Some(instruction) = program.get(at) else {
            return false;
        };
        let Instruction { code, jt, jf, k } = *instruction;
        match code {
            RET_K | RET_A => continue,
            LD_MEM | LDX_MEM if k >= 16 || written >> k & 1 == 0 => return false,
            ST | STX if k >= 16 => return false,
            ST | STX => written |= 1 << k,
            JA => {
                left.push((at + 1 + k as usize, written));
                continue;
            }
            _ if code & 7 == 5 => {
                left.push((at + 1 + usize::from(jt), written));
                left.push((at + 1 + usize::from(jf), written));
                continue;
            }
            _ => {}
        }
        left.push((at + 1, written));
    }
    true
}

#[test]
fn whatever_passes_the_check_ends_on_whatever_packet() {
    let mut chance = Chance(Numbers(0x9e37_79b9_7f4a_7c15));
    let (mut good, mut kept) = (0, 0);
    for _ in 0..60_000 {
        let instructions = chance.program();
        let Ok(program) = Program::new(instructions) else {
            continue;
        };
        good += 1;
        assert!(ways_end_well(program.instructions()), "{program:?}");
        for len in [0, 3, 12] {
            let packet = Packet {
                bytes: &BYTES[..len],
                start: chance.below(9) as usize,
                network: (chance.below(2) == 0).then(|| chance.below(99) as usize),
                ..packet()
            };
            kept += usize::from(program.run(&packet) > 0);
        }
    }
    // They are no test if hardly any is good, or all do the same.
    assert!(good > 3_000, "{good}");
    assert!(kept > 1_000 && kept < 3 * good, "{kept} of 3 * {good}");
}

#[test]
fn the_longest_program_ends() {
    let mut all: Vec<_> = (0..MOST - 1).map(|_| one(ADD, 0, 0, 1)).collect();
    all.push(one(RET_A, 0, 0, 0));
    assert_eq!(program(&all).run(&packet()), 4095);
}
