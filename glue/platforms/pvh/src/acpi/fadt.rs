//! The FADT (ACPI specification 6.5, 5.2.9): fixed hardware.

use super::{long, word};

/// Flag: the hardware is reduced to what ACPI describes; there are no fixed registers.
const REDUCED: u32 = 1 << 20;

/// A register, in memory or among the I/O ports (5.2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Register {
    Memory(u64),
    Port(u16),
}

/// What the table says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fadt {
    /// Where the table is that has AML in it.
    pub(crate) dsdt: u64,
    /// The port of the power management timer, of 24 bits at least.
    pub(crate) timer: Option<u16>,
    /// The port of the first power management control register.
    pub(crate) control: Option<u16>,
    /// The register that takes its place on reduced hardware.
    pub(crate) sleep: Option<Register>,
    /// Whether the hardware is reduced.
    pub(crate) reduced: bool,
}

impl Fadt {
    pub(super) fn parse(table: &[u8]) -> Option<Fadt> {
        let reduced = word(table, 112).is_some_and(|flags| flags & REDUCED != 0);
        let fixed = |at| {
            let port = word(table, at).filter(|_| !reduced)?;
            u16::try_from(port).ok().filter(|port| *port != 0)
        };
        let near = u64::from(word(table, 40)?);
        Some(Fadt {
            dsdt: match long(table, 140) {
                None | Some(0) => near,
                Some(far) => far,
            },
            timer: fixed(76),
            control: fixed(64),
            sleep: register(table, 244),
            reduced,
        })
    }
}

/// The generic address structure at `at`.
fn register(table: &[u8], at: usize) -> Option<Register> {
    let address = long(table, at + 4).filter(|address| *address != 0)?;
    match table[at] {
        0 => Some(Register::Memory(address)),
        1 => u16::try_from(address).ok().map(Register::Port),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_hardware_and_reduced() {
        let mut table = vec![0; 276];
        table[40..44].copy_from_slice(&0x7ff_0000u32.to_le_bytes());
        table[64..66].copy_from_slice(&[4, 6]);
        table[76..78].copy_from_slice(&[8, 6]);
        let found = Fadt::parse(&table).unwrap();
        assert_eq!((found.control, found.timer), (Some(0x604), Some(0x608)));
        assert_eq!((found.dsdt, found.sleep), (0x7ff_0000, None));
        table[114] = 0x10;
        table[248..252].copy_from_slice(&0xfea0_0200u32.to_le_bytes());
        let found = Fadt::parse(&table).unwrap();
        assert_eq!((found.control, found.reduced), (None, true));
        assert_eq!(found.sleep, Some(Register::Memory(0xfea0_0200)));
    }

    #[test]
    fn a_short_one_says_less() {
        assert_eq!(Fadt::parse(&[0; 40]), None);
        assert_eq!(Fadt::parse(&[0; 116]).unwrap().sleep, None);
    }
}
