//! What a directory says of a file: 32 bytes.

use vfs::{Date, Time};

use crate::bytes::{put_u16, put_u32, u16_at, u32_at};

/// Bytes of an entry.
pub(crate) const LEN: usize = 32;

/// Attributes.
pub(crate) const READ_ONLY: u8 = 0x01;
pub(crate) const LABEL: u8 = 0x08;
pub(crate) const DIRECTORY: u8 = 0x10;
pub(crate) const ARCHIVE: u8 = 0x20;
/// A piece of a long name has these, of all but the last two.
pub(crate) const LONG_NAME: u8 = 0x0f;
pub(crate) const ATTRIBUTES: u8 = 0x3f;

/// What an entry begins with that is free, and the one behind all.
pub(crate) const FREE: u8 = 0xe5;
pub(crate) const END: u8 = 0;

/// An entry, as it stands on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(pub(crate) [u8; LEN]);

impl Entry {
    /// One of nothing, made at a time.
    pub(crate) fn new(short: [u8; 11], attributes: u8, time: Time) -> Entry {
        let mut raw = [0; LEN];
        raw[..11].copy_from_slice(&short);
        raw[11] = attributes;
        let mut entry = Entry(raw);
        let (date, clock, odd) = packed(time);
        entry.0[13] = odd;
        put_u16(&mut entry.0, 14, clock);
        put_u16(&mut entry.0, 16, date);
        entry.set_modified(time);
        entry.set_accessed(time);
        entry
    }

    pub(crate) fn short(&self) -> [u8; 11] {
        let mut short = [0; 11];
        short.copy_from_slice(&self.0[..11]);
        short
    }

    pub(crate) fn attributes(&self) -> u8 {
        self.0[11]
    }

    pub(crate) fn set_attributes(&mut self, attributes: u8) {
        self.0[11] = attributes;
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.attributes() & DIRECTORY != 0
    }

    /// Bits that say that the name, and what is behind its dot, is in lower case.
    pub(crate) fn lower(&self) -> (bool, bool) {
        (self.0[12] & 0x08 != 0, self.0[12] & 0x10 != 0)
    }

    pub(crate) fn cluster(&self) -> u32 {
        u32::from(u16_at(&self.0, 20)) << 16 | u32::from(u16_at(&self.0, 26))
    }

    pub(crate) fn set_cluster(&mut self, cluster: u32) {
        put_u16(&mut self.0, 20, (cluster >> 16) as u16);
        put_u16(&mut self.0, 26, cluster as u16);
    }

    pub(crate) fn size(&self) -> u32 {
        u32_at(&self.0, 28)
    }

    pub(crate) fn set_size(&mut self, size: u32) {
        put_u32(&mut self.0, 28, size);
    }

    /// In steps of two seconds.
    pub(crate) fn modified(&self) -> Time {
        time(u16_at(&self.0, 24), u16_at(&self.0, 22), 0)
    }

    pub(crate) fn set_modified(&mut self, time: Time) {
        let (date, clock, _) = packed(time);
        put_u16(&mut self.0, 22, clock);
        put_u16(&mut self.0, 24, date);
    }

    /// In days.
    pub(crate) fn accessed(&self) -> Time {
        time(u16_at(&self.0, 18), 0, 0)
    }

    pub(crate) fn set_accessed(&mut self, time: Time) {
        put_u16(&mut self.0, 18, packed(time).0);
    }

    /// In steps of 10 ms, if anybody said.
    pub(crate) fn created(&self) -> Option<Time> {
        let date = u16_at(&self.0, 16);
        (date != 0).then(|| time(date, u16_at(&self.0, 14), self.0[13]))
    }
}

/// A time of a date, a clock, and so many hundredths more. What is none is 1980.
fn time(date: u16, clock: u16, hundredths: u8) -> Time {
    let date = Date {
        year: 1980 + i64::from(date >> 9),
        month: (date >> 5 & 15) as u8,
        day: (date & 31) as u8,
        hour: (clock >> 11) as u8,
        minute: (clock >> 5 & 63) as u8,
        second: (clock & 31) as u8 * 2,
    };
    let mut time = date.time().unwrap_or(Time {
        seconds: 315_532_800,
        nanoseconds: 0,
    });
    time.seconds += i64::from(hundredths / 100);
    time.nanoseconds = u32::from(hundredths % 100) * 10_000_000;
    time
}

/// The date, the clock and the hundredths of a time, or the nearest there are.
fn packed(time: Time) -> (u16, u16, u8) {
    let date = Date::of(time);
    let (day, clock) = match date.year {
        ..1980 => ((1 << 5) | 1, 0),
        1980..=2107 => (
            ((date.year - 1980) as u16) << 9 | u16::from(date.month) << 5 | u16::from(date.day),
            u16::from(date.hour) << 11 | u16::from(date.minute) << 5 | u16::from(date.second / 2),
        ),
        _ => (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29),
    };
    let odd = date.second % 2 * 100 + (time.nanoseconds / 10_000_000) as u8;
    (day, clock, odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_as_well_as_they_can_be() {
        let at = |seconds, nanoseconds| Time {
            seconds,
            nanoseconds,
        };
        let mut entry = Entry::new(*b"NAME       ", 0, at(1_700_000_001, 230_000_000));
        assert_eq!(entry.created(), Some(at(1_700_000_001, 230_000_000)));
        assert_eq!(entry.modified(), at(1_700_000_000, 0));
        assert_eq!(entry.accessed(), at(1_699_920_000, 0));
        for (time, kept) in [(0, 315_532_800), (i64::from(u32::MAX) + 1, 4_294_967_296)] {
            entry.set_modified(at(time, 0));
            assert_eq!(entry.modified(), at(kept, 0));
        }
        // Month 15, day 0.
        entry.0[24..26].copy_from_slice(&[0xe0, 0x01]);
        assert_eq!(entry.modified(), at(315_532_800, 0));
    }
}
