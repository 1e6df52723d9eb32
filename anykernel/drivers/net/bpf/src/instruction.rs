//! Instructions, and the numbers they are made of.

/// The most instructions of a program (`BPF_MAXINSNS`).
pub const MOST: usize = 4096;

/// Words of a program's memory.
pub(crate) const WORDS: usize = 16;

/// An instruction: `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What is to be done.
    pub code: u16,
    /// Where a jump leads whose condition is true: so many instructions further than the next.
    pub jt: u8,
    /// And if it is false.
    pub jf: u8,
    /// A number: a constant, an offset, a word of memory, or how far a jump goes that has no condition.
    pub k: u32,
}

impl Instruction {
    /// Bytes of one in a program's memory.
    pub const LEN: usize = 8;

    /// One as it is in memory, in the machine's byte order.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let [c0, c1, jt, jf, k @ ..] = bytes;
        Instruction {
            code: u16::from_ne_bytes([c0, c1]),
            jt,
            jf,
            k: u32::from_ne_bytes(k),
        }
    }
}

/// All codes there are: class, size or operation, and mode or source, in one number.
pub(crate) mod code {
    /// Loads into A: a word, a half of one or a byte of the packet, at `k` or at X + `k`.
    pub(crate) const LD_W_ABS: u16 = 0x20;
    pub(crate) const LD_H_ABS: u16 = 0x28;
    pub(crate) const LD_B_ABS: u16 = 0x30;
    pub(crate) const LD_W_IND: u16 = 0x40;
    pub(crate) const LD_H_IND: u16 = 0x48;
    pub(crate) const LD_B_IND: u16 = 0x50;
    /// A constant, a word of memory, the packet's length.
    pub(crate) const LD_IMM: u16 = 0x00;
    pub(crate) const LD_MEM: u16 = 0x60;
    pub(crate) const LD_LEN: u16 = 0x80;
    /// The same into X; and four times the lower half of a byte of the packet: the length of an IPv4 header.
    pub(crate) const LDX_IMM: u16 = 0x01;
    pub(crate) const LDX_MEM: u16 = 0x61;
    pub(crate) const LDX_LEN: u16 = 0x81;
    pub(crate) const LDX_MSH: u16 = 0xb1;
    /// Stores of A and of X.
    pub(crate) const ST: u16 = 0x02;
    pub(crate) const STX: u16 = 0x03;
    /// Arithmetic on A, with `k`; with X where this bit is set.
    pub(crate) const X: u16 = 0x08;
    pub(crate) const ADD: u16 = 0x04;
    pub(crate) const SUB: u16 = 0x14;
    pub(crate) const MUL: u16 = 0x24;
    pub(crate) const DIV: u16 = 0x34;
    pub(crate) const OR: u16 = 0x44;
    pub(crate) const AND: u16 = 0x54;
    pub(crate) const LSH: u16 = 0x64;
    pub(crate) const RSH: u16 = 0x74;
    pub(crate) const NEG: u16 = 0x84;
    pub(crate) const MOD: u16 = 0x94;
    pub(crate) const XOR: u16 = 0xa4;
    /// Jumps: always; and if A is equal, greater, not less, or has a bit in common.
    pub(crate) const JA: u16 = 0x05;
    pub(crate) const JEQ: u16 = 0x15;
    pub(crate) const JGT: u16 = 0x25;
    pub(crate) const JGE: u16 = 0x35;
    pub(crate) const JSET: u16 = 0x45;
    /// Ends: `k`, or A.
    pub(crate) const RET_K: u16 = 0x06;
    pub(crate) const RET_A: u16 = 0x16;
    /// X becomes A, and A becomes X.
    pub(crate) const TAX: u16 = 0x07;
    pub(crate) const TXA: u16 = 0x87;
}

/// What stands at offsets that no packet has (`SKF_…_OFF`), and the first offset of each.
pub(crate) mod beyond {
    /// What is known beside the bytes.
    pub(crate) const FACTS: u32 = -0x1000_i32 as u32;
    /// The packet from the network's header on.
    pub(crate) const NETWORK: u32 = -0x10_0000_i32 as u32;
    /// The packet from the link's header on.
    pub(crate) const LINK: u32 = -0x20_0000_i32 as u32;
}

/// Something that is known of a packet, beside its bytes (`SKF_AD_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Protocol,
    Kind,
    Interface,
    HardwareType,
    Random,
    /// What nothing here gives a packet: a mark, the number of a queue, a tag taken out of the frame.
    Zero,
    /// No fact, but an operation that has no code of its own: A XOR X.
    Xor,
}

impl Fact {
    /// What a load from this offset means; nothing, if it is none of these.
    pub(crate) fn at(offset: u32) -> Option<Self> {
        Some(match offset.checked_sub(beyond::FACTS)? {
            0 => Fact::Protocol,
            4 => Fact::Kind,
            8 => Fact::Interface,
            20 | 24 | 44 | 48 | 60 => Fact::Zero,
            28 => Fact::HardwareType,
            40 => Fact::Xor,
            56 => Fact::Random,
            _ => return None,
        })
    }
}
