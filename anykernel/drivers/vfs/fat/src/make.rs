//! New file systems.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use base::{Errno, Failure, Lwp};
use bio::Volume;
use vfs::Time;

use crate::bytes::{put_u16, put_u32};
use crate::entry::{self, Entry};
use crate::layout::{FIRST, MANY, MOST_16, MOST_32, Width};
use crate::table::{FREE, NEXT, SIGNATURES};

/// Bytes at the beginning that other file systems are recognised by.
const BEGINNING: u64 = 128 * 1024;
/// Bytes of the smallest file system.
const SMALLEST: u64 = 64 * 1024;
/// Sectors from which on there are 16 bits, and bytes from which on there are 32.
const MANY_SECTORS: u32 = 8192;
const LARGE: u64 = 512 << 20;
/// Clusters that are kept away from where widths change: some count them wrongly (the specification advises so).
const MARGIN: u32 = 16;
/// Sectors of the largest cluster.
const MOST_SECTORS: u32 = 64;
/// Entries of a root that has a place of its own.
const ROOT_ENTRIES: u32 = 512;
/// Bytes of a label.
const LABEL: usize = 11;
/// The sectors before the first table, and where among them there are a count of what is free and a copy of the first.
const RESERVED_32: u32 = 32;
const INFO: u16 = 1;
const COPY: u16 = 6;
/// Tables.
const TABLES: u32 = 2;
/// What the first byte of a table says: a disk that stays where it is.
const FIXED: u8 = 0xf8;

/// Makes a new file system. The first sector is the last that is written.
pub(crate) fn make(lwp: &Lwp<'_>, volume: &Volume, label: &str) -> Result<(), Failure> {
    let label = short(label)?;
    let plan = Plan::of(volume.size(), volume.block_size().max(512))?;
    plan.write(lwp, volume, label, Time::now())?;
    Ok(())
}

/// A label as it is on the disk.
fn short(label: &str) -> Result<Option<[u8; LABEL]>, Failure> {
    let wrong = |char: char| !(' '..='~').contains(&char) || "\"*+,./:;<=>?[\\]|".contains(char);
    if label.len() > LABEL || label.contains(wrong) || label.starts_with(' ') {
        let message = format!(
            "a label of FAT has at most {LABEL} letters and digits of ASCII, and {label:?} has not"
        );
        return Err(Failure::new(Errno::EINVAL, message));
    }
    let mut bytes = [b' '; LABEL];
    for (to, from) in bytes.iter_mut().zip(label.bytes()) {
        *to = from.to_ascii_uppercase();
    }
    Ok(Some(bytes).filter(|_| !label.is_empty()))
}

/// A new file system's geometry, in sectors.
struct Plan {
    width: Width,
    /// Bytes of a sector.
    sector: u32,
    sectors: u32,
    per_cluster: u32,
    reserved: u32,
    table: u32,
    /// Of a root that has a place of its own.
    root: u32,
    clusters: u32,
}

impl Plan {
    /// What becomes of so many bytes. The failure says how many there have to be.
    fn of(bytes: u64, sector: u32) -> Result<Plan, Failure> {
        if bytes < SMALLEST {
            let message = "too small: a FAT takes 64 KiB at least";
            return Err(Failure::new(Errno::ENOSPC, message));
        }
        let large = || {
            Failure::new(
                Errno::EFBIG,
                "too large: a FAT has 2^32 - 1 sectors at most",
            )
        };
        let sectors = u32::try_from(bytes / u64::from(sector)).map_err(|_| large())?;
        let (width, most) = match sectors {
            _ if bytes >= LARGE => (Width::Bits32, MOST_32),
            ..MANY_SECTORS => (Width::Bits12, MANY - MARGIN),
            _ => (Width::Bits16, MOST_16 - MARGIN),
        };
        let smallest = match (width, bytes >> 30) {
            (Width::Bits32, ..8) => 4096,
            (Width::Bits32, 8..16) => 8192,
            (Width::Bits32, 16..32) => 16_384,
            (Width::Bits32, _) => 32_768,
            _ => sector,
        };
        let mut per_cluster = smallest / sector;
        loop {
            let plan = Plan::with(width, sector, sectors, per_cluster);
            match plan.clusters <= most {
                true => return Ok(plan),
                false if per_cluster < MOST_SECTORS => per_cluster *= 2,
                false => return Err(large()),
            }
        }
    }

    fn with(width: Width, sector: u32, sectors: u32, per_cluster: u32) -> Plan {
        let (reserved, root) = match width {
            Width::Bits32 => (RESERVED_32, 0),
            _ => (1, (ROOT_ENTRIES * entry::LEN as u32).div_ceil(sector)),
        };
        let rest = sectors - reserved - root;
        let bits = match width {
            Width::Bits12 => 12,
            Width::Bits16 => 16,
            Width::Bits32 => 32,
        };
        // Tables for as many clusters as there were without tables are long enough, if a little long.
        let entries = u64::from(rest / per_cluster + FIRST);
        let table = (entries * bits).div_ceil(8 * u64::from(sector)) as u32;
        Plan {
            width,
            sector,
            sectors,
            per_cluster,
            reserved,
            table,
            root,
            clusters: (rest - TABLES * table) / per_cluster,
        }
    }

    /// Where a sector is.
    fn at(&self, sector: u32) -> u64 {
        u64::from(sector) * u64::from(self.sector)
    }

    fn write(
        &self,
        lwp: &Lwp<'_>,
        volume: &Volume,
        label: Option<[u8; LABEL]>,
        now: Time,
    ) -> Result<(), Errno> {
        volume.clear(lwp, 0, BEGINNING.min(volume.size()))?;
        volume.flush(lwp)?;
        let data = self.reserved + TABLES * self.table + self.root;
        let root = match self.width {
            Width::Bits32 => data,
            _ => data - self.root,
        };
        // The tables, and the root behind them, with its first cluster.
        volume.clear(
            lwp,
            self.at(self.reserved),
            self.at(data + self.per_cluster - self.reserved),
        )?;
        let table = self.first_entries();
        for index in 0..TABLES {
            volume.write_at(lwp, self.at(self.reserved + index * self.table), &table)?;
        }
        if let Some(label) = label {
            let entry = Entry::new(label, entry::LABEL, now);
            volume.write_at(lwp, self.at(root), &entry.0)?;
        }
        let first = self.first_sector(label);
        if self.width == Width::Bits32 {
            let info = self.info();
            for copy in [0, COPY] {
                volume.write_at(lwp, self.at(u32::from(copy + INFO)), &info)?;
            }
            volume.write_at(lwp, self.at(COPY.into()), &first)?;
        }
        volume.flush(lwp)?;
        volume.write_at(lwp, 0, &first)?;
        volume.flush(lwp)
    }

    /// What a table begins with: a kind of disk, that all is well, and the root where it is in a cluster.
    fn first_entries(&self) -> Vec<u8> {
        match self.width {
            Width::Bits12 => vec![FIXED, 0xff, 0xff],
            Width::Bits16 => vec![FIXED, 0xff, 0xff, 0xff],
            Width::Bits32 => {
                let end = 0x0fff_ffff_u32;
                let kind = end & !0xff | u32::from(FIXED);
                [kind, end, end]
                    .iter()
                    .flat_map(|word| word.to_le_bytes())
                    .collect()
            }
        }
    }

    fn first_sector(&self, label: Option<[u8; LABEL]>) -> Vec<u8> {
        let mut raw = vec![0; self.sector as usize];
        let is_wide = self.width == Width::Bits32;
        let (more, kind): (usize, &[u8; 8]) = match self.width {
            Width::Bits12 => (36, b"FAT12   "),
            Width::Bits16 => (36, b"FAT16   "),
            Width::Bits32 => (64, b"FAT32   "),
        };
        // Whoever boots it stops: a jump to what halts.
        let code = more + 26;
        raw[..3].copy_from_slice(&[0xeb, code as u8 - 2, 0x90]);
        raw[code..code + 3].copy_from_slice(&[0xf4, 0xeb, 0xfd]);
        // The name that the specification says disturbs the fewest.
        raw[3..11].copy_from_slice(b"MSWIN4.1");
        put_u16(&mut raw, 11, self.sector as u16);
        raw[13] = self.per_cluster as u8;
        put_u16(&mut raw, 14, self.reserved as u16);
        raw[16] = TABLES as u8;
        put_u16(&mut raw, 17, if is_wide { 0 } else { ROOT_ENTRIES as u16 });
        match u16::try_from(self.sectors) {
            Ok(sectors) if !is_wide => put_u16(&mut raw, 19, sectors),
            _ => put_u32(&mut raw, 32, self.sectors),
        }
        raw[21] = FIXED;
        // Tracks and heads, as of old.
        put_u16(&mut raw, 24, 63);
        put_u16(&mut raw, 26, 255);
        if is_wide {
            put_u32(&mut raw, 36, self.table);
            put_u32(&mut raw, 44, FIRST);
            put_u16(&mut raw, 48, INFO);
            put_u16(&mut raw, 50, COPY);
        } else {
            put_u16(&mut raw, 22, self.table as u16);
        }
        raw[more] = 0x80;
        // What is behind it is said.
        raw[more + 2] = 0x29;
        hypercall::random::fill((&mut raw[more + 3..more + 7]).into());
        raw[more + 7..more + 18].copy_from_slice(&label.unwrap_or(*b"NO NAME    "));
        raw[more + 18..more + 26].copy_from_slice(kind);
        put_u16(&mut raw, 510, 0xaa55);
        raw
    }

    /// How much is free.
    fn info(&self) -> Vec<u8> {
        let mut raw = vec![0; self.sector as usize];
        for (at, signature) in SIGNATURES {
            put_u32(&mut raw, at, signature);
        }
        // All but the root's cluster, behind which is the next one.
        put_u32(&mut raw, FREE, self.clusters - 1);
        put_u32(&mut raw, NEXT, FIRST);
        put_u16(&mut raw, 510, 0xaa55);
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_as_many_as_their_width_has_numbers_for() {
        let sizes = (0..400).map(|step| SMALLEST + step * step * step * 30_011);
        for bytes in sizes.chain([4 << 20, 32 << 20, LARGE - 1, LARGE, 1 << 40]) {
            for sector in [512, 4096] {
                let Ok(plan) = Plan::of(bytes, sector) else {
                    panic!("{bytes} bytes in sectors of {sector}");
                };
                let fits = match plan.width {
                    Width::Bits12 => 1..MANY,
                    Width::Bits16 => MANY..MOST_16,
                    Width::Bits32 => MOST_16 + 1..MOST_32,
                };
                assert!(fits.contains(&plan.clusters), "{bytes}: {}", plan.clusters);
            }
        }
        assert!(Plan::of(SMALLEST - 1, 512).is_err() && Plan::of(1 << 41, 512).is_err());
    }

    #[test]
    fn labels_are_short_and_plain() {
        let label = short("Stick 1").ok().flatten();
        assert_eq!(label.as_ref(), Some(b"STICK 1    "));
        assert!(short("").is_ok_and(|label| label.is_none()));
        for odd in ["a.b", "twelve bytes", "\u{e9}", " a", "a\n"] {
            assert!(short(odd).is_err(), "{odd}");
        }
    }
}
