//! Where an entry of a directory is, as a number that lasts.
//!
//! Entries of a directory without an index stay at their offset. Those of one with an index move between blocks, so
//! their order is that of the names' hashes, as the crate gives them: 63 bits, and a count among those with the same
//! hash. The number has room for 55 bits of hash and for the count among those that share them.

use base::Errno;
use rsext4::DirectoryCursor as Cursor;

/// Says that the rest is a hash.
const INDEXED: u64 = 1 << 63;

/// Bits of the count.
const COUNT: u32 = 8;

/// The number that no entry has.
pub(crate) const END: u64 = u64::MAX;

/// Where to go on: from a cursor, but for the first few that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resumed {
    pub(crate) cursor: Cursor,
    pub(crate) skip: u64,
}

/// What a number means, in a directory as it is now. One that was given before the directory got an index means its
/// start: better an entry twice than not at all.
pub(crate) fn decode(number: u64, indexed: bool) -> Resumed {
    let (cursor, skip) = match number {
        0 => (Cursor::Start, 0),
        END => (Cursor::End, 0),
        _ if number & INDEXED == 0 && indexed => (Cursor::Start, 0),
        _ if number & INDEXED == 0 => (Cursor::Linear { offset: number }, 0),
        _ if !indexed => (Cursor::Start, 0),
        _ => {
            let hash = (number & !INDEXED) >> COUNT << COUNT;
            let cursor = Cursor::HTree {
                major: ((hash >> 32) as u32) << 1,
                minor: hash as u32,
                collision: 0,
            };
            (cursor, number & ((1 << COUNT) - 1))
        }
    };
    Resumed { cursor, skip }
}

/// The way through a batch of entries, each of which comes with the cursor of the next one.
pub(crate) struct Walk {
    /// The bits of hash of the entry that is next, if it has some, and how many with the same were before it.
    hash: u64,
    before: u64,
    skip: u64,
}

impl Walk {
    /// From where a batch begins.
    pub(crate) fn new(start: Resumed) -> Self {
        Walk {
            hash: hash(start.cursor).unwrap_or_default(),
            before: 0,
            skip: start.skip,
        }
    }

    /// Passes an entry: the number of the next one, or none if this one was given already. `EUCLEAN` if more share a hash
    /// than in any directory.
    pub(crate) fn step(&mut self, next: Cursor) -> Result<Option<u64>, Errno> {
        let number = match (next, hash(next)) {
            (Cursor::End, _) => END,
            (Cursor::Linear { offset }, _) => offset & !INDEXED,
            (_, Some(hash)) if hash == self.hash => {
                self.before += 1;
                if self.skip > 0 {
                    self.skip -= 1;
                    return Ok(None);
                }
                INDEXED | hash << COUNT | self.before
            }
            (_, other) => {
                self.hash = other.unwrap_or_default();
                self.before = 0;
                INDEXED | self.hash << COUNT
            }
        };
        // Whatever was to be skipped and is gone.
        self.skip = 0;
        match self.before >> COUNT {
            0 => Ok(Some(number)),
            _ => Err(Errno::EUCLEAN),
        }
    }
}

/// The bits of hash that a number has room for, of a cursor with a hash.
fn hash(cursor: Cursor) -> Option<u64> {
    match cursor {
        Cursor::HTree { major, minor, .. } => {
            let hash = u64::from(major >> 1) << 32 | u64::from(minor);
            Some(hash >> COUNT)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Entries in the order of a directory with an index: names, and hashes, of which some share bits or all.
    const ENTRIES: &[(char, u32, u32)] = &[
        ('a', 0, 7),
        ('b', 2, 0x100),
        ('c', 2, 0x101),
        ('d', 2, 0x101),
        ('e', 2, 0x200),
        ('f', 0x8000_0000, 5),
    ];

    fn cursor(index: usize) -> Cursor {
        let Some((_, major, minor)) = ENTRIES.get(index).copied() else {
            return Cursor::End;
        };
        let before = ENTRIES[..index].iter();
        let same = before.filter(|entry| (entry.1, entry.2) == (major, minor));
        Cursor::HTree {
            major,
            minor,
            collision: same.count() as u32,
        }
    }

    /// Names from a number on, as many as asked for, and the number after them.
    fn read(from: u64, most: usize) -> (Vec<char>, u64) {
        let start = decode(from, true);
        let first = match start.cursor {
            Cursor::Start => 0,
            Cursor::HTree { major, minor, .. } => {
                let mut entries = ENTRIES.iter();
                let at = entries.position(|entry| (entry.1, entry.2) >= (major, minor));
                at.unwrap_or(ENTRIES.len())
            }
            _ => ENTRIES.len(),
        };
        let mut walk = Walk::new(start);
        let (mut names, mut number) = (Vec::new(), from);
        for (index, entry) in ENTRIES.iter().enumerate().skip(first) {
            if names.len() == most {
                break;
            }
            if let Some(next) = walk.step(cursor(index + 1)).unwrap() {
                names.push(entry.0);
                number = next;
            }
        }
        (names, number)
    }

    #[test]
    fn entries_that_share_a_hash_are_told_apart() {
        for at_once in 1..=ENTRIES.len() {
            let (mut all, mut from) = (Vec::new(), 0);
            while from != END {
                let (names, next) = read(from, at_once);
                assert!(!names.is_empty(), "{at_once} at once, from {from:x}");
                all.extend(names);
                from = next;
            }
            assert_eq!(all, ['a', 'b', 'c', 'd', 'e', 'f'], "{at_once} at once");
        }
    }

    #[test]
    fn a_number_from_before_the_index_begins_again() {
        let linear = Cursor::Linear { offset: 24 };
        let number = Walk::new(decode(0, false)).step(linear).unwrap().unwrap();
        assert_eq!(decode(number, false).cursor, linear);
        assert_eq!(decode(number, true).cursor, Cursor::Start);
        assert_eq!(decode(END, true).cursor, Cursor::End);
    }

    #[test]
    fn more_with_one_hash_than_in_any_directory_are_refused() {
        let same = |collision| Cursor::HTree {
            major: 2,
            minor: 0,
            collision,
        };
        let mut walk = Walk::new(decode(0, true));
        let steps: Vec<_> = (0..300).map(|count| walk.step(same(count))).collect();
        assert!(steps[..256].iter().all(Result::is_ok));
        assert_eq!(steps[256], Err(Errno::EUCLEAN));
    }
}
