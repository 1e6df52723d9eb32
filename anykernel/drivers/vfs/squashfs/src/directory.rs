//! Directories: lists of names, sorted by their bytes, in runs whose inodes are in one block of metadata. Long ones have an
//! index, which says with which name each block of the list begins.

use base::{Errno, Lwp};
use vfs::Kind;

use crate::bytes::{u16_at, u32_at};
use crate::image::{Cursor, Image, METADATA};
use crate::inode::Directory;
use crate::searches::Searches;

/// The most entries of a run.
const LONGEST_RUN: u32 = 256;
/// The longest name.
pub(crate) const LONGEST_NAME: usize = 256;

/// An entry.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a [u8],
    /// The reference of its inode.
    pub(crate) reference: u64,
    /// What it is, if that can be said without its inode.
    pub(crate) kind: Option<Kind>,
    /// Where the next entry is, in bytes of the list.
    pub(crate) next: u32,
}

/// A place in the list, before an entry or before a run of them.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// In bytes of the list.
    pub(crate) byte: u32,
    at: Cursor,
    /// Entries of the run that are to come, and the block of their inodes.
    left: u32,
    block: u32,
}

impl Spot {
    /// One before a run.
    pub(crate) fn new(byte: u32, at: Cursor) -> Spot {
        Spot {
            byte,
            at,
            left: 0,
            block: 0,
        }
    }
}

/// How far a search goes that goes on where the last one ended, in bytes of the list: no farther than one by the index.
const NEAR: u32 = METADATA as u32;

impl Directory {
    /// Gives the entries from byte `from` of the list on, until `each` returns `false`. `EUCLEAN` if the list is none.
    pub(crate) fn entries(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        from: u32,
        each: impl FnMut(Named<'_>) -> bool,
    ) -> Result<(), Errno> {
        let begin = self.begin(lwp, image, |byte, _| byte <= from)?;
        self.walk(lwp, image, begin, from, each)?;
        Ok(())
    }

    /// The reference of the inode of a name in the directory that `reference` is the inode of.
    pub(crate) fn find(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        searches: &Searches,
        reference: u64,
        name: &[u8],
    ) -> Result<Option<u64>, Errno> {
        if let Some(begin) = searches.before(reference, name) {
            let until = begin.byte.saturating_add(NEAR);
            let (found, spot, is_known) = self.search(lwp, image, begin, until, name)?;
            searches.note(reference, name, spot);
            if is_known {
                return Ok(found);
            }
        }
        let begin = self.begin(lwp, image, |_, first| first <= name)?;
        let (found, spot, _) = self.search(lwp, image, begin, self.size, name)?;
        searches.note(reference, name, spot);
        Ok(found)
    }

    /// Looks for a name from a place on, and up to another one: what was found, where that ended, and whether the name
    /// would have been found if it were in the list at all.
    fn search(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        begin: Spot,
        until: u32,
        name: &[u8],
    ) -> Result<(Option<u64>, Spot, bool), Errno> {
        let (mut found, mut passed) = (None, false);
        let spot = self.walk(lwp, image, begin, begin.byte, |entry| {
            if entry.name == name {
                found = Some(entry.reference);
            }
            passed = entry.name >= name;
            !passed && entry.next < until
        })?;
        Ok((found, spot, passed || spot.byte >= self.size))
    }

    /// Where to begin to look, by the index: the last place of which `before` is true, given a byte of the list and the
    /// name there.
    fn begin(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        before: impl Fn(u32, &[u8]) -> bool,
    ) -> Result<Spot, Errno> {
        let table = image.superblock.directory_table;
        let block = |block: u32| table.checked_add(u64::from(block)).ok_or(Errno::EUCLEAN);
        let offset = usize::from(self.offset);
        let mut begin = Spot::new(0, Cursor::new(block(self.block)?, offset));
        let mut index = self.index;
        for _ in 0..self.indices {
            let raw: [u8; 12] = index.array(lwp, image)?;
            let (byte, len) = (u32_at(&raw, 0), u32_at(&raw, 8) as usize + 1);
            if len > LONGEST_NAME || byte <= begin.byte || byte >= self.size {
                return Err(Errno::EUCLEAN);
            }
            let mut name = [0; LONGEST_NAME];
            let name = &mut name[..len];
            index.read(lwp, image, name)?;
            if !before(byte, name) {
                break;
            }
            let at = Cursor::new(block(u32_at(&raw, 4))?, (offset + byte as usize) % METADATA);
            begin = Spot::new(byte, at);
        }
        Ok(begin)
    }

    /// Gives the entries behind a place, as far as they are from byte `from` of the list on, until `each` returns `false`;
    /// where the last one given begins then, or the end.
    fn walk(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        mut spot: Spot,
        from: u32,
        mut each: impl FnMut(Named<'_>) -> bool,
    ) -> Result<Spot, Errno> {
        while spot.left > 0 || spot.byte < self.size {
            if spot.left == 0 {
                let head: [u8; 12] = spot.at.array(lwp, image)?;
                let count = u32_at(&head, 0);
                if count >= LONGEST_RUN {
                    return Err(Errno::EUCLEAN);
                }
                spot.byte += 12;
                spot.left = count + 1;
                spot.block = u32_at(&head, 4);
            }
            let here = spot;
            let raw: [u8; 8] = spot.at.array(lwp, image)?;
            let mut name = [0; LONGEST_NAME];
            let len = usize::from(u16_at(&raw, 6)) + 1;
            let name = name.get_mut(..len).ok_or(Errno::EUCLEAN)?;
            spot.at.read(lwp, image, name)?;
            spot.byte += 8 + len as u32;
            spot.left -= 1;
            if spot.byte > self.size || !is_name(name) {
                return Err(Errno::EUCLEAN);
            }
            let entry = Named {
                name,
                reference: u64::from(spot.block) << 16 | u64::from(u16_at(&raw, 0)),
                kind: kind(u16_at(&raw, 4)),
                next: spot.byte,
            };
            if here.byte >= from && !each(entry) {
                return Ok(here);
            }
        }
        Ok(spot)
    }
}

/// What an entry says that it is, always by the number of the short kind.
fn kind(number: u16) -> Option<Kind> {
    match number {
        1 => Some(Kind::Directory),
        2 => Some(Kind::File),
        3 => Some(Kind::Symlink),
        6 => Some(Kind::Fifo),
        7 => Some(Kind::Socket),
        _ => None,
    }
}

fn is_name(name: &[u8]) -> bool {
    name != b"." && name != b".." && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}
