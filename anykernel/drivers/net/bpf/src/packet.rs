//! A packet as programs see it.

use crate::instruction::{Fact, beyond};

/// A packet, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// All of it that is there.
    pub bytes: &'a [u8],
    /// Where in it a program's own offsets count from.
    pub start: usize,
    /// Where the network's header is (`SKF_NET_OFF`), and the link's (`SKF_LL_OFF`), if they are there.
    pub network: Option<usize>,
    /// See `network`.
    pub link: Option<usize>,
    /// The protocol of the network, `ETH_P_…`; zero if there is none.
    pub protocol: u16,
    /// Whom it is for, `PACKET_…`: zero is this host.
    pub kind: u8,
    /// The interface it came by: its index, and the kind of its hardware, `ARPHRD_…`.
    pub interface: Option<(u32, u16)>,
}

impl Packet<'_> {
    /// How long it is for a program.
    pub(crate) fn len(&self) -> u32 {
        self.bytes.len().saturating_sub(self.start) as u32
    }

    /// `N` bytes at an offset of a program's, as a number, if they are there.
    pub(crate) fn load<const N: usize>(&self, offset: u32) -> Option<u32> {
        let (from, distance) = match offset {
            0..0x8000_0000 => (self.start, offset),
            beyond::NETWORK.. => (self.network?, offset - beyond::NETWORK),
            beyond::LINK.. => (self.link?, offset - beyond::LINK),
            _ => return None,
        };
        let rest = self.bytes.get(from..)?.get(distance as usize..)?;
        let bytes: &[u8; N] = rest.first_chunk()?;
        let number = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        Some(bytes.iter().fold(0, number))
    }

    /// What is known beside the bytes, if it is.
    pub(crate) fn fact(&self, fact: Fact) -> Option<u32> {
        Some(match fact {
            Fact::Protocol => self.protocol.into(),
            Fact::Kind => self.kind.into(),
            Fact::Interface => self.interface?.0,
            Fact::HardwareType => self.interface?.1.into(),
            Fact::Random => random(),
            Fact::Zero | Fact::Xor => 0,
        })
    }
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    hypercall::random::fill((&mut bytes[..]).into());
    u32::from_ne_bytes(bytes)
}
