//! Inodes: what the inode table says of one. The short kinds and the long ones of the format differ in how much they can
//! say only.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Device, Kind};

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::image::{Cursor, Image};

/// No fragment, no extended attributes.
pub(crate) const NONE: u32 = u32::MAX;
/// The longest that a symbolic link says: Linux's limit.
const LONGEST_TARGET: u32 = 4096;

/// An inode.
pub(crate) struct Inode {
    pub(crate) mode: u16,
    /// Places in the table of owners.
    pub(crate) owner: u16,
    pub(crate) group: u16,
    pub(crate) modified: u32,
    pub(crate) links: u32,
    pub(crate) content: Content,
    /// The number of its extended attributes, or [`NONE`].
    pub(crate) xattrs: u32,
}

/// What it is.
pub(crate) enum Content {
    File(File),
    Directory(Directory),
    Symlink(Vec<u8>),
    Other(Kind),
}

/// Where the bytes of a file are.
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) size: u64,
    /// Bytes of it that are in holes.
    pub(crate) holes: u64,
    /// Where its blocks begin, which follow each other.
    pub(crate) data: u64,
    /// The fragment that its end is in, or [`NONE`], and where in it.
    pub(crate) fragment: u32,
    pub(crate) offset: u32,
    /// Where the lengths of its blocks stand.
    pub(crate) blocks: Cursor,
}

/// Where the names of a directory are.
#[derive(Clone, Copy)]
pub(crate) struct Directory {
    /// Bytes of the list.
    pub(crate) size: u32,
    /// The block that it begins in, from the begin of the table on, and where in it.
    pub(crate) block: u32,
    pub(crate) offset: u16,
    /// Entries of the index, and where they stand.
    pub(crate) indices: u16,
    pub(crate) index: Cursor,
}

impl Inode {
    /// Reads the one of a reference. `EUCLEAN` if there is none.
    pub(crate) fn read(lwp: &Lwp<'_>, image: &Image, reference: u64) -> Result<Inode, Errno> {
        let table = image.superblock.inode_table;
        let mut cursor = Cursor::of_reference(table, reference)?;
        let head: [u8; 16] = cursor.array(lwp, image)?;
        let mut inode = Inode {
            mode: u16_at(&head, 2) & 0o7777,
            owner: u16_at(&head, 4),
            group: u16_at(&head, 6),
            modified: u32_at(&head, 8),
            links: 1,
            content: Content::Other(Kind::Fifo),
            xattrs: NONE,
        };
        match u16_at(&head, 0) {
            1 => inode.directory(lwp, image, cursor)?,
            8 => inode.long_directory(lwp, image, cursor)?,
            2 => inode.file(lwp, image, cursor)?,
            9 => inode.long_file(lwp, image, cursor)?,
            kind @ (3 | 10) => inode.symlink(lwp, image, cursor, kind == 10)?,
            kind @ (4 | 5 | 11 | 12) => inode.device(lwp, image, cursor, kind)?,
            kind @ (6 | 7 | 13 | 14) => inode.pipe(lwp, image, cursor, kind)?,
            _ => return Err(Errno::EUCLEAN),
        }
        Ok(inode)
    }

    fn directory(&mut self, lwp: &Lwp<'_>, image: &Image, mut at: Cursor) -> Result<(), Errno> {
        let raw: [u8; 16] = at.array(lwp, image)?;
        self.links = u32_at(&raw, 4);
        self.content = Content::Directory(Directory {
            block: u32_at(&raw, 0),
            size: list_len(u32::from(u16_at(&raw, 8))),
            offset: u16_at(&raw, 10),
            indices: 0,
            index: at,
        });
        Ok(())
    }

    fn long_directory(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        mut at: Cursor,
    ) -> Result<(), Errno> {
        let raw: [u8; 24] = at.array(lwp, image)?;
        self.links = u32_at(&raw, 0);
        self.xattrs = u32_at(&raw, 20);
        self.content = Content::Directory(Directory {
            size: list_len(u32_at(&raw, 4)),
            block: u32_at(&raw, 8),
            indices: u16_at(&raw, 16),
            offset: u16_at(&raw, 18),
            index: at,
        });
        Ok(())
    }

    fn file(&mut self, lwp: &Lwp<'_>, image: &Image, mut at: Cursor) -> Result<(), Errno> {
        let raw: [u8; 16] = at.array(lwp, image)?;
        self.content = Content::File(File {
            data: u64::from(u32_at(&raw, 0)),
            fragment: u32_at(&raw, 4),
            offset: u32_at(&raw, 8),
            size: u64::from(u32_at(&raw, 12)),
            holes: 0,
            blocks: at,
        });
        Ok(())
    }

    fn long_file(&mut self, lwp: &Lwp<'_>, image: &Image, mut at: Cursor) -> Result<(), Errno> {
        let raw: [u8; 40] = at.array(lwp, image)?;
        let size = u64_at(&raw, 8);
        // More is no size of a file to anybody.
        if i64::try_from(size).is_err() {
            return Err(Errno::EUCLEAN);
        }
        self.links = u32_at(&raw, 24);
        self.xattrs = u32_at(&raw, 36);
        self.content = Content::File(File {
            data: u64_at(&raw, 0),
            size,
            holes: u64_at(&raw, 16),
            fragment: u32_at(&raw, 28),
            offset: u32_at(&raw, 32),
            blocks: at,
        });
        Ok(())
    }

    fn symlink(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        mut at: Cursor,
        long: bool,
    ) -> Result<(), Errno> {
        let raw: [u8; 8] = at.array(lwp, image)?;
        self.links = u32_at(&raw, 0);
        let len = u32_at(&raw, 4);
        if len > LONGEST_TARGET {
            return Err(Errno::EUCLEAN);
        }
        self.content = Content::Symlink(at.bytes(lwp, image, len as usize)?);
        self.ending(lwp, image, at, long)
    }

    fn device(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        mut at: Cursor,
        kind: u16,
    ) -> Result<(), Errno> {
        let raw: [u8; 8] = at.array(lwp, image)?;
        self.links = u32_at(&raw, 0);
        let number = u32_at(&raw, 4);
        let device = Device {
            major: number >> 8 & 0xfff,
            minor: number & 0xff | number >> 12 & 0xf_ff00,
        };
        self.content = Content::Other(match kind {
            4 | 11 => Kind::Block(device),
            _ => Kind::Character(device),
        });
        self.ending(lwp, image, at, kind > 7)
    }

    fn pipe(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        mut at: Cursor,
        kind: u16,
    ) -> Result<(), Errno> {
        let raw: [u8; 4] = at.array(lwp, image)?;
        self.links = u32_at(&raw, 0);
        self.content = Content::Other(match kind {
            6 | 13 => Kind::Fifo,
            _ => Kind::Socket,
        });
        self.ending(lwp, image, at, kind > 7)
    }

    /// What the long kinds end with.
    fn ending(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        mut at: Cursor,
        long: bool,
    ) -> Result<(), Errno> {
        if long {
            self.xattrs = u32_at(&at.array::<4>(lwp, image)?, 0);
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.content {
            Content::File(_) => Kind::File,
            Content::Directory(_) => Kind::Directory,
            Content::Symlink(_) => Kind::Symlink,
            Content::Other(kind) => *kind,
        }
    }
}

/// The size of a directory counts three bytes for `.` and `..`, which are not there.
fn list_len(size: u32) -> u32 {
    size.saturating_sub(3)
}
