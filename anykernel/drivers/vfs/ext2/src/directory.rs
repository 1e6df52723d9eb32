//! Directories: entries one behind the other, none of which crosses a block.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Kind, Time};

use crate::bytes::{put_u16, put_u32, u16_at, u32_at};
use crate::disk::Disk;
use crate::inode::Inode;

/// Bytes of an entry before its name.
const HEAD: usize = 8;
pub(crate) const LONGEST: usize = 255;

/// Where an entry is: in which block of the disk, and where in it; and the one before it in that block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    block: u32,
    at: usize,
    before: Option<usize>,
}

/// A name.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) inode: u32,
    pub(crate) name: Vec<u8>,
    /// What it is, if the directory says so. It does not say which device.
    pub(crate) kind: Option<Kind>,
    /// Where in the directory the next entry is.
    pub(crate) next: u64,
}

/// An entry as it is in a block; free if it has no inode.
struct Raw<'a> {
    at: usize,
    len: usize,
    inode: u32,
    kind: u8,
    name: &'a [u8],
}

/// How long an entry has to be for a name.
fn needed(name: &[u8]) -> usize {
    (HEAD + name.len()).next_multiple_of(4)
}

/// The lengths of entries have 16 bits, and so the one of 64 KiB has one of these.
fn decode_len(raw: u16) -> usize {
    match raw {
        0 | u16::MAX => 1 << 16,
        _ => raw.into(),
    }
}

fn encode_len(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// What a directory calls a kind.
fn code(kind: Kind) -> u8 {
    match kind {
        Kind::File => 1,
        Kind::Directory => 2,
        Kind::Character(_) => 3,
        Kind::Block(_) => 4,
        Kind::Fifo => 5,
        Kind::Socket => 6,
        Kind::Symlink => 7,
    }
}

fn of_code(code: u8) -> Option<Kind> {
    match code {
        1 => Some(Kind::File),
        2 => Some(Kind::Directory),
        5 => Some(Kind::Fifo),
        6 => Some(Kind::Socket),
        7 => Some(Kind::Symlink),
        _ => None,
    }
}

/// Takes the entry at a place of a block apart, if it is one.
fn entry(raw: &[u8], at: usize, has_kinds: bool) -> Option<Raw<'_>> {
    let head = raw.get(at..at + HEAD)?;
    let len = match decode_len(u16_at(head, 4)) {
        len if len == 1 << 16 && len != raw.len() => return None,
        len => len,
    };
    let name_len = match has_kinds {
        true => head[6].into(),
        false => usize::from(u16_at(head, 6)),
    };
    let inode = u32_at(head, 0);
    let name = raw.get(at + HEAD..at + HEAD + name_len)?;
    let odd =
        name.is_empty() || name.len() > LONGEST || name.iter().any(|byte| matches!(byte, b'/' | 0));
    let fits = len >= HEAD && len.is_multiple_of(4) && at + len <= raw.len();
    let right = fits && (inode == 0 || len >= HEAD + name.len() && !odd);
    right.then_some(Raw {
        at,
        len,
        inode,
        kind: if has_kinds { head[7] } else { 0 },
        name: if inode == 0 { &[] } else { name },
    })
}

impl Disk {
    /// Blocks of a directory. `EUCLEAN` if that cannot be.
    fn directory_blocks(&mut self, lwp: &Lwp<'_>, directory: &Inode) -> Result<u64, Errno> {
        let size = u64::from(self.layout.block_size);
        let blocks = directory.size() / size;
        match directory.size().is_multiple_of(size) && blocks <= self.layout.blocks.into() {
            true => Ok(blocks),
            false => Err(self.wrong(
                lwp,
                format_args!("directory {}: its size", directory.number),
            )),
        }
    }

    /// Reads a block of a directory.
    fn directory_block(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &Inode,
        index: u64,
    ) -> Result<(u32, Vec<u8>), Errno> {
        match self.find(lwp, directory, index)? {
            0 => Err(self.wrong(
                lwp,
                format_args!("directory {}: a hole at block {index}", directory.number),
            )),
            block => Ok((block, self.read(lwp, block)?)),
        }
    }

    /// Looks at the entries of a block, free ones too, until something is found.
    fn each<R>(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &Inode,
        index: u64,
        mut f: impl FnMut(Spot, &Raw<'_>) -> Option<R>,
    ) -> Result<Option<R>, Errno> {
        let (block, raw) = self.directory_block(lwp, directory, index)?;
        let (mut at, mut before) = (0, None);
        while at < raw.len() {
            let inodes = self.layout.inodes;
            let Some(one) = entry(&raw, at, self.layout.filetype).filter(|one| one.inode <= inodes)
            else {
                return Err(self.wrong(
                    lwp,
                    format_args!(
                        "directory {}: the entry at byte {at} of block {block}",
                        directory.number
                    ),
                ));
            };
            if let Some(found) = f(Spot { block, at, before }, &one) {
                return Ok(Some(found));
            }
            before = Some(at);
            at += one.len;
        }
        Ok(None)
    }

    /// The entries of the first block that has some, from a place in the directory on.
    pub(crate) fn some(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &Inode,
        from: u64,
    ) -> Result<Vec<Named>, Errno> {
        let size = u64::from(self.layout.block_size);
        for index in from / size..self.directory_blocks(lwp, directory)? {
            let mut found = Vec::new();
            self.each(lwp, directory, index, |spot, one| {
                let at = index * size + spot.at as u64;
                if one.inode != 0 && at >= from {
                    found.push(Named {
                        inode: one.inode,
                        name: one.name.to_vec(),
                        kind: of_code(one.kind),
                        next: at + one.len as u64,
                    });
                }
                None::<()>
            })?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// The entry of a name.
    pub(crate) fn search(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &Inode,
        name: &[u8],
    ) -> Result<Option<(Spot, u32)>, Errno> {
        for index in 0..self.directory_blocks(lwp, directory)? {
            let found = self.each(lwp, directory, index, |spot, one| {
                (one.inode != 0 && one.name == name).then_some((spot, one.inode))
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether a directory has no entries but `.` and `..`.
    pub(crate) fn is_empty(&mut self, lwp: &Lwp<'_>, directory: &Inode) -> Result<bool, Errno> {
        for index in 0..self.directory_blocks(lwp, directory)? {
            let found = self.each(lwp, directory, index, |_, one| {
                (one.inode != 0 && !matches!(one.name, b"." | b"..")).then_some(())
            })?;
            if found.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn head(&self, inode: u32, len: usize, name: &[u8], kind: Kind) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        put_u32(&mut head, 0, inode);
        put_u16(&mut head, 4, encode_len(len));
        head[6] = name.len() as u8;
        if self.layout.filetype {
            head[7] = code(kind);
        }
        head
    }

    /// Gives an inode a name that is not there. The directory is written. `ENOSPC`, and then nothing has changed.
    pub(crate) fn insert(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &mut Inode,
        name: &[u8],
        inode: u32,
        kind: Kind,
        time: Time,
    ) -> Result<(), Errno> {
        let blocks = self.directory_blocks(lwp, directory)?;
        self.begin(lwp, directory)?;
        let needed = needed(name);
        for index in 0..blocks {
            let room = self.each(lwp, directory, index, |spot, one| {
                let used = if one.inode == 0 {
                    0
                } else {
                    crate::directory::needed(one.name)
                };
                (one.len >= used + needed).then_some((spot, one.at, used, one.len))
            })?;
            if let Some((spot, at, used, len)) = room {
                let entry = [&self.head(inode, len - used, name, kind)[..], name].concat();
                let place = self.layout.place(spot.block) + at as u64;
                // The new one is nothing before the one in front of it ends.
                self.volume.write_at(lwp, place + used as u64, &entry)?;
                if used > 0 {
                    self.set_len(lwp, spot.block, at, used)?;
                }
                return self.touch(lwp, directory, time);
            }
        }
        let size = u64::from(self.layout.block_size);
        if (blocks + 1) * size > u32::MAX.into() {
            return Err(Errno::ENOSPC);
        }
        let goal = match blocks.checked_sub(1) {
            Some(last) => self.find(lwp, directory, last)? + 1,
            None => self.home(directory.number),
        };
        let block = match self.find_or_take(lwp, directory, blocks, goal) {
            Ok((block, _)) => block,
            Err(errno) => {
                self.cut(lwp, directory, blocks)?;
                self.write_inode(lwp, directory)?;
                return Err(errno);
            }
        };
        self.clear(lwp, block)?;
        let entry = [&self.head(inode, size as usize, name, kind)[..], name].concat();
        self.volume
            .write_at(lwp, self.layout.place(block), &entry)?;
        directory.set_size((blocks + 1) * size);
        self.touch(lwp, directory, time)
    }

    /// Before anything in a directory changes, its index goes, which would be wrong then.
    fn begin(&mut self, lwp: &Lwp<'_>, directory: &mut Inode) -> Result<(), Errno> {
        self.mark(lwp)?;
        match directory.drop_index() {
            true => self.write_inode(lwp, directory),
            false => Ok(()),
        }
    }

    fn touch(&mut self, lwp: &Lwp<'_>, directory: &mut Inode, time: Time) -> Result<(), Errno> {
        directory.touch(time);
        self.write_inode(lwp, directory)
    }

    fn set_len(&mut self, lwp: &Lwp<'_>, block: u32, at: usize, len: usize) -> Result<(), Errno> {
        let place = self.layout.place(block) + at as u64 + 4;
        self.volume
            .write_at(lwp, place, &encode_len(len).to_le_bytes())
    }

    /// Takes an entry away. The directory is written.
    pub(crate) fn erase(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &mut Inode,
        spot: Spot,
        time: Time,
    ) -> Result<(), Errno> {
        self.begin(lwp, directory)?;
        let raw = self.read(lwp, spot.block)?;
        let len = |at: usize| decode_len(u16_at(&raw, at + 4));
        match spot.before {
            Some(before) => self.set_len(lwp, spot.block, before, len(before) + len(spot.at))?,
            None => self.set_number(lwp, spot.block, spot.at as u32 / 4, 0)?,
        }
        self.touch(lwp, directory, time)
    }

    /// Has an entry be of another inode. The directory is written.
    pub(crate) fn redirect(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &mut Inode,
        spot: Spot,
        inode: u32,
        kind: Kind,
        time: Time,
    ) -> Result<(), Errno> {
        self.begin(lwp, directory)?;
        let place = self.layout.place(spot.block) + spot.at as u64;
        self.volume.write_at(lwp, place, &inode.to_le_bytes())?;
        if self.layout.filetype {
            self.volume.write_at(lwp, place + 7, &[code(kind)])?;
        }
        self.touch(lwp, directory, time)
    }

    /// Makes the first block of a new directory. The inode is to be written.
    pub(crate) fn make_directory(
        &mut self,
        lwp: &Lwp<'_>,
        directory: &mut Inode,
        parent: u32,
    ) -> Result<(), Errno> {
        let goal = self.home(directory.number);
        let (block, _) = self.find_or_take(lwp, directory, 0, goal)?;
        let size = self.layout.block_size as usize;
        let mut raw = alloc::vec![0; size];
        let own = needed(b".");
        raw[..HEAD].copy_from_slice(&self.head(directory.number, own, b".", Kind::Directory));
        raw[HEAD] = b'.';
        let above = self.head(parent, size - own, b"..", Kind::Directory);
        raw[own..own + HEAD].copy_from_slice(&above);
        raw[own + HEAD..own + HEAD + 2].copy_from_slice(b"..");
        self.write(lwp, block, &raw)?;
        directory.set_size(size as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_cannot_be_are_none() {
        let mut raw = [0; 1024];
        put_u32(&mut raw, 0, 12);
        raw[6..9].copy_from_slice(&[1, 1, b'x']);
        for (len, fits) in [
            (12, true),
            (1024, true),
            (8, false),
            (0, false),
            (14, false),
            (1028, false),
            (u16::MAX, false),
        ] {
            put_u16(&mut raw, 4, len);
            assert_eq!(entry(&raw, 0, true).is_some(), fits, "{len}");
        }
        put_u16(&mut raw, 4, 12);
        for name in [b'/', 0] {
            raw[8] = name;
            assert!(entry(&raw, 0, true).is_none());
        }
        // What is free may have any name, and be as long as all there is.
        put_u32(&mut raw, 0, 0);
        assert!(entry(&raw, 0, true).is_some_and(|one| one.name.is_empty()));
        assert!(entry(&raw, 1020, true).is_none());
        let large = [0; 1 << 16];
        assert!(entry(&large, 0, true).is_some_and(|one| one.len == 1 << 16));
    }
}
