//! An image as blocks: metadata, which is a stream in blocks of 8 KiB, and data.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use bio::Volume;

use crate::bytes::{u16_at, u64_at};
use crate::cache::{Cache, Cached};
use crate::superblock::Superblock;

/// The most bytes of a block of metadata; only the last of a table has fewer.
pub(crate) const METADATA: usize = 8192;
/// The bit of its length that says it is not compressed.
const METADATA_AS_IT_IS: u16 = 0x8000;
/// The bit of a data block's length that says so, and those that are the length.
const DATA_AS_IT_IS: u32 = 1 << 24;
const DATA_LEN: u32 = DATA_AS_IT_IS - 1;

/// Blocks of metadata kept: half a MiB.
const METADATA_KEPT: usize = 64;
/// Bytes of blocks of data kept, but at least two blocks.
const DATA_KEPT: usize = 1 << 20;

/// An image.
pub(crate) struct Image {
    volume: Arc<Volume>,
    pub(crate) superblock: Superblock,
    metadata: Cache,
    data: Cache,
}

/// A block of data, as it stands on the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored(pub(crate) u32);

impl Stored {
    /// Bytes it takes.
    pub(crate) fn len(self) -> u32 {
        self.0 & DATA_LEN
    }

    /// Whether there is nothing, which stands for zeros.
    pub(crate) fn is_hole(self) -> bool {
        self.len() == 0
    }
}

impl Image {
    pub(crate) fn new(volume: Arc<Volume>, superblock: Superblock) -> Self {
        let data = data_kept(&superblock);
        Image {
            volume,
            superblock,
            metadata: Cache::new(METADATA_KEPT),
            data: Cache::new(data),
        }
    }

    /// The most bytes that its blocks in memory ever are.
    pub(crate) fn most_kept(&self) -> usize {
        let data = data_kept(&self.superblock) * self.superblock.block_size as usize;
        METADATA_KEPT * METADATA + data
    }

    /// Reads bytes as they are. `EUCLEAN` outside the image.
    pub(crate) fn read(&self, lwp: &Lwp<'_>, at: u64, to: &mut [u8]) -> Result<(), Errno> {
        let end = at.checked_add(to.len() as u64);
        match end.is_some_and(|end| end <= self.superblock.size) {
            true => self.volume.read_at(lwp, at, to),
            false => Err(Errno::EUCLEAN),
        }
    }

    /// The `index`th block of metadata of a table that is a list of places of such blocks.
    pub(crate) fn listed(&self, lwp: &Lwp<'_>, table: u64, index: u32) -> Result<u64, Errno> {
        let mut place = [0; 8];
        let at = table.checked_add(u64::from(index) * 8);
        self.read(lwp, at.ok_or(Errno::EUCLEAN)?, &mut place)?;
        Ok(u64_at(&place, 0))
    }

    fn metadata(&self, lwp: &Lwp<'_>, at: u64) -> Result<Cached, Errno> {
        if let Some(block) = self.metadata.get(at) {
            return Ok(block);
        }
        let mut head = [0; 2];
        self.read(lwp, at, &mut head)?;
        let head = u16_at(&head, 0);
        let len = usize::from(head & !METADATA_AS_IT_IS);
        if len == 0 || len > METADATA {
            return Err(Errno::EUCLEAN);
        }
        let stored = head & METADATA_AS_IT_IS != 0;
        let bytes = self.load(lwp, at + 2, len, METADATA, stored)?;
        let block = Cached {
            bytes: Arc::new(bytes),
            next: at + 2 + len as u64,
        };
        self.metadata.put(at, block.clone());
        Ok(block)
    }

    /// A block of data at `at`, which has `len` bytes.
    pub(crate) fn data(
        &self,
        lwp: &Lwp<'_>,
        at: u64,
        stored: Stored,
        len: usize,
    ) -> Result<Arc<Vec<u8>>, Errno> {
        let block = match self.data.get(at) {
            Some(block) => block.bytes,
            None => {
                let taken = stored.len() as usize;
                let most = self.superblock.block_size as usize;
                if taken == 0 || taken > most {
                    return Err(Errno::EUCLEAN);
                }
                let as_it_is = stored.0 & DATA_AS_IT_IS != 0;
                let bytes = Arc::new(self.load(lwp, at, taken, most, as_it_is)?);
                let next = at + taken as u64;
                let block = Cached { bytes, next };
                self.data.put(at, block.clone());
                block.bytes
            }
        };
        match block.len() >= len {
            true => Ok(block),
            false => Err(Errno::EUCLEAN),
        }
    }

    /// Reads `len` bytes and decompresses them, unless they are to stay as they are, to no more than `most`.
    fn load(
        &self,
        lwp: &Lwp<'_>,
        at: u64,
        len: usize,
        most: usize,
        as_it_is: bool,
    ) -> Result<Vec<u8>, Errno> {
        let mut taken = zeros(len)?;
        self.read(lwp, at, &mut taken)?;
        if as_it_is {
            return Ok(taken);
        }
        let mut bytes = zeros(most)?;
        let len = self.superblock.compressor.decompress(&taken, &mut bytes)?;
        bytes.truncate(len);
        Ok(bytes)
    }
}

/// Blocks of data that are kept.
fn data_kept(superblock: &Superblock) -> usize {
    (DATA_KEPT / superblock.block_size as usize).max(2)
}

fn zeros(len: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// A place in metadata, from which it is read on.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    block: u64,
    offset: usize,
}

impl Cursor {
    /// Byte `offset` of the block at `block`.
    pub(crate) fn new(block: u64, offset: usize) -> Self {
        Cursor { block, offset }
    }

    /// A reference: a block's place in a table, and the byte in it, which is the lower 16 bits. `EUCLEAN` for one that
    /// nothing can be at.
    pub(crate) fn of_reference(table: u64, reference: u64) -> Result<Self, Errno> {
        let block = table.checked_add(reference >> 16);
        let offset = (reference & 0xffff) as usize;
        match block {
            Some(block) if offset < METADATA => Ok(Cursor { block, offset }),
            _ => Err(Errno::EUCLEAN),
        }
    }

    /// Reads on, over the ends of blocks.
    pub(crate) fn read(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        to: &mut [u8],
    ) -> Result<(), Errno> {
        self.each(lwp, image, to.len(), |done, piece| {
            to[done..done + piece.len()].copy_from_slice(piece);
        })
    }

    /// Passes over `len` bytes.
    pub(crate) fn skip(&mut self, lwp: &Lwp<'_>, image: &Image, len: usize) -> Result<(), Errno> {
        self.each(lwp, image, len, |_, _| ())
    }

    /// Reads `N` bytes.
    pub(crate) fn array<const N: usize>(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
    ) -> Result<[u8; N], Errno> {
        let mut bytes = [0; N];
        self.read(lwp, image, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads `len` bytes, of which there are no more than the caller knows to be few.
    pub(crate) fn bytes(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        len: usize,
    ) -> Result<Vec<u8>, Errno> {
        let mut bytes = zeros(len)?;
        self.read(lwp, image, &mut bytes)?;
        Ok(bytes)
    }

    fn each(
        &mut self,
        lwp: &Lwp<'_>,
        image: &Image,
        len: usize,
        mut piece: impl FnMut(usize, &[u8]),
    ) -> Result<(), Errno> {
        let mut done = 0;
        while done < len {
            let block = image.metadata(lwp, self.block)?;
            let Some(rest) = block
                .bytes
                .get(self.offset..)
                .filter(|rest| !rest.is_empty())
            else {
                // Behind the end of a block begins the next, and there only.
                if self.offset != block.bytes.len() || block.bytes.is_empty() {
                    return Err(Errno::EUCLEAN);
                }
                *self = Cursor::new(block.next, 0);
                continue;
            };
            let take = rest.len().min(len - done);
            piece(done, &rest[..take]);
            done += take;
            self.offset += take;
        }
        Ok(())
    }
}
