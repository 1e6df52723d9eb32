//! Records of directories (ECMA-119, 9.1): each is a name, and where its bytes are.

use base::Errno;
use vfs::{Date, Time};

use crate::bytes::u32_at;

/// Where the name begins, and so the shortest record.
const NAME: usize = 33;
/// The longest record.
pub(crate) const LONGEST: usize = 255;

/// Bits of its flags.
const DIRECTORY: u8 = 0x02;
const ASSOCIATED: u8 = 0x04;
const MORE: u8 = 0x80;

/// The zones there are, from Greenwich on, in quarters of an hour.
const ZONES: core::ops::RangeInclusive<i8> = -48..=52;

/// A record.
pub(crate) struct Record<'a> {
    /// The first block of its bytes.
    pub(crate) block: u32,
    /// How many bytes there are.
    pub(crate) len: u32,
    pub(crate) time: Time,
    flags: u8,
    /// Its bytes are in pieces, with gaps between.
    pub(crate) interleaved: bool,
    pub(crate) name: &'a [u8],
    pub(crate) system_use: &'a [u8],
}

impl<'a> Record<'a> {
    /// The one that `bytes` begin with, which say how long it is. `EUCLEAN` if it is none.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Record<'a>, Errno> {
        let len = usize::from(*bytes.first().ok_or(Errno::EUCLEAN)?);
        let raw = bytes.get(..len).filter(|_| len > NAME);
        let raw = raw.ok_or(Errno::EUCLEAN)?;
        let name_len = usize::from(raw[32]);
        let name = raw.get(NAME..NAME + name_len).filter(|_| name_len > 0);
        let name = name.ok_or(Errno::EUCLEAN)?;
        // What follows begins at an even place.
        let rest = NAME + name_len + usize::from(name_len.is_multiple_of(2));
        Ok(Record {
            // Attributes that nobody uses may stand before the bytes.
            block: u32_at(raw, 2)
                .checked_add(u32::from(raw[1]))
                .ok_or(Errno::EUCLEAN)?,
            len: u32_at(raw, 10),
            time: time(&raw[18..25]),
            flags: raw[25],
            interleaved: raw[26] != 0,
            name,
            system_use: raw.get(rest..).unwrap_or(&[]),
        })
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.flags & DIRECTORY != 0
    }

    /// Whether it is the directory itself.
    pub(crate) fn is_self(&self) -> bool {
        self.name == [0]
    }

    /// Whether it is no entry: the directory itself, the one it is in, or what belongs to a file of the same name.
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_self() || self.name == [1] || self.flags & ASSOCIATED != 0
    }

    /// Whether the next record goes on with the same file.
    pub(crate) fn goes_on(&self) -> bool {
        self.flags & MORE != 0
    }
}

/// A time in seven bytes (9.1.5); the last is the zone, in quarters of an hour. What is none is 1970.
pub(crate) fn time(raw: &[u8]) -> Time {
    let date = Date {
        year: 1900 + i64::from(raw[0]),
        month: raw[1],
        day: raw[2],
        hour: raw[3],
        minute: raw[4],
        second: raw[5],
    };
    in_zone(date, raw[6])
}

/// A time in 17 bytes (8.4.26.1), which are digits but the last.
pub(crate) fn long_time(raw: &[u8]) -> Time {
    let number = |digits: &[u8]| {
        digits.iter().fold(0, |number: i64, digit| {
            number * 10 + i64::from(digit.wrapping_sub(b'0') % 10)
        })
    };
    let pair = |at: usize| number(&raw[at..at + 2]) as u8;
    let date = Date {
        year: number(&raw[..4]),
        month: pair(4),
        day: pair(6),
        hour: pair(8),
        minute: pair(10),
        second: pair(12),
    };
    in_zone(date, raw[16])
}

fn in_zone(date: Date, quarters: u8) -> Time {
    let mut time = date.time().unwrap_or_default();
    // genisoimage writes zones that nobody lives in.
    let zone = Some(quarters as i8).filter(|zone| ZONES.contains(zone));
    time.seconds -= i64::from(zone.unwrap_or(0)) * 15 * 60;
    time
}
