//! An inode as it is on the disk.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Attributes, Creation, Device, Kind, Time};

use crate::bytes::{put_u16, put_u32, u16_at, u32_at};
use crate::disk::Disk;
use crate::layout::SMALL_INODE;

const MODE: usize = 0;
const OWNER: [usize; 2] = [2, 120];
const SIZE: usize = 4;
const DELETED: usize = 20;
const GROUP: [usize; 2] = [24, 122];
const LINKS: usize = 26;
const SECTORS: usize = 28;
const FLAGS: usize = 32;
const BLOCKS: usize = 40;
/// The bytes of the numbers of blocks, in which a short symbolic link stands.
pub(crate) const IN_PLACE: core::ops::Range<usize> = BLOCKS..BLOCKS + 60;
const XATTRS: usize = 104;
const SIZE_HIGH: usize = 108;
/// How many bytes behind the small inode are used; and how many a new one has.
const MORE: usize = 128;
const NEW_MORE: u16 = 32;

/// A directory with an index.
const INDEXED: u32 = 0x1000;

/// Where a time stands, and what a larger inode has of it besides.
#[derive(Clone, Copy)]
struct Stamp(usize, usize);
const ACCESSED: Stamp = Stamp(8, 140);
const CHANGED: Stamp = Stamp(12, 132);
const MODIFIED: Stamp = Stamp(16, 136);
const CREATED: Stamp = Stamp(144, 148);

/// An inode.
#[derive(Clone)]
pub(crate) struct Inode {
    pub(crate) number: u32,
    pub(crate) raw: Vec<u8>,
}

impl Disk {
    fn inode_place(&self, number: u32) -> Result<u64, Errno> {
        let layout = &self.layout;
        if number == 0 || number > layout.inodes {
            return Err(Errno::EUCLEAN);
        }
        let (group, index) = (
            (number - 1) / layout.inodes_per_group,
            (number - 1) % layout.inodes_per_group,
        );
        let table = layout.place(self.groups[group as usize].table);
        Ok(table + u64::from(index) * layout.inode_size as u64)
    }

    /// Reads an inode, whatever is in it.
    pub(crate) fn inode(&self, lwp: &Lwp<'_>, number: u32) -> Result<Inode, Errno> {
        let at = self.inode_place(number)?;
        let mut raw = alloc::vec![0; self.layout.inode_size];
        self.volume.read_at(lwp, at, &mut raw)?;
        Ok(Inode { number, raw })
    }

    /// Writes an inode.
    pub(crate) fn write_inode(&mut self, lwp: &Lwp<'_>, inode: &Inode) -> Result<(), Errno> {
        self.mark(lwp)?;
        let at = self.inode_place(inode.number)?;
        self.volume.write_at(lwp, at, &inode.raw)
    }
}

impl Inode {
    /// A new one, with one name, or a directory's two.
    pub(crate) fn new(number: u32, size: usize, new: &Creation<'_>) -> Inode {
        let mut inode = Inode {
            number,
            raw: alloc::vec![0; size],
        };
        if size >= SMALL_INODE + usize::from(NEW_MORE) {
            put_u16(&mut inode.raw, MORE, NEW_MORE);
        }
        put_u16(&mut inode.raw, MODE, new.kind.bits() as u16);
        inode.set_mode(new.mode);
        inode.set_owner(new.owner);
        inode.set_group(new.group);
        inode.set_links(if new.kind == Kind::Directory { 2 } else { 1 });
        for stamp in [ACCESSED, CHANGED, MODIFIED, CREATED] {
            inode.set_time(stamp, new.time);
        }
        if let Some(device) = new.kind.device() {
            inode.set_device(device);
        }
        inode
    }

    /// What it is. `EUCLEAN` for what is nothing.
    pub(crate) fn kind(&self) -> Result<Kind, Errno> {
        Kind::of_bits(u16_at(&self.raw, MODE).into(), self.device())
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind() == Ok(Kind::Directory)
    }

    /// Whether it is nothing: it was never used, or has ended.
    pub(crate) fn is_free(&self) -> bool {
        u16_at(&self.raw, MODE) == 0 || self.links() == 0
    }

    pub(crate) fn set_mode(&mut self, mode: u32) {
        let kind = u16_at(&self.raw, MODE) & !0o7777;
        put_u16(&mut self.raw, MODE, kind | (mode & 0o7777) as u16);
    }

    fn wide(&self, [low, high]: [usize; 2]) -> u32 {
        u32::from(u16_at(&self.raw, low)) | u32::from(u16_at(&self.raw, high)) << 16
    }

    fn set_wide(&mut self, [low, high]: [usize; 2], value: u32) {
        put_u16(&mut self.raw, low, value as u16);
        put_u16(&mut self.raw, high, (value >> 16) as u16);
    }

    pub(crate) fn set_owner(&mut self, owner: u32) {
        self.set_wide(OWNER, owner);
    }

    pub(crate) fn set_group(&mut self, group: u32) {
        self.set_wide(GROUP, group);
    }

    /// Bytes of its contents. Only files have more than 32 bits of it.
    pub(crate) fn size(&self) -> u64 {
        let high = match self.kind() {
            Ok(Kind::File) => u32_at(&self.raw, SIZE_HIGH),
            _ => 0,
        };
        u64::from(u32_at(&self.raw, SIZE)) | u64::from(high) << 32
    }

    pub(crate) fn set_size(&mut self, size: u64) {
        put_u32(&mut self.raw, SIZE, size as u32);
        if self.kind() == Ok(Kind::File) {
            put_u32(&mut self.raw, SIZE_HIGH, (size >> 32) as u32);
        }
    }

    pub(crate) fn links(&self) -> u16 {
        u16_at(&self.raw, LINKS)
    }

    pub(crate) fn set_links(&mut self, links: u16) {
        put_u16(&mut self.raw, LINKS, links);
    }

    /// It ended at a time.
    pub(crate) fn end(&mut self, time: Time) {
        self.set_links(0);
        put_u32(&mut self.raw, DELETED, time.seconds.max(1) as u32);
    }

    /// What it takes on the disk, in 512 bytes.
    pub(crate) fn sectors(&self) -> u32 {
        u32_at(&self.raw, SECTORS)
    }

    /// It takes so many blocks more, or less.
    pub(crate) fn count(&mut self, blocks: i32, block_size: u32) {
        let sectors = i64::from(self.sectors()) + i64::from(blocks) * i64::from(block_size / 512);
        put_u32(&mut self.raw, SECTORS, sectors.max(0) as u32);
    }

    /// Forgets a directory's index; whether there was one.
    pub(crate) fn drop_index(&mut self) -> bool {
        let flags = u32_at(&self.raw, FLAGS);
        put_u32(&mut self.raw, FLAGS, flags & !INDEXED);
        flags & INDEXED != 0
    }

    /// One of the fifteen numbers of blocks.
    pub(crate) fn block(&self, slot: usize) -> u32 {
        u32_at(&self.raw, BLOCKS + slot * 4)
    }

    pub(crate) fn set_block(&mut self, slot: usize, block: u32) {
        put_u32(&mut self.raw, BLOCKS + slot * 4, block);
    }

    /// The block of its extended attributes, or zero.
    pub(crate) fn xattr_block(&self) -> u32 {
        u32_at(&self.raw, XATTRS)
    }

    pub(crate) fn set_xattr_block(&mut self, block: u32) {
        put_u32(&mut self.raw, XATTRS, block);
    }

    /// Where in a larger inode attributes may stand, if anywhere.
    pub(crate) fn rest(&self) -> Option<core::ops::Range<usize>> {
        let used = SMALL_INODE + self.more();
        (self.raw.len() > SMALL_INODE && used + 4 < self.raw.len()).then_some(used..self.raw.len())
    }

    fn more(&self) -> usize {
        match self.raw.len() > SMALL_INODE {
            true => usize::from(u16_at(&self.raw, MORE)),
            false => 0,
        }
    }

    /// Which unit, of a node of a device: by the old numbers in the first place, or the new in the second.
    fn device(&self) -> Device {
        match (self.block(0), self.block(1)) {
            (0, new) => Device {
                major: new >> 8 & 0xfff,
                minor: new & 0xff | new >> 12 & 0xfff00,
            },
            (old, _) => Device {
                major: old >> 8 & 0xff,
                minor: old & 0xff,
            },
        }
    }

    fn set_device(&mut self, device: Device) {
        let Device { major, minor } = device;
        match major < 256 && minor < 256 {
            true => self.set_block(0, major << 8 | minor),
            false => self.set_block(1, minor & 0xff | major << 8 | (minor & !0xff) << 12),
        }
    }

    // ---- times ----

    fn time(&self, Stamp(at, extra): Stamp) -> Time {
        let seconds = i64::from(u32_at(&self.raw, at) as i32);
        let extra = match SMALL_INODE + self.more() >= extra + 4 && self.raw.len() >= extra + 4 {
            true => u32_at(&self.raw, extra),
            false => 0,
        };
        Time {
            seconds: seconds + (i64::from(extra & 3) << 32),
            nanoseconds: (extra >> 2).min(999_999_999),
        }
    }

    fn set_time(&mut self, Stamp(at, extra): Stamp, time: Time) {
        let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
        let has_extra = SMALL_INODE + self.more() >= extra + 4 && self.raw.len() >= extra + 4;
        if has_extra {
            let seconds = time.seconds.clamp(least, most + (3 << 32));
            let epoch = (seconds - i64::from(seconds as i32)) >> 32;
            put_u32(&mut self.raw, at, seconds as u32);
            put_u32(
                &mut self.raw,
                extra,
                time.nanoseconds << 2 | epoch as u32 & 3,
            );
        } else if at < SMALL_INODE {
            put_u32(&mut self.raw, at, time.seconds.clamp(least, most) as u32);
        }
    }

    pub(crate) fn set_accessed(&mut self, time: Time) {
        self.set_time(ACCESSED, time);
    }

    pub(crate) fn set_modified(&mut self, time: Time) {
        self.set_time(MODIFIED, time);
    }

    pub(crate) fn set_changed(&mut self, time: Time) {
        self.set_time(CHANGED, time);
    }

    /// Its contents changed now.
    pub(crate) fn touch(&mut self, time: Time) {
        self.set_modified(time);
        self.set_changed(time);
    }

    /// All that is known of it. `EUCLEAN` for what is nothing.
    pub(crate) fn attributes(&self) -> Result<Attributes, Errno> {
        let has_created = SMALL_INODE + self.more() >= CREATED.1 + 4 && self.raw.len() > CREATED.1;
        Ok(Attributes {
            number: self.number.into(),
            kind: self.kind()?,
            mode: u32::from(u16_at(&self.raw, MODE)) & 0o7777,
            links: self.links().into(),
            owner: self.wide(OWNER),
            group: self.wide(GROUP),
            size: self.size(),
            space: u64::from(self.sectors()) * 512,
            accessed: self.time(ACCESSED),
            modified: self.time(MODIFIED),
            changed: self.time(CHANGED),
            created: has_created.then(|| self.time(CREATED)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_times_come_back() {
        let time = |seconds, nanoseconds| Time {
            seconds,
            nanoseconds,
        };
        for (major, minor) in [(1, 3), (255, 255), (259, 70_000), (4095, 0xfffff)] {
            let kind = Kind::Block(Device { major, minor });
            let new = Creation {
                kind,
                target: &[],
                mode: 0o640,
                owner: 70_000,
                group: 80_000,
                time: time(5_000_000_000, 123),
            };
            for size in [128, 256] {
                let inode = Inode::new(12, size, &new);
                let known = inode.attributes().unwrap();
                assert_eq!((known.kind, known.mode), (kind, 0o640));
                assert_eq!((known.owner, known.group), (70_000, 80_000));
                let last = time(i32::MAX.into(), 0);
                let wanted = if size == 128 { last } else { new.time };
                assert_eq!(known.modified, wanted);
                assert_eq!(known.created, (size == 256).then_some(new.time));
            }
        }
        for seconds in [-5, i64::from(i32::MIN), 1 << 31, (1 << 32) + 7, 3 << 32] {
            let mut inode = Inode {
                number: 12,
                raw: alloc::vec![0; 256],
            };
            put_u16(&mut inode.raw, MORE, NEW_MORE);
            inode.set_modified(time(seconds, 999_999_999));
            assert_eq!(inode.time(MODIFIED), time(seconds, 999_999_999));
        }
    }
}
