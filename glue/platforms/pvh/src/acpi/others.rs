//! Tables of which a word or two is of interest.

use super::{HEADER, Tables, long};

/// The physical address of the high precision event timer's registers (IA-PC HPET specification 1.0a, 3.2.4).
pub(crate) fn hpet(tables: &Tables) -> Option<u64> {
    long(tables.get(b"HPET")?, HEADER + 8)
}

/// Where the configuration space of PCI segment 0 is, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mcfg {
    /// Physical address of bus 0's.
    pub(crate) address: u64,
    /// The last bus.
    pub(crate) last: u8,
}

/// What the MCFG (PCI Firmware Specification 3.3, 4.1.2) says of segment 0.
pub(crate) fn mcfg(tables: &Tables) -> Option<Mcfg> {
    parse_mcfg(tables.get(b"MCFG")?)
}

fn parse_mcfg(table: &[u8]) -> Option<Mcfg> {
    let entries = table.get(HEADER + 8..)?.chunks_exact(16);
    // Segment 0, from bus 0 on.
    let mut first = entries.filter(|entry| entry[8..11] == [0, 0, 0]);
    let entry = first.next()?;
    Some(Mcfg {
        address: long(entry, 0)?,
        last: entry[11],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_zero_is_found() {
        let mut table = vec![0; HEADER + 8];
        assert_eq!(parse_mcfg(&table), None);
        table.extend([0, 0, 0, 0xe0, 0, 0, 0, 0, 1, 0, 0, 255, 0, 0, 0, 0]);
        assert_eq!(parse_mcfg(&table), None);
        table.extend([0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0]);
        let found = parse_mcfg(&table).unwrap();
        assert_eq!((found.address, found.last), (0xb000_0000, 255));
    }
}
