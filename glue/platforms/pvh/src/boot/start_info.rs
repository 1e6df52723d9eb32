//! What the loader says: `hvm_start_info` (xen/include/public/arch-x86/hvm/start_info.h), read with
//! suspicion.
//!
//! Nothing is believed that does not fit: a wrong one ends the machine with a message, and never leads to
//! a read outside of what is mapped or a loop without an end.

pub(crate) mod multiboot2;

use core::fmt;

use multiboot2::Tags;

/// At the start of the structure.
const MAGIC: u32 = 0x336e_c578;
/// The length of the structure, from version 1 on.
const LENGTH: usize = 56;
/// The length of an entry of the memory map.
const MAP_ENTRY: usize = 24;
/// The length of an entry of the list of modules.
const MODULE_ENTRY: usize = 32;
/// More entries than any machine has.
const MOST_ENTRIES: u32 = 512;
/// More modules than any loader passes.
const MOST_MODULES: u32 = 64;
/// The longest command line, in bytes.
const LONGEST_LINE: usize = 16 << 10;
/// Below is nothing: the very first bytes are nobody's, and firmware's tables use the rest of the page.
const LOWEST: u64 = 1;
/// Above is nothing that is mapped yet.
const HIGHEST: u64 = 1 << 32;

/// Memory of the machine, by physical address. A machine's is [`Physical`]; tests have their own.
pub(crate) trait Memory {
    /// The bytes at `start`, all of them below 4 GiB and none at zero.
    fn bytes(&self, start: u64, len: usize) -> &'static [u8];
}

/// The machine's own memory.
pub(crate) struct Physical;

impl Memory for Physical {
    fn bytes(&self, start: u64, len: usize) -> &'static [u8] {
        // Where this is fuzzed, the first 64 KiB cannot be had.
        #[cfg(fuzzing)]
        let start = start.max(64 << 10);
        // SAFETY: the range is mapped, and the heap leaves out what the start info refers to.
        unsafe { core::slice::from_raw_parts(start as *const u8, len) }
    }
}

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// An entry of the memory map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapEntry {
    pub(crate) range: Range,
    /// Whether it is memory to use; else it is anything but that.
    pub(crate) ram: bool,
}

/// What the loader says, found to be sound.
pub(crate) struct StartInfo {
    /// The command line, without its end.
    pub(crate) line: &'static [u8],
    /// Where the ACPI tables begin; zero if the loader does not know.
    pub(crate) rsdp: u64,
    map: &'static [u8],
    /// The length of an entry of the map.
    entry: usize,
    modules: &'static [u8],
    /// What a Multiboot2 loader says instead of the list of modules.
    tags: Tags,
    /// Where all this lies.
    own: [Range; 4],
}

/// What is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Magic {
        address: u64,
        found: u32,
    },
    Version(u32),
    Pointer {
        to: &'static str,
        address: u64,
        len: u64,
    },
    Count {
        of: &'static str,
        count: u32,
        most: u32,
    },
    Endless,
    Entry(Range),
    Overlap(Range),
    Multiboot2(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Magic { address, found } => write!(
                f,
                "no start info at {address:#x}: it begins with {found:#010x}, not {MAGIC:#010x}; boot with a PVH loader"
            ),
            Fault::Version(version) => write!(
                f,
                "the start info is of version {version}, which has no memory map; boot with a newer loader"
            ),
            Fault::Pointer { to, address, len } => write!(
                f,
                "the start info puts {len} bytes of its {to} at {address:#x}, where nothing can be"
            ),
            Fault::Count { of, count, most } => {
                write!(
                    f,
                    "the start info has {count} {of}; more than {most} are absurd"
                )
            }
            Fault::Endless => write!(f, "the command line has no end within {LONGEST_LINE} bytes"),
            Fault::Entry(Range { start, end }) => {
                write!(f, "the memory map has an entry from {start:#x} to {end:#x}")
            }
            Fault::Overlap(Range { start, end }) => {
                write!(f, "the memory map has {start:#x} to {end:#x} twice")
            }
            Fault::Multiboot2(what) => {
                write!(
                    f,
                    "what the Multiboot2 loader says {what}; boot with another loader"
                )
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..]
        .first_chunk()
        .copied()
        .map_or(0, u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .copied()
        .map_or(0, u64::from_le_bytes)
}

/// The bytes at `address`, if that can be.
fn look(
    memory: &impl Memory,
    to: &'static str,
    address: u64,
    len: u64,
) -> Result<(&'static [u8], Range), Fault> {
    let end = address.saturating_add(len);
    if len > 0 && (address < LOWEST || end > HIGHEST) {
        return Err(Fault::Pointer { to, address, len });
    }
    if len == 0 {
        return Ok((&[], Range { start: 0, end: 0 }));
    }
    let range = Range {
        start: address,
        end,
    };
    Ok((memory.bytes(address, len as usize), range))
}

impl StartInfo {
    /// Reads what is at `address`. Before version 1 there was no memory map in it: `others` is asked for
    /// the one that a hypervisor has, and for the length of its entries, which are alike but for what
    /// follows the type.
    pub(crate) fn read(
        memory: &impl Memory,
        address: u64,
        others: impl FnOnce() -> (&'static [u8], usize),
    ) -> Result<StartInfo, Fault> {
        let (head, whole) = look(memory, "own", address, LENGTH as u64)?;
        let found = word(head, 0);
        if found != MAGIC {
            return Err(Fault::Magic { address, found });
        }
        let (version, modules) = (word(head, 4), word(head, 12));
        let entries = if version == 0 { 0 } else { word(head, 48) };
        let bounded = |of, count, most| match count > most {
            true => Err(Fault::Count { of, count, most }),
            false => Ok(()),
        };
        bounded("entries in its memory map", entries, MOST_ENTRIES)?;
        bounded("modules", modules, MOST_MODULES)?;
        let map = u64::from(entries) * MAP_ENTRY as u64;
        let (mut map, map_range) = look(memory, "memory map", long(head, 40), map)?;
        let mut entry = MAP_ENTRY;
        if map.is_empty() {
            (map, entry) = others();
        }
        if map.is_empty() {
            return Err(Fault::Version(version));
        }
        let modules = u64::from(modules) * MODULE_ENTRY as u64;
        let (modules, list) = look(memory, "list of modules", long(head, 16), modules)?;
        let (line, line_range) = read_line(memory, long(head, 24))?;
        let info = StartInfo {
            line,
            rsdp: long(head, 32),
            map,
            entry,
            modules,
            tags: Tags::default(),
            own: [whole, map_range, list, line_range],
        };
        info.check_map()?;
        Ok(info)
    }

    /// The memory map.
    pub(crate) fn map(&self) -> impl Iterator<Item = MapEntry> + Clone + use<'_> {
        self.map.chunks_exact(self.entry).map(|entry| {
            let start = long(entry, 0);
            MapEntry {
                range: Range {
                    start,
                    end: start.wrapping_add(long(entry, 8)),
                },
                ram: word(entry, 16) == 1,
            }
        })
    }

    /// Memory that is not free, though the map says so: the start info with all it refers to.
    pub(crate) fn reserved(&self) -> impl Iterator<Item = Range> + Clone + use<'_> {
        let modules = self.modules.chunks_exact(MODULE_ENTRY).map(|entry| {
            let start = long(entry, 0);
            Range {
                start,
                end: start.saturating_add(long(entry, 8)),
            }
        });
        let own = self.own.into_iter();
        own.chain(modules).chain(self.tags.modules())
    }

    fn check_map(&self) -> Result<(), Fault> {
        let whole = |entry: &MapEntry| entry.range.end < entry.range.start;
        if let Some(entry) = self.map().find(whole) {
            return Err(Fault::Entry(entry.range));
        }
        for (index, entry) in self.map().enumerate().filter(|(_, entry)| entry.ram) {
            let overlaps = |other: &MapEntry| {
                other.ram
                    && other.range.start < entry.range.end
                    && entry.range.start < other.range.end
            };
            if self.map().skip(index + 1).any(|other| overlaps(&other)) {
                return Err(Fault::Overlap(entry.range));
            }
        }
        Ok(())
    }
}

/// The command line at `address`, up to its end; none at zero.
fn read_line(memory: &impl Memory, address: u64) -> Result<(&'static [u8], Range), Fault> {
    if address == 0 {
        return look(memory, "command line", 0, 0);
    }
    let room = HIGHEST.saturating_sub(address).min(LONGEST_LINE as u64);
    let (room, _) = look(memory, "command line", address, room.max(1))?;
    let len = room.iter().position(|byte| *byte == 0);
    let len = len.ok_or(Fault::Endless)? as u64;
    let (line, mut range) = look(memory, "command line", address, len)?;
    range.end += 1;
    Ok((line, range))
}

#[cfg(test)]
mod tests;
