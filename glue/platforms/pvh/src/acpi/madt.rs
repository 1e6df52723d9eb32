//! The MADT (ACPI specification 6.5, 5.2.12): processors and interrupt controllers.

use alloc::vec::Vec;

use super::word;

/// Where the entries begin.
const ENTRIES: usize = 44;
/// Of a processor: usable.
const ENABLED: u32 = 1;

/// An interrupt controller of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IoApic {
    /// Physical address of its registers.
    pub(crate) address: u32,
    /// The first line it serves.
    pub(crate) base: u32,
}

/// What an ISA interrupt is connected to, where that is not what it used to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    /// The ISA interrupt.
    pub(crate) source: u8,
    /// The line.
    pub(crate) line: u32,
    /// Active low.
    pub(crate) low: bool,
    /// Level-triggered.
    pub(crate) level: bool,
}

/// What the table says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Madt {
    /// The numbers of usable processors' controllers.
    pub(crate) processors: Vec<u32>,
    /// Controllers of devices' interrupts.
    pub(crate) io: Vec<IoApic>,
    /// Interrupts that are connected otherwise.
    pub(crate) overrides: Vec<Override>,
}

impl Madt {
    pub(super) fn parse(table: &[u8]) -> Madt {
        let mut found = Madt::default();
        let mut rest = table.get(ENTRIES..).unwrap_or_default();
        while let [kind, len, ..] = *rest {
            let Some((entry, next)) = rest.split_at_checked(usize::from(len).max(2)) else {
                break;
            };
            // One that is too short for its kind is left out.
            let _ = found.take(kind, entry);
            rest = next;
        }
        found
    }

    fn take(&mut self, kind: u8, entry: &[u8]) -> Option<()> {
        match kind {
            0 if word(entry, 4)? & ENABLED != 0 => self.processors.push(u32::from(entry[3])),
            9 if word(entry, 8)? & ENABLED != 0 => self.processors.push(word(entry, 4)?),
            1 => self.io.push(IoApic {
                address: word(entry, 4)?,
                base: word(entry, 8)?,
            }),
            2 => {
                let flags = *entry.get(8)?;
                self.overrides.push(Override {
                    source: entry[3],
                    line: word(entry, 4)?,
                    low: flags & 3 == 3,
                    level: flags >> 2 & 3 == 3,
                });
            }
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&[u8]]) -> Madt {
        let mut table = vec![0; ENTRIES];
        table.extend(entries.concat());
        Madt::parse(&table)
    }

    #[test]
    fn entries_of_each_kind_are_read() {
        let found = parse(&[
            &[0, 8, 0, 3, 1, 0, 0, 0],
            &[0, 8, 1, 4, 0, 0, 0, 0],
            &[1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0],
            &[2, 10, 0, 9, 9, 0, 0, 0, 0xf, 0],
            &[9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
            &[77, 4, 0, 0],
        ]);
        assert_eq!(found.processors, [3, 256]);
        let io = IoApic {
            address: 0xfec0_0000,
            base: 24,
        };
        assert_eq!(found.io, [io]);
        let nine = Override {
            source: 9,
            line: 9,
            low: true,
            level: true,
        };
        assert_eq!(found.overrides, [nine]);
    }

    #[test]
    fn broken_entries_end_nowhere() {
        assert_eq!(parse(&[&[0, 0, 0, 0]]), Madt::default());
        assert_eq!(parse(&[&[1, 3, 0], &[0, 200, 1]]), Madt::default());
        assert_eq!(parse(&[&[0]]), Madt::default());
        assert_eq!(Madt::parse(&[]), Madt::default());
    }
}
