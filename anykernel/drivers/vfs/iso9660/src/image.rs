//! An image: what its descriptors say (ECMA-119, 8), and its blocks.

use alloc::format;
use alloc::sync::Arc;

use base::{Errno, Failure, Lwp};
use bio::Volume;

use crate::bytes::{u16_at, u32_at};
use crate::record::Record;
use crate::susp;

/// Where descriptors begin, and how long each is.
const FIRST: u64 = 16;
pub(crate) const SECTOR: usize = 2048;
/// More than that there are of no volume.
const MOST: u64 = 64;

/// What they begin with, but for their kind.
const IDENTIFIER: &[u8] = b"CD001";
const PRIMARY: u8 = 1;
const SUPPLEMENTARY: u8 = 2;
const END: u8 = 255;

/// Where the record of the root stands in a descriptor.
const ROOT: core::ops::Range<usize> = 156..190;
/// Where the names' encoding stands in a supplementary one, and those of Joliet.
const ESCAPES: core::ops::Range<usize> = 88..91;
const JOLIET: [&[u8]; 3] = [b"%/@", b"%/C", b"%/E"];

/// Who says what names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// ISO 9660 alone.
    Plain,
    /// Joliet: UTF-16.
    Joliet,
    /// Rock Ridge, whose fields begin so far behind a record's name.
    RockRidge { skip: usize },
}

/// What may be looked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) rock_ridge: bool,
    pub(crate) joliet: bool,
}

/// An image.
pub(crate) struct Image {
    volume: Arc<Volume>,
    pub(crate) names: Names,
    pub(crate) block_size: u32,
    pub(crate) blocks: u32,
    /// Where the root begins.
    pub(crate) root: u64,
}

impl Image {
    /// Whether there is one on a volume.
    pub(crate) fn is_on(lwp: &Lwp<'_>, volume: &Volume) -> bool {
        descriptor(lwp, volume, 0).is_ok_and(|descriptor| descriptor.is_some())
    }

    /// The one on a volume, by the names that tell most.
    pub(crate) fn open(
        lwp: &Lwp<'_>,
        volume: Arc<Volume>,
        wanted: Wanted,
    ) -> Result<Image, Failure> {
        let (mut primary, mut joliet) = (None, None);
        for index in 0..MOST {
            let Some(raw) = descriptor(lwp, &volume, index)? else {
                break;
            };
            match raw[0] {
                PRIMARY if primary.is_none() => primary = Some(raw),
                SUPPLEMENTARY if JOLIET.contains(&&raw[ESCAPES]) => joliet = Some(raw),
                END => break,
                _ => {}
            }
        }
        let primary = primary
            .ok_or_else(|| Failure::new(Errno::EINVAL, "byte 32768: no ISO 9660 begins here"))?;
        let mut image = Image::of(volume, &primary)?;
        if wanted.rock_ridge
            && let Some(skip) = image.rock_ridge(lwp)?
        {
            image.names = Names::RockRidge { skip };
        } else if let Some(joliet) = joliet.filter(|_| wanted.joliet) {
            image.root = image.place(Record::parse(&joliet[ROOT])?.block);
            image.names = Names::Joliet;
        }
        let root = image.directory(lwp, image.root);
        root.map_err(|errno| {
            let place = format!("byte {}: the root is no directory", image.root);
            Failure::new(errno, place)
        })?;
        Ok(image)
    }

    fn of(volume: Arc<Volume>, primary: &[u8; SECTOR]) -> Result<Image, Failure> {
        let block_size = u32::from(u16_at(primary, 128));
        if ![512, 1024, 2048].contains(&block_size) {
            let message = format!("byte 32896: blocks of {block_size} bytes");
            return Err(Failure::new(Errno::EUCLEAN, message));
        }
        let root = Record::parse(&primary[ROOT])?;
        Ok(Image {
            volume,
            names: Names::Plain,
            block_size,
            blocks: u32_at(primary, 80),
            root: u64::from(root.block) * u64::from(block_size),
        })
    }

    /// Where the fields of Rock Ridge begin, if the root's record of itself has any.
    fn rock_ridge(&self, lwp: &Lwp<'_>) -> Result<Option<usize>, Errno> {
        let raw = self.record(lwp, self.root)?;
        let record = Record::parse(&raw);
        Ok(record
            .ok()
            .and_then(|record| susp::begins(record.system_use)))
    }

    /// Where a block is.
    pub(crate) fn place(&self, block: u32) -> u64 {
        u64::from(block) * u64::from(self.block_size)
    }

    /// Reads what has to be there. `EUCLEAN` outside the image.
    pub(crate) fn read(&self, lwp: &Lwp<'_>, at: u64, to: &mut [u8]) -> Result<(), Errno> {
        let end = at.checked_add(to.len() as u64);
        match end.is_some_and(|end| end <= self.volume.size()) {
            true => self.volume.read_at(lwp, at, to),
            false => Err(Errno::EUCLEAN),
        }
    }

    /// The bytes of the record at a place, and what may follow it in its sector.
    pub(crate) fn record(
        &self,
        lwp: &Lwp<'_>,
        at: u64,
    ) -> Result<[u8; crate::record::LONGEST], Errno> {
        let mut raw = [0; crate::record::LONGEST];
        let left = SECTOR - (at % SECTOR as u64) as usize;
        let len = left.min(raw.len());
        self.read(lwp, at, &mut raw[..len])?;
        Ok(raw)
    }

    /// How many bytes a directory has. `EUCLEAN` unless it begins with itself.
    pub(crate) fn directory(&self, lwp: &Lwp<'_>, at: u64) -> Result<u32, Errno> {
        let raw = self.record(lwp, at)?;
        let record = Record::parse(&raw)?;
        let inside = at + u64::from(record.len) <= self.volume.size();
        match record.is_self() && record.is_directory() && inside {
            true => Ok(record.len),
            false => Err(Errno::EUCLEAN),
        }
    }
}

/// A descriptor, if there is one.
fn descriptor(lwp: &Lwp<'_>, volume: &Volume, index: u64) -> Result<Option<[u8; SECTOR]>, Errno> {
    let at = (FIRST + index) * SECTOR as u64;
    if at + SECTOR as u64 > volume.size() {
        return Ok(None);
    }
    let mut raw = [0; SECTOR];
    volume.read_at(lwp, at, &mut raw)?;
    Ok((raw[1..6] == *IDENTIFIER).then_some(raw))
}
