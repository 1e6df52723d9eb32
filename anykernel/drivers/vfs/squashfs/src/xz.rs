//! The frame of xz around a block's data ([The .xz file format](https://tukaani.org/xz/xz-file-format.txt), 1.2): read
//! here, since it says how large a dictionary is to be, and an image may say anything.

use alloc::boxed::Box;

use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::{Lzma2Reader, Read};

/// Bytes of a stream's header, and what it begins with.
const STREAM: usize = 12;
const MAGIC: [u8; 6] = *b"\xfd7zXZ\0";

/// The bits of a block header's flags that say how many filters there are, and whether sizes stand before them.
const FILTERS: u8 = 0x03;
const SIZES: [u8; 2] = [0x40, 0x80];

/// The last filter: LZMA2.
const LZMA2: u64 = 0x21;

/// Decompresses a stream of one block: how many bytes of `to` it filled, or nothing if it is no such stream, or has more.
pub(crate) fn decompress(from: &[u8], to: &mut [u8]) -> Option<usize> {
    let block = from.strip_prefix(&MAGIC).and(from.get(STREAM..))?;
    let header = block.get(..(usize::from(*block.first()?) + 1) * 4)?;
    let data = &block[header.len()..];
    let flags = *header.get(1)?;
    let mut fields = &header[2..];
    for size in SIZES {
        if flags & size != 0 {
            number(&mut fields)?;
        }
    }
    // A dictionary as large as what comes out is large enough.
    let lzma2 = Lzma2Reader::new(data, u32::try_from(to.len()).ok()?, None);
    let mut reader: Box<dyn Read + '_> = match flags & FILTERS {
        0 => Box::new(lzma2),
        1 => branches(filter(&mut fields)?, lzma2)?,
        _ => return None,
    };
    if filter(&mut fields)? != LZMA2 {
        return None;
    }
    let mut len = 0;
    while len < to.len() {
        match reader.read(&mut to[len..]).ok()? {
            0 => return Some(len),
            more => len += more,
        }
    }
    match reader.read(&mut [0]) {
        Ok(0) => Some(len),
        _ => None,
    }
}

/// The filter before LZMA2, that has made calls of machine code absolute.
fn branches<'a>(filter: u64, inner: Lzma2Reader<&'a [u8]>) -> Option<Box<dyn Read + 'a>> {
    let reader = match filter {
        4 => BcjReader::new_x86(inner, 0),
        5 => BcjReader::new_ppc(inner, 0),
        6 => BcjReader::new_ia64(inner, 0),
        7 => BcjReader::new_arm(inner, 0),
        8 => BcjReader::new_arm_thumb(inner, 0),
        9 => BcjReader::new_sparc(inner, 0),
        10 => BcjReader::new_arm64(inner, 0),
        11 => BcjReader::new_riscv(inner, 0),
        _ => return None,
    };
    Some(Box::new(reader))
}

/// Takes a filter's number, and passes over its properties.
fn filter(fields: &mut &[u8]) -> Option<u64> {
    let filter = number(fields)?;
    let properties = usize::try_from(number(fields)?).ok()?;
    *fields = fields.get(properties..)?;
    Some(filter)
}

/// Takes a number: seven bits a byte, the lowest first.
fn number(fields: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = fields.split_first()?;
        *fields = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
