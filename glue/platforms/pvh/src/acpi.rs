//! ACPI tables (ACPI specification 6.5, chapter 5.2): what the firmware says of the machine.
//!
//! Read with suspicion: lengths and checksums are verified, and what is wrong counts as absent. There is no
//! interpreter of AML: one package is found by its name.

mod fadt;
mod madt;
mod others;
mod sleep;

use crate::boot::start_info::{Memory, Physical};

pub(crate) use fadt::{Fadt, Register};
pub(crate) use madt::{Madt, Override};
pub(crate) use others::{Mcfg, hpet, mcfg};
pub(crate) use sleep::soft_off;

/// The length of a table's header.
const HEADER: usize = 36;
/// The largest table that is believed, in bytes.
const LARGEST: u32 = 4 << 20;
/// Where a PC's firmware keeps the root pointer if the loader does not know.
const SEARCHED: core::ops::Range<u64> = 0xe_0000..0x10_0000;

/// Where all tables are found from.
pub(crate) struct Tables {
    /// The addresses of tables, and how many bytes each address has.
    root: &'static [u8],
    width: usize,
}

fn word(table: &[u8], at: usize) -> Option<u32> {
    let bytes = table.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

fn long(table: &[u8], at: usize) -> Option<u64> {
    let bytes = table.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

/// The bytes at `address`, if they are below 4 GiB.
fn bytes(address: u64, len: usize) -> Option<&'static [u8]> {
    let end = address.checked_add(len as u64)?;
    (address != 0 && end <= 1 << 32).then(|| Physical.bytes(address, len))
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// The table at `address`, whichever it is.
fn table(address: u64) -> Option<&'static [u8]> {
    let len = word(bytes(address, HEADER)?, 4)?;
    if !(HEADER as u32..=LARGEST).contains(&len) {
        return None;
    }
    bytes(address, len as usize).filter(|table| sums_to_zero(table))
}

/// The table at `address`, if it has this signature.
fn signed(address: u64, signature: &[u8; 4]) -> Option<&'static [u8]> {
    let matches = bytes(address, HEADER)?.starts_with(signature);
    matches.then(|| table(address)).flatten()
}

/// The root pointer at `address`.
fn root(address: u64) -> Option<Tables> {
    let pointer = bytes(address, 36)?;
    if !pointer.starts_with(b"RSD PTR ") {
        return None;
    }
    // Xen makes one of which only the whole sums up, and a table for it that may lack its signature.
    let (old, whole) = (sums_to_zero(&pointer[..20]), sums_to_zero(pointer));
    let extended = (pointer[15] >= 2 && whole)
        .then(|| table(long(pointer, 24)?))
        .flatten();
    if let Some(root) = extended {
        return Some(Tables {
            root: &root[HEADER..],
            width: 8,
        });
    }
    let near = word(pointer, 16).filter(|_| old)?;
    let root = signed(u64::from(near), b"RSDT")?;
    Some(Tables {
        root: &root[HEADER..],
        width: 4,
    })
}

impl Tables {
    /// The tables whose root pointer is at `address`, or where a PC has it.
    pub(crate) fn find(address: u64) -> Option<Tables> {
        root(address).or_else(|| SEARCHED.step_by(16).find_map(root))
    }

    /// The table of this signature.
    pub(crate) fn get(&self, signature: &[u8; 4]) -> Option<&'static [u8]> {
        let addresses = self.root.chunks_exact(self.width);
        addresses
            .filter_map(|bytes| match self.width {
                8 => long(bytes, 0),
                _ => word(bytes, 0).map(u64::from),
            })
            .find_map(|address| signed(address, signature))
    }

    /// The table that describes fixed hardware.
    pub(crate) fn fadt(&self) -> Option<Fadt> {
        Fadt::parse(self.get(b"FACP")?)
    }

    /// The table that describes interrupt controllers.
    pub(crate) fn madt(&self) -> Option<Madt> {
        Some(Madt::parse(self.get(b"APIC")?))
    }
}
