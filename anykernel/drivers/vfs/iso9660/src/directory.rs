//! Directories: records one after the other, none over the end of a sector.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Ino, Kind};

use crate::image::{Image, Names, SECTOR};
use crate::names;
use crate::record::Record;
use crate::rock_ridge::{LONGEST_NAME, RockRidge};

/// An entry.
pub(crate) struct Named {
    pub(crate) name: Vec<u8>,
    pub(crate) number: Ino,
    /// What it is, if that can be said without its unit.
    pub(crate) kind: Option<Kind>,
    /// Where the next entry is, in bytes of the directory.
    pub(crate) next: u64,
}

/// Gives the entries of the directory at a place, from its byte `from` on, until `each` returns `false`.
pub(crate) fn entries(
    lwp: &Lwp<'_>,
    image: &Image,
    directory: u64,
    from: u64,
    each: &mut dyn FnMut(Named) -> bool,
) -> Result<(), Errno> {
    let len = u64::from(image.directory(lwp, directory)?);
    // The record before said that the file goes on.
    let mut goes_on = false;
    let mut byte = from;
    let mut sector = [0; SECTOR];
    while byte < len {
        let at = directory + byte;
        let within = (at % SECTOR as u64) as usize;
        let rest = &mut sector[within..];
        let left = usize::try_from(len - byte).map_or(rest.len(), |left| left.min(rest.len()));
        let rest = &mut rest[..left];
        image.read(lwp, at, rest)?;
        let mut done = 0;
        while done < rest.len() {
            let raw = &rest[done..];
            // The rest of a block may be empty.
            if raw[0] == 0 {
                let block = image.block_size as usize;
                done = ((within + done) / block + 1) * block - within;
                continue;
            }
            let record = Record::parse(raw)?;
            let number = at + done as u64;
            done += usize::from(raw[0]);
            let begins = !goes_on;
            goes_on = record.goes_on();
            if !begins || record.is_hidden() {
                continue;
            }
            if let Some(named) = named(lwp, image, &record, number, byte + done as u64)?
                && !each(named)
            {
                return Ok(());
            }
        }
        byte += done as u64;
    }
    Ok(())
}

/// What a record says of an entry, if it is to be seen.
fn named(
    lwp: &Lwp<'_>,
    image: &Image,
    record: &Record<'_>,
    at: u64,
    next: u64,
) -> Result<Option<Named>, Errno> {
    let mut kind = Some(match record.is_directory() {
        true => Kind::Directory,
        false => Kind::File,
    });
    let mut number = match record.is_directory() {
        true => image.place(record.block),
        false => at,
    };
    let name = match image.names {
        Names::Plain => names::plain(record.name),
        Names::Joliet => names::joliet(record.name),
        Names::RockRidge { skip } => {
            let area = record.system_use.get(skip..).unwrap_or(&[]);
            let found = RockRidge::read(lwp, image, area)?;
            if found.moved {
                return Ok(None);
            }
            if let Some(block) = found.moved_to {
                (kind, number) = (Some(Kind::Directory), image.place(block));
            } else if !record.is_directory() {
                kind = Some(found.kind_of_file()?).filter(|kind| kind.device().is_none());
            }
            found.name.unwrap_or_else(|| names::plain(record.name))
        }
    };
    match names::is_name(&name) && name.len() <= LONGEST_NAME {
        true => Ok(Some(Named {
            name,
            number,
            kind,
            next,
        })),
        false => Err(Errno::EUCLEAN),
    }
}
