//! Extended attributes: lists of names and values, which inodes share. A value that several have stands once.

use alloc::vec::Vec;

use base::{Errno, Lwp};

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::image::{Cursor, Image, METADATA};
use crate::superblock;

/// Bytes of an entry in the table of lists.
const LIST: usize = 16;
const LISTS_A_BLOCK: u32 = (METADATA / LIST) as u32;
/// What names begin with, by their kind, and the bit of the kind that says that the value is somewhere else.
const PREFIXES: [&[u8]; 3] = [b"user.", b"trusted.", b"security."];
const ELSEWHERE: u16 = 0x100;
/// The longest name, without what it begins with.
const LONGEST_NAME: u16 = 255;
/// The most of one value: Linux's limit.
const LONGEST_VALUE: u32 = 65536;
/// The most attributes of an inode: their names fill what Linux gives out of them.
const MOST: u32 = 65536 / 2;

/// Calls `each` with every attribute's name, and with where its value stands, until it returns `false`.
pub(crate) fn each(
    lwp: &Lwp<'_>,
    image: &Image,
    list: u32,
    mut each: impl FnMut(Vec<u8>, Value) -> bool,
) -> Result<(), Errno> {
    let table = image.superblock.xattr_table;
    if table == superblock::NONE {
        return Err(Errno::EUCLEAN);
    }
    let mut head = [0; 16];
    image.read(lwp, table, &mut head)?;
    let (values, lists) = (u64_at(&head, 0), u32_at(&head, 8));
    if list >= lists {
        return Err(Errno::EUCLEAN);
    }
    let block = image.listed(lwp, table + head.len() as u64, list / LISTS_A_BLOCK)?;
    let within = (list % LISTS_A_BLOCK) as usize * LIST;
    let raw: [u8; LIST] = Cursor::new(block, within).array(lwp, image)?;
    let mut at = Cursor::of_reference(values, u64_at(&raw, 0))?;
    let count = u32_at(&raw, 8);
    if count > MOST {
        return Err(Errno::EUCLEAN);
    }
    for _ in 0..count {
        let head: [u8; 4] = at.array(lwp, image)?;
        let (kind, len) = (u16_at(&head, 0), u16_at(&head, 2));
        let prefix = PREFIXES.get(usize::from(kind & !ELSEWHERE));
        let prefix = prefix.filter(|_| len <= LONGEST_NAME);
        let mut name = prefix.ok_or(Errno::EUCLEAN)?.to_vec();
        name.extend(at.bytes(lwp, image, usize::from(len))?);
        let value = Value {
            at,
            elsewhere: kind & ELSEWHERE != 0,
            values,
        };
        if !each(name, value) {
            return Ok(());
        }
        let len = u32_at(&at.array::<4>(lwp, image)?, 0);
        if len > LONGEST_VALUE {
            return Err(Errno::EUCLEAN);
        }
        at.skip(lwp, image, len as usize)?;
    }
    Ok(())
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    at: Cursor,
    elsewhere: bool,
    values: u64,
}

impl Value {
    pub(crate) fn read(mut self, lwp: &Lwp<'_>, image: &Image) -> Result<Vec<u8>, Errno> {
        if self.elsewhere {
            let raw: [u8; 12] = self.at.array(lwp, image)?;
            self.at = Cursor::of_reference(self.values, u64_at(&raw, 4))?;
        }
        let len = u32_at(&self.at.array::<4>(lwp, image)?, 0);
        match len > LONGEST_VALUE {
            true => Err(Errno::EUCLEAN),
            false => self.at.bytes(lwp, image, len as usize),
        }
    }
}
