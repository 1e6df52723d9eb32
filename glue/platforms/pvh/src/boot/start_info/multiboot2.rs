//! What a boot loader says that speaks Multiboot2 (Multiboot2 specification 2.0, 3.4 to 3.6), as start info.
//!
//! Its memory map is the same as in Xen's start info, but for the length of entries. The root pointer of ACPI is
//! a copy, and lies in the information itself.

use super::{Fault, LONGEST_LINE, Memory, Range, StartInfo, look, word};

/// What such a loader leaves in `eax`.
pub(crate) const MAGIC: u32 = 0x36d7_6289;

/// The length of what is in front of the first tag: a length, and nothing.
const HEAD: usize = 8;
/// The length of what is in front of a tag's body: its type and its length.
const TAG: usize = 8;
/// Tags begin at multiples of this.
const ALIGN: usize = 8;
/// The longest information that is believed, in bytes.
const LONGEST: u32 = 1 << 20;
/// The shortest entry of a memory map that is one: address and length, of 64 bits each, and type, of 32.
const SHORTEST_ENTRY: usize = 20;

/// Types of tags.
const END: u32 = 0;
const LINE: u32 = 1;
const MODULE: u32 = 3;
const MAP: u32 = 6;
const RSDP_1: u32 = 14;
const RSDP_2: u32 = 15;

/// A tag.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    kind: u32,
    body: &'static [u8],
    /// Where the body begins, from the first tag on.
    at: usize,
}

/// The tags in these bytes; the last is of the type [`END`], or what follows it cannot be one.
#[derive(Clone, Default)]
pub(super) struct Tags {
    bytes: &'static [u8],
    next: usize,
}

impl Iterator for Tags {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        let rest = self.bytes.get(self.next..)?;
        let head = rest.get(..TAG)?;
        let (kind, size) = (word(head, 0), word(head, 4) as usize);
        let tag = Tag {
            kind,
            body: rest.get(TAG..size)?,
            at: self.next + TAG,
        };
        self.next = match kind {
            END => self.bytes.len(),
            _ => self.next + size.next_multiple_of(ALIGN),
        };
        Some(tag)
    }
}

impl Tags {
    fn find_kind(&self, kind: u32) -> Option<Tag> {
        self.clone().find(|tag| tag.kind == kind)
    }

    /// Where modules lie.
    pub(super) fn modules(&self) -> impl Iterator<Item = Range> + Clone + use<> {
        let modules = self.clone().filter(|tag| tag.kind == MODULE);
        modules.filter_map(|tag| {
            let place = tag.body.get(..8)?;
            Some(Range {
                start: word(place, 0).into(),
                end: word(place, 4).into(),
            })
        })
    }
}

/// Reads what is at `address`.
pub(crate) fn read(memory: &impl Memory, address: u64) -> Result<StartInfo, Fault> {
    let (head, _) = look(memory, "own", address, HEAD as u64)?;
    let size = word(head, 0);
    if !(HEAD as u32..=LONGEST).contains(&size) {
        return Err(Fault::Multiboot2("is of a length that cannot be"));
    }
    let (whole, range) = look(memory, "own", address, size.into())?;
    let tags = Tags {
        bytes: &whole[HEAD..],
        next: 0,
    };
    if tags.clone().last().is_none_or(|tag| tag.kind != END) {
        return Err(Fault::Multiboot2("has a tag of a length that cannot be"));
    }
    let (map, entry) = map(&tags)?;
    let rsdp = tags.find_kind(RSDP_2).or_else(|| tags.find_kind(RSDP_1));
    let info = StartInfo {
        line: line(&tags)?,
        rsdp: rsdp.map_or(0, |tag| address + (HEAD + tag.at) as u64),
        map,
        entry,
        modules: &[],
        tags,
        own: [range; 4],
    };
    info.check_map()?;
    Ok(info)
}

/// The memory map, and the length of its entries.
fn map(tags: &Tags) -> Result<(&'static [u8], usize), Fault> {
    let Some(tag) = tags.find_kind(MAP) else {
        return Err(Fault::Multiboot2("has no memory map"));
    };
    let Some((head, map)) = tag.body.split_at_checked(8) else {
        return Err(Fault::Multiboot2("has a memory map without a beginning"));
    };
    let entry = word(head, 0) as usize;
    match entry < SHORTEST_ENTRY || map.len() < entry {
        true => Err(Fault::Multiboot2("has no entry in its memory map")),
        false => Ok((map, entry)),
    }
}

/// The command line, without its end.
fn line(tags: &Tags) -> Result<&'static [u8], Fault> {
    let Some(tag) = tags.find_kind(LINE) else {
        return Ok(&[]);
    };
    let room = &tag.body[..tag.body.len().min(LONGEST_LINE)];
    let len = room.iter().position(|byte| *byte == 0);
    len.map(|len| &room[..len]).ok_or(Fault::Endless)
}

#[cfg(test)]
mod tests;
