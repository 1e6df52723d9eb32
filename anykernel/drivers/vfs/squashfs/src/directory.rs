//! Directories: lists of names, sorted by their bytes, in runs whose inodes are in one block of metadata. Long ones have an
//! index, which says with which name each block of the list begins.

use base::{Errno, Lwp};
use vfs::Kind;

use crate::bytes::{u16_at, u32_at};
use crate::image::{Cursor, Image, METADATA};
use crate::inode::Directory;

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

/// Where in the list something begins.
struct Begin {
    byte: u32,
    at: Cursor,
}

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
        self.walk(lwp, image, begin, from, each)
    }

    /// The reference of the inode of a name.
    pub(crate) fn find(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        name: &[u8],
    ) -> Result<Option<u64>, Errno> {
        let begin = self.begin(lwp, image, |_, first| first <= name)?;
        let from = begin.byte;
        let mut found = None;
        self.walk(lwp, image, begin, from, |entry| {
            if entry.name == name {
                found = Some(entry.reference);
            }
            entry.name < name
        })?;
        Ok(found)
    }

    /// Where to begin to look, by the index: the last place of which `before` is true, given a byte of the list and the
    /// name there.
    fn begin(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        before: impl Fn(u32, &[u8]) -> bool,
    ) -> Result<Begin, Errno> {
        let table = image.superblock.directory_table;
        let block = |block: u32| table.checked_add(u64::from(block)).ok_or(Errno::EUCLEAN);
        let offset = usize::from(self.offset);
        let mut begin = Begin {
            byte: 0,
            at: Cursor::new(block(self.block)?, offset),
        };
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
            begin = Begin {
                byte,
                at: Cursor::new(block(u32_at(&raw, 4))?, (offset + byte as usize) % METADATA),
            };
        }
        Ok(begin)
    }

    fn walk(
        &self,
        lwp: &Lwp<'_>,
        image: &Image,
        begin: Begin,
        from: u32,
        mut each: impl FnMut(Named<'_>) -> bool,
    ) -> Result<(), Errno> {
        let Begin { mut byte, mut at } = begin;
        while byte < self.size {
            let head: [u8; 12] = at.array(lwp, image)?;
            byte += 12;
            let block = u64::from(u32_at(&head, 4));
            let count = u32_at(&head, 0);
            if count >= LONGEST_RUN {
                return Err(Errno::EUCLEAN);
            }
            for _ in 0..=count {
                let raw: [u8; 8] = at.array(lwp, image)?;
                let mut name = [0; LONGEST_NAME];
                let len = usize::from(u16_at(&raw, 6)) + 1;
                let name = name.get_mut(..len).ok_or(Errno::EUCLEAN)?;
                at.read(lwp, image, name)?;
                let here = byte;
                byte += 8 + len as u32;
                if byte > self.size || !is_name(name) {
                    return Err(Errno::EUCLEAN);
                }
                let entry = Named {
                    name,
                    reference: block << 16 | u64::from(u16_at(&raw, 0)),
                    kind: kind(u16_at(&raw, 4)),
                    next: byte,
                };
                if here >= from && !each(entry) {
                    return Ok(());
                }
            }
        }
        Ok(())
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
