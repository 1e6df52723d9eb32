//! Fields behind the names of records (SUSP, IEEE P1281): a signature of two letters and a few bytes each. They may go
//! on in other places.

use base::{Errno, Lwp};

use crate::bytes::u32_at;
use crate::image::{Image, SECTOR};

/// The places where fields of one record go on, at most.
const MOST: usize = 32;

/// A field.
pub(crate) struct Field<'a> {
    pub(crate) signature: [u8; 2],
    pub(crate) bytes: &'a [u8],
}

/// How far behind names fields begin, if this is what the root says of itself.
pub(crate) fn begins(area: &[u8]) -> Option<usize> {
    let (field, _) = next(area)?;
    match (&field.signature, field.bytes) {
        (b"SP", [0xbe, 0xef, skip, ..]) => Some(usize::from(*skip)),
        _ => None,
    }
}

/// Calls `each` with every field, wherever it is. `EUCLEAN` if they go on where they cannot.
pub(crate) fn each(
    lwp: &Lwp<'_>,
    image: &Image,
    area: &[u8],
    each: &mut dyn FnMut(Field<'_>) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut place = one(area, each)?;
    for _ in 0..MOST {
        let Some((at, len)) = place else {
            return Ok(());
        };
        let mut sector = [0; SECTOR];
        let area = sector.get_mut(..len).ok_or(Errno::EUCLEAN)?;
        let at = image.place(at.0) + u64::from(at.1);
        image.read(lwp, at, area)?;
        place = one(area, each)?;
    }
    Err(Errno::EUCLEAN)
}

/// Where fields go on: the block, the byte behind its begin, and how many bytes.
type Place = ((u32, u32), usize);

fn one(
    mut area: &[u8],
    each: &mut dyn FnMut(Field<'_>) -> Result<(), Errno>,
) -> Result<Option<Place>, Errno> {
    let mut place = None;
    while let Some((field, rest)) = next(area) {
        area = rest;
        match &field.signature {
            b"ST" => break,
            b"CE" if field.bytes.len() >= 24 => {
                let number = |at| u32_at(field.bytes, at);
                place = Some(((number(0), number(8)), number(16) as usize));
            }
            _ => each(field)?,
        }
    }
    Ok(place)
}

/// The first field; bytes that are none end it.
fn next(area: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let len = usize::from(*area.get(2)?);
    let (field, rest) = area.split_at_checked(len).filter(|_| len >= 4)?;
    let field = Field {
        signature: [field[0], field[1]],
        bytes: &field[4..],
    };
    Some((field, rest))
}
